"""Writes of partner requests."""
