"""Contract D's endpoints, and how keys call them."""

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
    """A program that calls with a key, in the form of tests.people.Caller."""

    def __init__(self, key: IssuedKey | str) -> None:
        raw = key if isinstance(key, str) else key.raw
        self._client = Client(raise_request_exception=False, headers={"Authorization": f"Bearer {raw}"})

    def __call__(self, method: str, path: str, body: Any = None, **query: Any) -> HttpResponse:
        if method == "get":
            return self._client.get(path, query)
        return getattr(self._client, method)(path, json.dumps(body), content_type="application/json")
