"""Writes of the rewards app."""
