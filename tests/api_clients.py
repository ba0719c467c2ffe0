"""Contract D's endpoints, and how keys call them."""

import json
import secrets
from typing import Any

from django.http import HttpResponse
from django.test import Client

from config import tenancy
from credentials.services.keys import IssuedKey
from partners.models import AuditEntry

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


def rows(model: Any, **given: Any) -> list[Any]:
    """Every organization's rows."""
    with tenancy.operator():
        return list(model.objects.filter(**given))


def client_acts(target_id: Any) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """What the audit trail says of a client or a key: (action, before, after), oldest first."""
    with tenancy.operator():
        entries = AuditEntry.objects.filter(target_id=str(target_id)).order_by("sequence")
        return [(entry.action, entry.before, entry.after) for entry in entries]
