"""Writes of the webhooks app."""

from webhooks.services.outbox import callback_schedule, event_call, event_emit, events_emit, events_fan_out
from webhooks.services.wake import dispatcher_wake

__all__ = [
    "callback_schedule",
    "dispatcher_wake",
    "event_call",
    "event_emit",
    "events_emit",
    "events_fan_out",
]
