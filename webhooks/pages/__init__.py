"""Dashboard pages of webhooks: endpoints, deliveries, request bins."""
