"""The Postman collection of contract sections 0, A and B: what docs/openapi.yaml says, in an order that runs.

`python -m config.api.postman docs/openapi.yaml FILE` writes it (`make openapi`). Newman runs it in
tests/api/test_postman.py. An operation of these sections without a step here is an error.
"""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_V1 = "/api/partner/v1"
_COVERED = (f"{_V1}/", "/partner/")
_METHODS = ("get", "post", "put", "patch", "delete")
_SILENCE = "UklGRiUAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQEAAACA"
_KEY, _TOKEN, _NOBODY = "key", "token", "nobody"


@dataclass(frozen=True)
class Step:
    """One request: an operation of the API, what it sends, and the status it must get.

    `keeps` names variables and where the answer has them, as JavaScript of `body`. Braces name variables.
    """

    name: str
    operation: str
    body: dict[str, Any] | None = None
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    auth: str = _KEY
    keeps: dict[str, str] = field(default_factory=dict)
    checks: tuple[str, ...] = ()


_ORGANIZATION = {"organizationId": "{{organizationId}}"}
_ADA = {"name": "Ada Lovelace", "email": "ada@example.com", "phone": "+972501234567"}
_SLOT = {"startsAt": "{{startsAt}}", "endsAt": "{{endsAt}}"}
_RENTED = {"startsAt": "{{rentFrom}}", "endsAt": "{{rentTo}}"}
_ITEMS = {"customer": _ADA, "lines": [{"itemId": "{{itemId}}", "quantity": 1}]}


def _step(name: str, operation: str, body: dict[str, Any] | None = None, **more: Any) -> Step:
    """A step of section A: it names its organization."""
    if operation.startswith("GET"):
        return Step(name, operation, query=_ORGANIZATION | more.pop("query", {}), **more)
    return Step(name, operation, _ORGANIZATION | (body or {}), **more)


