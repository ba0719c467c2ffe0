"""Contract D replayed: each of its lines is called as section_d.yaml has it, and answers as it says."""

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from django.test import Client

from tests.api_clients import KeyCaller
from tests.contract.shapes import differences, filled
from tests.partner import BASE
from tests.people import Caller, make_member
from tests.webhooks.receiver import Receiver
from webhooks.dispatcher import drain
from webhooks.registry import EVENT_TYPES
from webhooks.services.outbox import events_fan_out

WRITTEN = yaml.safe_load((Path(__file__).parent / "section_d.yaml").read_text())
SCENARIOS = {name: steps for name, steps in WRITTEN.items() if name != "shapes"}
# The contract's lines, as it writes them.
LINES = {
    "POST /api-clients", "GET /api-clients", "GET /api-clients/:id", "PUT /api-clients/:id",
    "DELETE /api-clients/:id", "GET /api-clients/:id/dashboard", "POST /api-keys",
    "GET /api-clients/:id/api-keys", "DELETE /api-clients/:id/api-keys/:id", "POST /api-clients/:id/webhooks",
    "GET /api-clients/:id/webhooks", "PUT /api-clients/:id/webhooks/:id",
    "DELETE /api-clients/:id/webhooks/:id", "GET /api-clients/:id/webhooks/:id/deliveries",
    "GET /api-clients/:id/usage", "GET /rate-limits", "GET /webhook-events",
}  # fmt: skip
# Contract D's own; those of other sections stand beside them, and what the hub adds.
EVENTS = {
    "call.analyzed", "job.completed", "job.failed", "request.completed", "request.failed", "booking.created",
    "booking.cancelled", "rental.created", "invoice.issued",
    *(f"lead.{what}" for what in ("created", "updated", "qualified", "converted", "rejected")),
}  # fmt: skip


class Replay:
    """One scenario: who calls, and what earlier steps saved."""

    def __init__(self, organization: Any, receiver: Receiver, shipped: Any) -> None:
        self._organization, self._shipped = organization, shipped
        self._people: dict[str, Any] = {}
        self.saved = {
            "organization": str(organization.id),
            "receiver": receiver.url,
            "today": f"{datetime.now(UTC):%Y-%m-%d}",
        }

    def step(self, step: dict[str, Any]) -> list[str]:
        """Do one step; answers what is not as written."""
        if "ship" in step:
            self._shipped()
            return []
        if "lead" in step:
            return self._lead(step)
        what = f"{step['call']} ({step.get('says', step.get('as', 'owner'))})"
        method, path = filled(step["call"], self.saved).split(" ")
        caller = self._caller(step.get("as", "owner"))
        query = filled(step.get("query", {}), self.saved)
        answer = caller(method.lower(), f"/api/v1{path}", filled(step.get("body"), self.saved), **query)
        if answer.status_code != step["status"]:
            return [f"{what}: {answer.status_code} {answer.content.decode()[:300]}"]
        if step["status"] == 204:
            return [f"{what}: a body"] if answer.content else []
        body = answer.json()
        for name, place in step.get("save", {}).items():
            value = body
            for part in place.split("."):
                value = value[part]
            self.saved[name] = value
        wanted = self._wanted(step)
        found = differences(wanted, body, self.saved) if wanted else []
        return [f"{what}: {text}" for text in found]

    def _wanted(self, step: dict[str, Any]) -> Any:
        if "error" in step:
            return {
                "error": step["error"],
                "message": "<text>",
                "details": step["details"],
                "requestId": "<text>",
            }
        return {**step["answer"], **step.get("beside", {})} if "answer" in step else None

    def _caller(self, who: str) -> Any:
        if who.startswith("$"):
            return KeyCaller(self.saved[who[1:]])
        if who not in self._people:
            self._people[who] = Caller(make_member(who, self._organization))
        return self._people[who]

    def _lead(self, step: dict[str, Any]) -> list[str]:
        body = {"organizationId": str(self._organization.id), "name": "Ada", "email": "ada@partner.example"}
        headers = {
            "x-partner-api-key": self.saved[step["lead"][1:]],
            "Idempotency-Key": secrets.token_hex(8),
        }
        made = Client().post(f"{BASE}/leads", body, content_type="application/json", headers=headers)
        if step["sent"]:
            drain()
        else:
            events_fan_out()
        return [] if made.status_code == 201 else [f"lead: {made.content.decode()}"]


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.mark.parametrize("name", SCENARIOS)
def test_contract_d_answers_as_it_is_written(name, organization, receiver, shipped):
    replay = Replay(organization, receiver, shipped)
    found: list[str] = []
    for step in SCENARIOS[name]:
        found = replay.step(step)
        assert not found, "\n".join(found)


def test_every_line_of_the_contract_is_written_down():
    called = set()
    for steps in SCENARIOS.values():
        for step in steps:
            if "call" in step and step["status"] < 300:
                method, path = step["call"].split(" ")
                parts = [":id" if part.startswith("$") else part for part in path.split("/")]
                called.add(f"{method} {'/'.join(parts)}")
    assert called == LINES


def test_a_difference_is_found():
    wanted = {"id": "<uuid>", "name": "Acme", "keys": [{"at": "<time or null>"}]}
    right = {
        "id": "019c2f6e-5a00-7bcd-8a51-0c1f6a2d9e10",
        "name": "Acme",
        "keys": [{"at": "2026-01-31T09:30:00Z"}],
    }
    assert differences(wanted, right, {}) == []
    for wrong in (
        right | {"id": "1"},
        right | {"name": "acme"},
        right | {"keys": []},
        right | {"keys": [{"at": "2026-01-31T09:30:00+00:00"}]},
        right | {"Name": "Acme"},
        {name: value for name, value in right.items() if name != "keys"},
        right | {"keys": [{"at": None, "more": 1}]},
    ):
        assert differences(wanted, wrong, {})
    assert differences({"count": 1}, {"count": True}, {})
    assert differences({"count": 1}, {"count": 1.0}, {})


# --- What can be subscribed to -------------------------------------------------------------


def test_each_event_is_described_as_it_is_declared(organization):
    events = Caller(make_member("member", organization))("get", "/api/v1/webhook-events").json()["data"]
    assert [event["name"] for event in events] == sorted(EVENT_TYPES)
    assert {event["name"] for event in events} >= EVENTS
    for event in events:
        declared = EVENT_TYPES[event["name"]]
        assert event.keys() == {"name", "description", "scope", "schema", "example"}
        assert (event["description"], event["scope"]) == (declared.summary, declared.scope.value)
        assert event["description"].endswith(".")
        validator = jsonschema.Draft202012Validator(
            event["schema"], format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
        )
        jsonschema.Draft202012Validator.check_schema(event["schema"])
        validator.validate(event["example"])
        assert event["example"]["type"] == event["name"]
        assert "text" not in (event["example"]["data"].get("name"), event["example"]["data"].get("email"))
        assert event["schema"]["properties"]["data"], event["name"]
