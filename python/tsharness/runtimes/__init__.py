"""Kinds of artifact that can be run, and which runner runs each (docs/kinds.md)."""
