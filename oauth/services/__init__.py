"""Writes of the oauth app, by noun."""
