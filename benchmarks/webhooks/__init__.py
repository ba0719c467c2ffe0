"""Webhooks beside django-webhook and a bare client; what waits, and how fair (docs/performance.md)."""
