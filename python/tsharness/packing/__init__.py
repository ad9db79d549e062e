"""``pack``: cases for an artifact that somebody else made. Nothing here imports torch."""
