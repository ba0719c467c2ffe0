"""Everybody who may call under /api/v1, two organizations to call about, and what each path needs.

An endpoint that is added is found in the URL conf and asked like the others. Where its path has a parameter
of its own, PARAMETERS says which row of a target that is; where its body decides about whom it is, BODIES
does.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.db import connection, transaction
from django.urls import get_resolver
from django.utils import timezone

from config import tenancy
from credentials import limits
from credentials.access import ClientApiViewSet
from credentials.models import ApiKey
from credentials.store import store
from credentials.tenant_access import TenantApiViewSet
from leads.models import Lead
from oauth.views.clients import ClientOAuthViewSet
from partners.models import READERS, ApiClient, AuditEntry, Organization
from pipeline.models import Assignment, Export, Policy, Proposal, Quote
from tests.api_clients import CLIENTS, KEYS, KeyCaller, terms
from tests.architecture.test_scopes import routes
from tests.factories import SANDBOX, make_agent, make_company, make_key, make_organization
from tests.oauth_clients import REDIRECT, make_secret
from tests.people import Caller, make_member
from tests.pipeline.walking import Seller
from tests.webhooks.rows import make_subscription
from webhooks.models import Delivery, Replay, RequestBin, Subscription

BASE = "/api/v1/"
PEOPLE = ("super", "owner", "manager", "member", "outsider")
# key: (whether it is the organization's, in which organization and environment it is)
KEY_KINDS = {
    "client key": (False, "mine", "sandbox"),
    "organization key": (True, "mine", "sandbox"),
    "production key": (True, "mine", "production"),
    "foreign organization key": (True, "theirs", "sandbox"),
}
TARGETS = ("own", "sibling", "other environment", "other organization")
BINS = "/api/v1/request-bins"
# The row of a target that a path's parameter names; what is not here names nothing that there is.
PARAMETERS = (
    "client_id", "api_key_id", "webhook_id", "delivery_id", "replay_id", "bin_id", "secret_id", "lead_id",
    "assignment_id", "quote_id", "proposal_id", "policy_id", "export_id",
)  # fmt: skip
PIPELINE = (Lead, Assignment, Quote, Proposal, Policy, Export)
# Steps of the pipeline that take nothing.
STEPS = {
    "leads/<uuid:lead_id>": ("qualify", "convert"),
    "assignments/<uuid:assignment_id>": ("accept",),
    "quotes/<uuid:quote_id>": ("send", "accept", "revise"),
    "proposals/<uuid:proposal_id>": ("send", "link"),
    "policies/<uuid:policy_id>": ("activate",),
}
# Bodies that are taken; what is not here is sent {} and may be told 400 first.
BODIES: dict[tuple[str, str], Any] = {
    ("post", CLIENTS): lambda ids: terms(organizationId=ids["organization_id"]),
    ("put", f"{CLIENTS}/<uuid:client_id>"): lambda ids: {"description": "Changed"},
    ("post", KEYS): lambda ids: {"clientId": ids["client_id"], "name": "Server", "scopes": ["leads:read"]},
    ("post", f"{CLIENTS}/<uuid:client_id>/rotate-webhook-secret"): lambda ids: {},
    ("post", f"{CLIENTS}/<uuid:client_id>/webhooks"): lambda ids: {
        "url": "https://partner.example/hook",
        "events": ["lead.created"],
    },
    ("put", f"{CLIENTS}/<uuid:client_id>/webhooks/<uuid:webhook_id>"): lambda ids: {"description": "Changed"},
    ("post", f"{CLIENTS}/<uuid:client_id>/webhooks/<uuid:webhook_id>/replays"): lambda ids: {
        "since": (timezone.now() - timedelta(days=1)).isoformat()
    },
    ("post", BINS): lambda ids: {"name": "Bin", "organizationId": ids["organization_id"]},
    ("put", f"{BINS}/<uuid:bin_id>"): lambda ids: {"name": "Changed"},
    ("post", f"{BASE}leads"): lambda ids: {"name": "Eve", "email": "eve@a.example"},
    ("post", f"{BASE}leads/bulk"): lambda ids: {"leads": [{"name": "Eve", "email": "eve@a.example"}]},
    ("post", f"{BASE}leads/exports"): lambda ids: {},
    ("post", f"{BASE}policies/exports"): lambda ids: {},
    ("patch", f"{BASE}leads/<uuid:lead_id>"): lambda ids: {"notes": "Changed"},
    ("put", f"{BASE}policies/<uuid:policy_id>"): lambda ids: {"premiumMinor": 1},
    ("post", f"{BASE}leads/<uuid:lead_id>/reject"): lambda ids: {"reason": "no budget"},
    ("post", f"{BASE}policies/<uuid:policy_id>/cancel"): lambda ids: {"reason": "sold"},
    **{("post", f"{BASE}{path}/{step}"): lambda ids: {} for path, steps in STEPS.items() for step in steps},
}
# Where a key of the client's own is refused what is the organization's to decide.
NOT_FOR_CLIENT_KEYS = {("post", CLIENTS)}

_PARAMETER = re.compile(r"<(?:[^:>]+:)?([^>]+)>")


@dataclass(frozen=True)
class Endpoint:
    """One action under /api/v1. `is_for_people` beside keys; `is_of_client` or of the organization."""

    verb: str
    route: str
    view: Any
    scope: Any

    @property
    def is_for_people(self) -> bool:
        return issubclass(self.view, ClientApiViewSet | TenantApiViewSet)

    @property
    def readers(self) -> set[str]:
        """The roles that may read here."""
        return {"super", *getattr(self.view, "readers", READERS)}

    @property
    def parameters(self) -> list[str]:
        return _PARAMETER.findall(self.route)

    @property
    def is_of_client(self) -> bool:
        return "client_id" in self.parameters or (self.verb, self.route) == ("post", KEYS)

    @property
    def is_for_people_alone(self) -> bool:
        """Whether keys may read it, and people change it."""
        return self.verb != "get" and self.view is ClientOAuthViewSet

    @property
    def is_about_one(self) -> bool:
        return self.is_of_client or bool(self.parameters)

    @property
    def is_known(self) -> bool:
        """Whether its rows and its body are, so that it is answered in full."""
        has_body = self.verb in ("get", "delete") or (self.verb, self.route) in BODIES
        return has_body and set(self.parameters) <= set(PARAMETERS)

    def __str__(self) -> str:
        return f"{self.verb.upper()} {self.route}"


def endpoints() -> list[Endpoint]:
    found = []
    for route, callback in routes(get_resolver().url_patterns):
        if route.startswith(BASE):
            view = getattr(callback, "cls", object)
            assert issubclass(view, ClientApiViewSet | TenantApiViewSet), f"who may call {route}?"
            found += [
                Endpoint(verb, route, view, view.scopes[action]) for verb, action in callback.actions.items()
            ]
    return found


class World:
    """Two organizations, and a client with all that hangs on it for each target."""

    def __init__(self, targets: Iterable[str] = TARGETS) -> None:
        self._before: Any = None
        self.mine, self.theirs = make_organization(), make_organization()
        self.elsewhere = make_organization()
        where = {
            "own": (self.mine, SANDBOX),
            "sibling": (self.mine, SANDBOX),
            "other environment": (self.mine, "production"),
            "other organization": (self.theirs, SANDBOX),
        }
        self.ids = {target: self._target(*where[target]) for target in targets}

    def _target(self, organization: Organization, environment: str) -> dict[str, str]:
        key = make_key(organization, scopes=["leads:read"], environment=environment).key
        subscription = make_subscription("https://partner.example/hook", client=key.client)
        tenant = {"organization_id": organization.id, "environment": environment}
        with tenancy.operator():
            ApiClient.objects.filter(id=key.client_id).update(redirect_uris=[REDIRECT])
        secret = make_secret(key.client)
        with tenancy.tenant(organization.id, environment):
            delivery = Delivery.objects.create(
                **tenant, subscription=subscription, client=key.client, lane=subscription.id,
                url=subscription.url, event_type="client.changed", webhook_id="one", body="{}",
            )  # fmt: skip
            replay = Replay.objects.create(
                **tenant, subscription=subscription, since=timezone.now(), only="all", total=0,
                status="COMPLETED",
            )  # fmt: skip
            request_bin = RequestBin.objects.create(
                **tenant,
                name="Bin",
                token=uuid4().hex,
                expires_at=timezone.now() + timedelta(days=1),
            )
        rows = {
            "client_id": key.client_id, "api_key_id": key.id, "webhook_id": subscription.id,
            "delivery_id": delivery.id, "replay_id": replay.id, "bin_id": request_bin.id,
            "secret_id": secret.record.id,
            "organization_id": organization.id, "name": key.client.name,
        }  # fmt: skip
        return {name: str(value) for name, value in rows.items()} | self._pipeline(organization, environment)

    def _pipeline(self, organization: Organization, environment: str) -> dict[str, str]:
        """One lead's way to a policy, and another lead that is offered to an agent."""
        make_agent(make_company(organization, environment=environment))
        seller = Seller(make_key(organization, environment=environment))
        policy = seller.policy()
        quote_id = seller.fresh("proposals", {"id": policy["proposalId"]})["quoteId"]
        offer = seller.done("/assignments", {"leadId": seller.lead()["id"]})
        return {
            "leads_export_id": seller.done("/leads/exports")["id"],
            "policies_export_id": seller.done("/policies/exports")["id"],
            "lead_id": policy["leadId"],
            "assignment_id": offer["id"],
            "quote_id": quote_id,
            "proposal_id": policy["proposalId"],
            "policy_id": policy["id"],
        }

    def person(self, role: str) -> Caller:
        self._before = None
        if role == "outsider":
            return Caller(make_member("owner", self.elsewhere))
        return Caller(make_member(role, self.mine))

    def key(self, kind: str, *scopes: str) -> KeyCaller:
        self._before = None
        wide, where, environment = KEY_KINDS[kind]
        given = {"organization_wide": wide, "scopes": scopes, "environment": environment}
        return KeyCaller(make_key(getattr(self, where), name=self.ids["own"]["name"], **given))

    def path(self, endpoint: Endpoint, target: str, *, named: bool) -> str:
        """The endpoint's path about this target; `named` says whose organization it is, as people do."""
        ids = self.ids[target]
        if "export_id" in endpoint.parameters:
            ids = ids | {"export_id": ids[f"{endpoint.view.kind}_export_id"]}
        path = _PARAMETER.sub(lambda found: ids.get(found[1], str(uuid4())), endpoint.route)
        return f"{path}?organizationId={ids['organization_id']}" if named else path

    def call(self, caller: Any, endpoint: Endpoint, target: str, *, named: bool = False) -> Any:
        """The answer to a call whose effect is taken back, and whether it had one though it was refused."""
        made = BODIES.get((endpoint.verb, endpoint.route))
        body = made(self.ids[target]) if made else {}
        if not named and endpoint.verb == "post":
            body.pop("organizationId", None)
        path = self.path(endpoint, target, named=named)
        # so many calls a minute are nobody's
        if used := store.keys("hub:limit:*"):
            store.delete(*used)
        limits._refusals.clear()
        if endpoint.verb == "get":
            answer = caller("get", path)
            answer.changed = False
            return answer
        # whatever a call does is taken back, so this stays what there is
        self._before = self._before or rows()
        with transaction.atomic():
            answer = caller(endpoint.verb, path, body)
            answer.changed = answer.status_code >= 400 and _has_written() and rows() != self._before
            transaction.set_rollback(True)
        return answer


