"""Pages: consent, what people have consented to, and API clients."""
