"""The command line: options in, reports out; everything else is elsewhere."""
