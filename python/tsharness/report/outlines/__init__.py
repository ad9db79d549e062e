"""An outline for each kind of report."""
