"""Writes of the webhooks app."""

from webhooks.services.outbox import callback_schedule, event_emit, events_emit, events_fan_out

__all__ = ["callback_schedule", "event_emit", "events_emit", "events_fan_out"]