FOLDERS: dict[str, tuple[Step, ...]] = {
    "0 Common": (
        Step("Who answers", f"GET {_V1}/health", checks=("pm.expect(body.status).to.eql('ok')",)),
        Step("Without a credential: 401", f"GET {_V1}/health", auth=_NOBODY, status=401),
        Step("Without the organization: 400", f"GET {_V1}/leads", status=400),
        Step(
            "Another organization: 403",
            f"GET {_V1}/leads",
            query={"organizationId": "00000000-0000-7000-8000-000000000000"},
            status=403,
            checks=("pm.expect(body.details.reason).to.eql('tenant_mismatch')",),
        ),
    ),
    "A Leads": (
        _step(
            "Create a lead",
            f"POST {_V1}/leads",
            _ADA | {"source": "website", "notes": "Asked for a call back."},
            status=201,
            keeps={"leadId": "body.id"},
        ),
        _step("Read it", f"GET {_V1}/leads/{{lead_id}}"),
        _step("Qualify it", f"PATCH {_V1}/leads/{{lead_id}}", {"status": "qualified"}),
        _step(
            "Replace it",
            f"PUT {_V1}/leads/{{lead_id}}",
            _ADA | {"valueMinor": 125_000, "currency": "ILS", "status": "qualified"},
        ),
        _step(
            "Send many in",
            f"POST {_V1}/leads/bulk",
            {"leads": [_ADA, {"name": "Nobody"}]},
        ),
        _step("List leads", f"GET {_V1}/leads", query={"limit": "20", "sortOrder": "desc"}),
    ),
    "A Bookings": (
        _step("What can be booked", f"GET {_V1}/resources", keeps={"resourceId": "body.data[0].id"}),
        _step(
            "When it is free",
            f"GET {_V1}/resources/{{resource_id}}/availability",
            query={"from": "{{freeFrom}}", "to": "{{freeTo}}"},
            keeps={
                "startsAt": "body.data.filter(s => s.free)[0].startsAt",
                "endsAt": "body.data.filter(s => s.free)[0].endsAt",
                "laterAt": "body.data.filter(s => s.free)[1].startsAt",
                "laterTo": "body.data.filter(s => s.free)[1].endsAt",
            },
        ),
        _step(
            "Hold a time",
            f"POST {_V1}/bookings",
            {"resourceId": "{{resourceId}}", "customer": _ADA, "hold": True, **_SLOT},
            status=201,
            keeps={"bookingId": "body.id"},
        ),
        _step("Confirm it", f"POST {_V1}/bookings/{{booking_id}}/confirm"),
        _step(
            "Move it",
            f"POST {_V1}/bookings/{{booking_id}}/reschedule",
            {"startsAt": "{{laterAt}}", "endsAt": "{{laterTo}}"},
        ),
        _step("Read it", f"GET {_V1}/bookings/{{booking_id}}"),
        _step("As a calendar entry", f"GET {_V1}/bookings/{{booking_id}}/calendar.ics"),
        _step("Cancel it", f"POST {_V1}/bookings/{{booking_id}}/cancel", {"reason": "Plans changed."}),
        _step("List bookings", f"GET {_V1}/bookings", query={"status": "cancelled"}),
    ),
    "A Inventory and rentals": (
        _step("What is rented out", f"GET {_V1}/inventory/items", keeps={"itemId": "body.data[0].id"}),
        _step(
            "What is free",
            f"GET {_V1}/inventory/availability",
            query={"from": "{{freeFrom}}", "to": "{{freeTo}}", "itemId": "{{itemId}}"},
        ),
        _step(
            "Quote a price",
            f"POST {_V1}/rentals",
            {**_RENTED, **_ITEMS, "quote": True},
            status=201,
            keeps={"rentalId": "body.id"},
        ),
        _step(
            "Reserve it", f"POST {_V1}/rentals/{{order_id}}/reserve", keeps={"invoiceId": "body.invoiceId"}
        ),
        _step("Read it", f"GET {_V1}/rentals/{{order_id}}"),
        _step("Pick it up", f"POST {_V1}/rentals/{{order_id}}/pick-up"),
        _step("Bring it back", f"POST {_V1}/rentals/{{order_id}}/return"),
        _step("Close it", f"POST {_V1}/rentals/{{order_id}}/close"),
        _step("Cancel it now: 409", f"POST {_V1}/rentals/{{order_id}}/cancel", status=409),
        _step("List orders", f"GET {_V1}/rentals", query={"status": "closed"}),
    ),
    "A Invoices": (
        _step(
            "Read an invoice",
            f"GET {_V1}/invoices/{{invoice_id}}",
            checks=("pm.expect(body.number).to.match(/^\\d{4}-\\d{6}$/)",),
        ),
        _step(
            "As PDF",
            f"GET {_V1}/invoices/{{invoice_id}}",
            headers={"Accept": "application/pdf"},
            checks=("pm.expect(pm.response.headers.get('Content-Type')).to.eql('application/pdf')",),
        ),
        _step("List invoices", f"GET {_V1}/invoices"),
    ),
    "A Governance": (
        Step(
            "Sign in",
            "POST /partner/auth/token",
            {"email": "{{ownerEmail}}", "password": "{{ownerPassword}}"},
            auth=_NOBODY,
            keeps={"accessToken": "body.accessToken"},
        ),
        Step(
            "Issue a credential",
            "POST /partner/credentials",
            _ORGANIZATION
            | {
                "name": "Postman",
                "scopes": ["leads:read"],
                "environment": "sandbox",
                "requireSigning": True,
                "signingMode": "timestamped",
            },
            auth=_TOKEN,
            status=201,
            keeps={"credentialId": "body.id"},
            checks=("pm.expect(body.rawApiKey).to.be.a('string')",),
        ),
        Step("List credentials", "GET /partner/credentials", query=_ORGANIZATION, auth=_TOKEN),
        Step("Read it", "GET /partner/credentials/{credential_id}", auth=_TOKEN),
        Step(
            "Change it",
            "PATCH /partner/credentials/{credential_id}",
            {"requestsPerMinute": 100},
            auth=_TOKEN,
        ),
        Step(
            "Rotate its secret",
            "POST /partner/credentials/{credential_id}/rotate",
            {"graceSeconds": 60},
            auth=_TOKEN,
        ),
        Step(
            "Rotate what it signs with",
            "POST /partner/credentials/{credential_id}/signing-secret/rotate",
            {"graceSeconds": 60},
            auth=_TOKEN,
        ),
        Step(
            "Revoke it",
            "PATCH /partner/credentials/{credential_id}/status",
            {"status": "revoked"},
            auth=_TOKEN,
        ),
        Step("See usage", "GET /partner/credentials/usage/dashboard", query=_ORGANIZATION, auth=_TOKEN),
    ),
    "B Calls": (
        Step(
            "Add a company",
            f"POST {_V1}/companies/create",
            {"name": "Northwind Telecom", "industry": "Telecommunications"},
            status=201,
            keeps={"companyId": "body.id"},
        ),
        Step("List companies", f"GET {_V1}/companies", query={"search": "Northwind"}),
        Step(
            "Add an agent",
            f"POST {_V1}/companies/{{company_id}}/agents/create",
            {"email": "sarah@northwind.example", "name": "Sarah Levi", "role": "Support"},
            status=201,
            keeps={"agentId": "body.id"},
        ),
        Step(
            "Send a call in",
            f"POST {_V1}/calls/analyze",
            {
                "audio_file": _SILENCE,
                "company_id": "{{companyId}}",
                "agent_id": "{{agentId}}",
                "call_type": "support",
            },
            status=202,
            keeps={"jobId": "body.job_id"},
        ),
        Step("Follow it", f"GET {_V1}/jobs/{{job_id}}/status"),
        # a second of silence is never completed: these answer what they answer until then
        *(
            Step(f"{what}, before it is completed: 409", f"GET {_V1}/jobs/{{job_id}}/{document}", status=409)
            for what, document in (
                ("Subtitles", "transcript.srt"),
                ("Web subtitles", "transcript.vtt"),
                ("A report", "report.html"),
            )
        ),
    ),
}
# Path parameters of the API, and the variables that hold them.
_PARAMETERS = {
    "lead_id": "leadId",
    "resource_id": "resourceId",
    "booking_id": "bookingId",
    "order_id": "rentalId",
    "invoice_id": "invoiceId",
    "credential_id": "credentialId",
    "company_id": "companyId",
    "job_id": "jobId",
}
_VARIABLES = ("baseUrl", "apiKey", "organizationId", "ownerEmail", "ownerPassword")
_DATES = """
const day = (n) => new Date(Date.now() + n * 86400000).toISOString().slice(0, 10);
if (!pm.collectionVariables.get('freeFrom')) {
  pm.collectionVariables.set('freeFrom', day(7));
  pm.collectionVariables.set('freeTo', day(27));
  pm.collectionVariables.set('rentFrom', new Date(Date.now() + 60000).toISOString());
  pm.collectionVariables.set('rentTo', new Date(Date.now() + 90000000).toISOString());
}
"""


