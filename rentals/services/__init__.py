"""Writes of the rentals app."""
