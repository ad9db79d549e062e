"""Reports as data, and as text for a terminal."""
