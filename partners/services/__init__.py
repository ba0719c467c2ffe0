"""Writes of the partners app, by noun."""
