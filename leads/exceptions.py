"""Refusals of leads."""

from config.api.exceptions import Conflict, DomainError


class ExternalIdTaken(Conflict):
    """409: another lead of the organization has this `externalId`; `details.leadId` names it."""

    message = "Another lead has this external id."


class InvalidTransition(DomainError):
    """409: the lead's status does not allow it; `details.allowed` says what it allows."""

    status, code = 409, "INVALID_TRANSITION"
    message = "The lead's status does not allow this."
