"""``export`` and references: the only part of the package that imports torch."""
