"""Endpoints of contract E."""
