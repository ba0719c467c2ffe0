"""A white-label site as its visitors see it, on its own host name."""
