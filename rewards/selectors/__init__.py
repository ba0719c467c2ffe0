"""Reads of the rewards app."""
