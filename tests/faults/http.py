"""Calls to real web processes over sockets."""

import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from credentials.services.keys import IssuedKey
from tests.processes import Web

BASE = "/api/partner/v1"


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: dict[str, str]

    def json(self) -> Any:
        return json.loads(self.body)


def send(
    web: Web,
    method: str,
    path: str,
    body: Any = None,
    *,
    headers: dict[str, str] | None = None,
    timeout: float = 30,
) -> Answer:
    """One request on a connection of its own; `body` is sent as JSON."""
    connection = http.client.HTTPConnection(urlsplit(web.url).netloc, timeout=timeout)
    try:
        content = None if body is None else json.dumps(body).encode()
        given = {"Content-Type": "application/json"} if content else {}
        connection.request(method, path, content, given | (headers or {}))
        answer = connection.getresponse()
        return Answer(answer.status, answer.read(), {k.lower(): v for k, v in answer.getheaders()})
    finally:
        connection.close()


def health(web: Web, key: IssuedKey) -> Answer:
    return send(web, "GET", f"{BASE}/health", headers={"x-partner-api-key": key.raw})


def lead_post(
    web: Web, key: IssuedKey, idempotency_key: str, *, headers: dict[str, str] | None = None
) -> Answer:
    """Create a lead, as section A's writes go; its name is the idempotency key."""
    organization = str(key.key.organization_id)
    body = {"organizationId": organization, "name": idempotency_key, "email": f"{idempotency_key}@a.example"}
    ours = {"x-partner-api-key": key.raw, "Idempotency-Key": idempotency_key}
    return send(web, "POST", f"{BASE}/leads", body, headers=ours | (headers or {}))


def storm(webs: tuple[Web, ...], key: IssuedKey, calls: int, *, at_once: int = 40) -> list[Answer]:
    """So many health calls over the webs in turn, many at once."""
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(lambda number: health(webs[number % len(webs)], key), range(calls)))


def statuses(answers: list[Answer]) -> dict[int, int]:
    """How many answers had which status."""
    return {status: sum(a.status == status for a in answers) for status in {a.status for a in answers}}
