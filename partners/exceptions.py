"""Refusals of the partners app."""

from config.api.exceptions import Conflict


class AgentExists(Conflict):
    """409: the company already has an agent with this e-mail address."""

    message = "The company already has an agent with this e-mail address."


class ClientNameTaken(Conflict):
    """409: the organization already has a client of this name in this environment."""

    message = "The organization already has an API client of this name in this environment."
