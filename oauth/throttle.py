"""How often the endpoints of machines may be asked, by django-ratelimit as sign-in is."""

from typing import Any

from django_ratelimit.core import is_ratelimited  # type: ignore[import-untyped]

from config.api.client_address import client_address
from oauth.exceptions import TooManyTokenRequests

REQUESTS, FAILURES = "300/m", "20/m"


def request_count(request: Any, client_id: str) -> None:
    """Count a request of a client from its address; nobody uses up what another address may ask.

    Raises TooManyTokenRequests (429), also once the address has failed to be a client 20 times in a minute.
    """
    address = client_address(request.META)
    if _is_full(request, "oauth-failure", address, FAILURES, increment=False) or _is_full(
        request, "oauth-request", f"{address} {client_id}", REQUESTS, increment=True
    ):
        error = TooManyTokenRequests(retryAfter=60)
        error.headers["Retry-After"] = "60"
        raise error


def failure_count(request: Any) -> None:
    """Count that the request's address was no client that it said it was."""
    _is_full(request, "oauth-failure", client_address(request.META), FAILURES, increment=True)


def _is_full(request: Any, group: str, subject: str, rate: str, *, increment: bool) -> bool:
    return is_ratelimited(request, group=group, key=lambda *_: subject, rate=rate, increment=increment)
