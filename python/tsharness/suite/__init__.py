"""Many artifacts, with what holds for each, in one file."""
