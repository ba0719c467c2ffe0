"""A partner's view of the API, through Django's handlers."""

import json
import secrets
from typing import Any

from django.http import HttpResponse
from django.test import Client

from credentials.services.keys import IssuedKey

BASE = "/api/partner/v1"


class Partner:
    """Sends requests with one key; section A's writes get `organizationId` and a fresh Idempotency-Key."""

    def __init__(self, issued: IssuedKey) -> None:
        self.issued = issued
        self.organization_id = str(issued.key.organization_id)
        self._client = Client(raise_request_exception=False)

    def get(self, path: str, *, headers: dict[str, str] | None = None, **query: Any) -> HttpResponse:
        return self._client.get(BASE + path, query, headers=self._headers(headers))

    def post(
        self,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
        method: str = "post",
    ) -> HttpResponse:
        content = json.dumps(body).encode() if raw is None else raw
        send = getattr(self._client, method)
        return send(BASE + path, content, content_type="application/json", headers=self._headers(headers))

    def write(
        self, path: str, idempotency_key: str | None = None, *, method: str = "post", **body: Any
    ) -> HttpResponse:
        """A write of section A: with `organizationId`, and a fresh Idempotency-Key unless one is given."""
        headers = {"Idempotency-Key": idempotency_key or secrets.token_hex(8)}
        full = {"organizationId": self.organization_id} | body
        return self.post(path, full, headers=headers, method=method)

    def delete(self, path: str) -> HttpResponse:
        return self._client.delete(BASE + path, headers=self._headers(None))

    def leads(self, **query: Any) -> HttpResponse:
        return self.get("/leads", organizationId=self.organization_id, **query)

    def lead_post(self, idempotency_key: str | None = None, **body: Any) -> HttpResponse:
        full = {
            "organizationId": self.organization_id,
            "name": "Ada",
            "email": "ada@a.example",
        } | body
        key = secrets.token_hex(8) if idempotency_key is None else idempotency_key
        return self.post("/leads", full, headers={"Idempotency-Key": key} if key else {})

    def _headers(self, headers: dict[str, str] | None) -> dict[str, str]:
        return {"x-partner-api-key": self.issued.raw} | (headers or {})
