"""Section A's governance endpoints, for people."""
