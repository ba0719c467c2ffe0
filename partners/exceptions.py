"""Refusals of the partners app."""

from config.api.exceptions import Conflict


class AgentExists(Conflict):
    """409: the company already has an agent with this e-mail address."""

    message = "The company already has an agent with this e-mail address."


class ClientNameTaken(Conflict):
    """409: the organization already has a client of this name in this environment."""

    message = "The organization already has an API client of this name in this environment."


class OrganizationSuspended(Conflict):
    """409: the organization is suspended, so it gets no new keys."""

    message = "The organization is suspended."


class SlugTaken(Conflict):
    """409: another organization has this slug."""

    message = "Another organization has this short name."


class LastOwner(Conflict):
    """409: an organization keeps at least one owner."""

    message = "This is the organization's last owner. Make somebody else an owner first."
