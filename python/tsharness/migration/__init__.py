"""From TorchScript to what comes after it, with proof (docs/migration.md)."""
