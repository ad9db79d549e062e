"""Runners for other LibTorches than the one that this package was built against."""
