"""Request types: what a worker does with a partner's request. An unregistered type waits for an operator."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from rest_framework.serializers import Serializer

from partner_requests.models import PartnerRequest

Handler = Callable[[PartnerRequest, dict[str, Any]], Any]


class RequestRefused(Exception):
    """The request cannot be granted, however often it is tried: `code` is stable, `message` for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True, slots=True)
class RequestType:
    """`payload` judges a request when it is submitted (400); `handle` gets its clean values.

    `handle` runs in one transaction in the request's tenant context, which commits with the request's
    completion, and answers the result (JSON). It is tried again when it raises anything but RequestRefused.
    """

    name: str
    payload: type[Serializer]
    handle: Handler
    target: timedelta


REQUEST_TYPES: dict[str, RequestType] = {}


def request_type(name: str, *, payload: type[Serializer], target: timedelta) -> Callable[[Handler], Handler]:
    """Register the decorated function as the handler of requests of this type.

    `target` is the time within which they should be settled. Raises ValueError when the name is taken.
    """

    def register(handle: Handler) -> Handler:
        if name in REQUEST_TYPES:
            raise ValueError(f"The request type {name} is registered twice.")
        REQUEST_TYPES[name] = RequestType(name, payload, handle, target)
        return handle

    return register
