"""What runs in the process that converts: the only part of the migration that has torch."""