def collection(openapi: dict[str, Any]) -> dict[str, Any]:
    """The collection (v2.1). Raises ValueError for steps without an operation, and the other way round."""
    operations = dict(_operations(openapi))
    steps = [step.operation for steps in FOLDERS.values() for step in steps]
    if unknown := set(steps) - set(operations):
        raise ValueError(f"The API has no {', '.join(sorted(unknown))}.")
    if missing := set(operations) - set(steps):
        raise ValueError(f"No step of the collection does {', '.join(sorted(missing))}.")
    return {
        "info": {
            "name": "Partner Hub: partner API v1",
            "description": "Sections 0, A and B. Fill the variables in from var/demo.env, and run it.",
            "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
        },
        "auth": _api_key(),
        "event": [_script("prerequest", _DATES.strip().splitlines())],
        "variable": [
            {"key": name, "value": "http://127.0.0.1:8000" if name == "baseUrl" else ""}
            for name in _VARIABLES
        ],
        "item": [
            {"name": folder, "item": [_item(step, operations[step.operation]) for step in steps]}
            for folder, steps in FOLDERS.items()
        ],
    }


def _operations(openapi: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in openapi["paths"].items():
        if path.startswith(_COVERED):
            for method in _METHODS:
                if method in methods:
                    yield f"{method.upper()} {path}", methods[method]


def _item(step: Step, operation: dict[str, Any]) -> dict[str, Any]:
    method, _, path = step.operation.partition(" ")
    path = re.sub(r"\{(\w+)\}", lambda found: "{{" + _PARAMETERS[found[1]] + "}}", path)
    query = [{"key": name, "value": value} for name, value in step.query.items()]
    raw = "{{baseUrl}}" + path + ("?" + "&".join(f"{q['key']}={q['value']}" for q in query) if query else "")
    scope = operation.get("x-required-scope")
    description = " ".join(
        filter(None, [operation.get("description", ""), f"Scope: `{scope}`." if scope else ""])
    )
    headers = dict(step.headers)
    request: dict[str, Any] = {
        "method": method,
        "url": {"raw": raw, "host": ["{{baseUrl}}"], "path": path.strip("/").split("/"), "query": query},
        "description": description,
    }
    if method != "GET":
        headers |= {"Content-Type": "application/json", "Idempotency-Key": "{{$guid}}"}
        request["body"] = {"mode": "raw", "raw": json.dumps(step.body or {}, indent=2)}
    request["header"] = [{"key": name, "value": value} for name, value in headers.items()]
    if step.auth == _NOBODY:
        request["auth"] = {"type": "noauth"}
    elif step.auth == _TOKEN:
        bearer = {"key": "token", "value": "{{accessToken}}", "type": "string"}
        request["auth"] = {"type": "bearer", "bearer": [bearer]}
    return {"name": step.name, "event": [_script("test", list(_tests(step)))], "request": request}


def _tests(step: Step) -> Iterator[str]:
    yield f"pm.test('answers {step.status}', () => pm.response.to.have.status({step.status}));"
    if step.status >= 400 or step.keeps or any("body" in check for check in step.checks):
        yield "const body = pm.response.json();"
    if step.status >= 400:
        yield (
            "pm.test('has the error body', () => "
            "pm.expect(body).to.include.all.keys('error', 'message', 'details', 'requestId'));"
        )
    for number, check in enumerate(step.checks, 1):
        yield f"pm.test('check {number}', () => {check});"
    for name, source in step.keeps.items():
        yield f"pm.collectionVariables.set('{name}', {source});"


def _script(listen: str, lines: list[str]) -> dict[str, Any]:
    return {"listen": listen, "script": {"type": "text/javascript", "exec": lines}}


def _api_key() -> dict[str, Any]:
    values = {"key": "x-partner-api-key", "value": "{{apiKey}}", "in": "header"}
    return {
        "type": "apikey",
        "apikey": [{"key": name, "value": value, "type": "string"} for name, value in values.items()],
    }


def main(source: str, target: str) -> int:
    made = collection(yaml.safe_load(Path(source).read_text()))
    Path(target).write_text(json.dumps(made, indent=2, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
