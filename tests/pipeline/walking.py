"""A partner at contract D's pipeline, and shortcuts to each state of each thing."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import HttpResponse
from django.test import Client

from config import tenancy
from credentials.services.keys import IssuedKey
from credentials.services.tokens import token_issue
from partners.models import User
from pipeline.models import Change
from webhooks.models import Event

BASE = "/api/v1"
LINES = [
    {"description": "Cover", "quantity": "1", "unitPriceMinor": 120_000, "taxRate": "18"},
    {
        "description": "Glass",
        "quantity": "2.5",
        "unitPriceMinor": 333,
        "discountMinor": 13,
        "taxRate": "17.5",
    },
]


def today(days: int = 0) -> str:
    """A day as the wire has it, counted from today (UTC)."""
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()


class Bearer:
    """Calls with one credential in Bearer form; the shortcuts answer what the last step answered."""

    def __init__(self, credential: str) -> None:
        self._client = Client(
            raise_request_exception=False, headers={"Authorization": f"Bearer {credential}"}
        )
        self._people = 0

    def get(self, path: str, **query: Any) -> HttpResponse:
        return self._client.get(BASE + path, query)

    def send(self, path: str, body: Any = None, *, method: str = "post", **headers: str) -> HttpResponse:
        content = json.dumps(body or {})
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return getattr(self._client, method)(
            BASE + path, content, content_type="application/json", headers=given
        )

    def done(self, path: str, body: Any = None, **given: Any) -> dict[str, Any]:
        """What a step that must succeed answers."""
        answer = self.send(path, body, **given)
        assert answer.status_code in (200, 201, 202), answer.content.decode()
        return answer.json()

    def lead(self, **terms: Any) -> dict[str, Any]:
        self._people += 1
        return self.done("/leads", {"name": "Ada", "email": f"ada{self._people}@a.example"} | terms)

    def qualified(self, **terms: Any) -> dict[str, Any]:
        return self.done(f"/leads/{self.lead(**terms)['id']}/qualify")

    def quote(self, lead: dict[str, Any] | None = None, **terms: Any) -> dict[str, Any]:
        """A draft."""
        lead = lead or self.qualified()
        body = {"title": "Car insurance", "currency": "ILS", "validUntil": today(30), "lines": LINES}
        return self.done("/quotes", body | {"leadId": lead["id"]} | terms)

    def quote_in(self, status: str) -> dict[str, Any]:
        quote = self.quote()
        if status != "draft":
            self.done(f"/quotes/{quote['id']}/send")
        if status in ("accepted", "rejected"):
            step = status.removesuffix("ed")
            self.done(f"/quotes/{quote['id']}/{step}", {"reason": "too dear"} if step == "reject" else None)
        if status == "superseded":
            self.done(f"/quotes/{quote['id']}/revise")
        return self.fresh("quotes", quote)

    def proposal(self, **terms: Any) -> dict[str, Any]:
        """A draft."""
        return self.done("/proposals", {"quoteId": self.quote_in("accepted")["id"]} | terms)

    def sent_proposal(self, **terms: Any) -> dict[str, Any]:
        return self.done(f"/proposals/{self.proposal(**terms)['id']}/send")

    def accepted_proposal(self) -> dict[str, Any]:
        return self.done(f"/proposals/{self.sent_proposal()['id']}/accept", {"name": "Ada"})

    def policy(self, **terms: Any) -> dict[str, Any]:
        """A pending one, whose term began today unless `startsOn` says otherwise."""
        body = {"proposalId": self.accepted_proposal()["id"], "startsOn": today()}
        return self.done("/policies", body | terms)

    def active_policy(self, **terms: Any) -> dict[str, Any]:
        return self.done(f"/policies/{self.policy(**terms)['id']}/activate")

    def fresh(self, noun: str, row: dict[str, Any]) -> dict[str, Any]:
        answer = self.get(f"/{noun}/{row['id']}")
        assert answer.status_code == 200, answer.content.decode()
        return answer.json()


class Seller(Bearer):
    """Calls with a key."""

    def __init__(self, issued: IssuedKey) -> None:
        super().__init__(issued.raw)
        self.issued = issued


class Person(Bearer):
    """Calls with a person's access token."""

    def __init__(self, user: User) -> None:
        super().__init__(token_issue(user=user, label="test", valid_for=timedelta(minutes=5)))
        self.user = user


def announced() -> list[str]:
    with tenancy.operator():
        return list(Event.objects.order_by("created_at", "id").values_list("type", flat=True))


def recorded() -> int:
    """How many steps history holds."""
    with tenancy.operator():
        return Change.objects.count()
