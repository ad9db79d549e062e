"""Figures of earlier runs, kept in one file."""
