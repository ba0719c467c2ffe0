"""Refusals of the pipeline."""

from config.api.exceptions import Conflict, DomainError


class InvalidTransition(DomainError):
    """409: the status does not allow it; `details` has the present `status` and the steps `allowed`."""

    status, code = 409, "INVALID_TRANSITION"
    message = "The status does not allow this."


class AlreadyAssigned(Conflict):
    """409: the lead is offered to an agent, or accepted by one; `details.assignmentId` names it."""

    message = "The lead is assigned already."


class AlreadyMade(Conflict):
    """409: there is one that counts; `details` names it."""

    message = "There is one already."
