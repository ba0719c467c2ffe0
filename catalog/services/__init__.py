"""Writes of the catalogue: networks, brands, offers, and runs that read networks."""
