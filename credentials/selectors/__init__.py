"""Reads of the credentials app. They need the operator's context, or the tenant's."""

from credentials.selectors.usage import usage_today

__all__ = ("usage_today",)
