"""Inputs for an artifact that comes without any."""
