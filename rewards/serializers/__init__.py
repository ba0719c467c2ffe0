"""The wire forms of section C (rewards)."""
