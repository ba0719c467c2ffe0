"""Refusals of invoices."""

from config.api.exceptions import Conflict


class MoreThanDue(Conflict):
    """409: more is paid than is due."""

    message = "That is more than is due."


class NothingLeft(Conflict):
    """409: more is credited than is left of a line."""

    message = "That is more than is left to credit."
