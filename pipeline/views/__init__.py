"""Contract D's pipeline, by noun."""
