"""From TorchScript to what comes after it, with proof (docs/how-to/migrate.md)."""
