"""Section B's endpoints, by noun."""
