"""Every write of sites and publishable keys."""
