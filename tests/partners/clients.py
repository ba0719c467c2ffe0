"""API clients for tests of contract D."""

import json
import secrets
from typing import Any

from django.http import HttpResponse
from django.test import Client

from credentials.services.keys import IssuedKey

CLIENTS = "/api/v1/api-clients"
KEYS = "/api/v1/api-keys"


def terms(**given: Any) -> dict[str, Any]:
    """The body of a new client with what is required."""
    return {
        "name": f"Client {secrets.token_hex(4)}",
        "redirectUris": ["https://partner.example/callback"],
        "contactEmail": "dev@partner.example",
    } | given


class KeyCaller:
    """A program that calls contract D's endpoints with a key; same form as tests.people.Caller."""

    def __init__(self, issued: IssuedKey | str) -> None:
        raw = issued if isinstance(issued, str) else issued.raw
        self._client = Client(raise_request_exception=False, headers={"Authorization": f"Bearer {raw}"})

    def __call__(
        self, method: str, path: str, body: Any = None, *, idempotency_key: str = "", **query: Any
    ) -> HttpResponse:
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        if method == "get":
            return self._client.get(path, query, headers=headers)
        content = json.dumps(body)
        return getattr(self._client, method)(path, content, content_type="application/json", headers=headers)
