"""Endpoints of webhooks (contract D)."""
