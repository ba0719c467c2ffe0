"""Writes of the webhooks app."""

from webhooks.services.outbox import callback_schedule, event_emit, events_call, events_emit, events_fan_out
from webhooks.services.wake import dispatcher_wake

__all__ = [
    "callback_schedule",
    "dispatcher_wake",
    "event_emit",
    "events_call",
    "events_emit",
    "events_fan_out",
]
