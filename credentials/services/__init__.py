"""Writes of the credentials app, by noun."""
