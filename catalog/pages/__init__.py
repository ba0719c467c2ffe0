"""Dashboard pages: offers, brands, networks, and how these were read."""
