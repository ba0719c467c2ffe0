"""Doors of the rewards app to partners."""
