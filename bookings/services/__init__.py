"""Writes of the bookings app."""
