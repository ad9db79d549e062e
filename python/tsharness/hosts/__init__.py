"""Other machines, without Python, over the system's ssh (docs/how-to/bare-host.md)."""
