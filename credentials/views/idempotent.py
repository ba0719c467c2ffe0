"""Idempotency keys on people's writes."""

from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from credentials.authentication import TokenHolder
from credentials.idempotency import Guard, idempotency_begin_for_person, idempotency_store

WRITES = ("POST", "PUT", "PATCH", "DELETE")


class Replay(Exception):
    """Ends a request whose answer is already known."""


class PersonalViewSet(GenericViewSet):
    """An endpoint for people: one transaction holds check, effect and answer.

    An answer of 400 or more rolls everything back. A write that carries an Idempotency-Key is done once,
    and its answer kept in the same transaction.
    """

    _guard: Guard | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with transaction.atomic():
            response = super().dispatch(request, *args, **kwargs)
            if isinstance(response, Response):
                response.render()
            if response.status_code >= 400:
                transaction.set_rollback(True)
            elif self._guard and not self._guard.replay:
                idempotency_store(self._guard, response)
        return response

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method in WRITES and isinstance(request.auth, TokenHolder):
            self._guard = idempotency_begin_for_person(request._request, user=request.auth.user)
            if self._guard and self._guard.replay:
                raise Replay

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, Replay) and self._guard:
            return self._guard.replay
        return super().handle_exception(exc)
