"""A folder that verifies and benches an artifact on a host without Python (docs/how-to/bare-host.md)."""