def _has_written() -> bool:
    """Whether this transaction can have changed a row: PostgreSQL numbers it with the first one it locks."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id_if_assigned() IS NOT NULL")
        return cursor.fetchone()[0]


def rows() -> Any:
    """All that a call could change."""
    pipeline = [model.objects.order_by().values_list("id", "updated_at") for model in PIPELINE]
    with tenancy.operator():
        return (
            AuditEntry.objects.count(),
            list(ApiClient.objects.order_by("id").values_list("id", "updated_at", "status")),
            list(ApiKey.objects.order_by("id").values_list("id", "status", "version")),
            list(Subscription.objects.order_by("id").values_list("id", "updated_at", "status")),
            list(Delivery.objects.order_by("id").values_list("id", "status", "max_attempts")),
            Replay.objects.count(),
            list(RequestBin.objects.order_by("id").values_list("id", "updated_at")),
            sorted(pipeline[0].union(*pipeline[1:])),
        )


def wrongs(endpoint: Endpoint, answer: Any, expected: int | str, who: Any) -> Iterator[str]:
    """What is wrong with an answer: "admitted", or a refusal that changes nothing."""
    status = answer.status_code
    if expected == "admitted":
        # what names no row of ours is looked for and not found
        fine = status < 500 and status not in (401, 403, 405) and (status != 404 or not endpoint.is_known)
    else:
        fine = status == expected or (status == 400 and not endpoint.is_known and expected in (403, 404))
        if answer.changed:
            yield f"{endpoint} by {who}: refused, and changed something"
    if not fine:
        yield f"{endpoint} by {who}: {status} instead of {expected}: {answer.content.decode()[:200]}"
