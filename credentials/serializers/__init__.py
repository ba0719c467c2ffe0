"""The wire forms of the credentials app, by surface."""
