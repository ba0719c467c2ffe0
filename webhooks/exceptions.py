"""Refusals of the webhooks app."""

from config.api.exceptions import DomainError


class ReplayRunning(DomainError):
    code = "REPLAY_RUNNING"
    message = "A replay of this webhook is still running."


class TooManyBins(DomainError):
    code = "TOO_MANY_BINS"
    message = "The organization has as many request bins as it may. Delete one first."


class SubscriptionNotActive(DomainError):
    code = "WEBHOOK_NOT_ACTIVE"
    message = "The webhook is paused or disabled. Set its status to ACTIVE first."
