"""Run in a process of the hub (benchmarks/remote.py): tenants with subscriptions, and what they announce."""

import secrets
from itertools import cycle
from math import ceil
from uuid import UUID

import django

django.setup()

from django.utils import timezone  # noqa: E402 (needs the app registry)

from benchmarks.tenant import ACTOR  # noqa: E402
from config import tenancy  # noqa: E402
from config.encryption import seal  # noqa: E402
from config.tenancy import Environment  # noqa: E402
from credentials.models import Tier  # noqa: E402
from credentials.scopes import PARTNER_SCOPES  # noqa: E402
from credentials.services.keys import key_issue  # noqa: E402
from leads.events import LEAD_CREATED  # noqa: E402
from leads.models import Lead  # noqa: E402
from partners.services.organizations import organization_create  # noqa: E402
from webhooks.models import Delivery, Subscription  # noqa: E402
from webhooks.secrets import SUBSCRIPTION_SECRET  # noqa: E402
from webhooks.services import event_emit, events_fan_out  # noqa: E402

_EVENTS_A_COMMIT = 500


def tenant_create(name: str, urls: list[str], secret: str) -> dict[str, str]:
    """An organization with a key, whose client has a subscription for each URL."""
    organization = organization_create(name=name, slug=secrets.token_hex(6), actor=ACTOR)
    with tenancy.operator():
        issued = key_issue(
            organization_id=organization.id,
            environment=Environment.SANDBOX,
            name=name,
            scopes=PARTNER_SCOPES,
            actor=ACTOR,
            requests_per_minute=None,
            tier=Tier.ENTERPRISE,
        )
        for url in urls:
            Subscription.objects.create(
                organization_id=organization.id,
                environment=Environment.SANDBOX,
                client_id=issued.key.client_id,
                url=url,
                event_types=["lead.*"],
                secret_sealed=seal(secret.encode(), purpose=SUBSCRIPTION_SECRET),
            )
    return {"organization_id": str(organization.id), "key": issued.raw}


def events_announce(organization_ids: list[str], count: int) -> list[str]:
    """Emit so many events, the organizations taking turns; answers the events' ids."""
    ids: list[str] = []
    share = min(_EVENTS_A_COMMIT, ceil(count / len(organization_ids)))
    for organization_id in cycle(organization_ids):
        if len(ids) == count:
            return ids
        ids += _announce(organization_id, min(share, count - len(ids)))
    return ids


def _announce(organization_id: str, count: int) -> list[str]:
    with tenancy.tenant(organization_id, Environment.SANDBOX):
        return [
            str(
                event_emit(
                    LEAD_CREATED,
                    subject=_lead(organization_id),
                    organization_id=UUID(organization_id),
                    environment=Environment.SANDBOX,
                ).id
            )
            for _ in range(count)
        ]


def _lead(organization_id: str) -> Lead:
    """A lead like those of rows.sql; its row is not what is measured."""
    return Lead(
        organization_id=organization_id,
        environment=Environment.SANDBOX,
        updated_at=timezone.now(),
        name="Ada Lovelace",
        email="ada@example.com",
        phone="+972501234567",
        source="website",
        notes="Asked for a call back about the annual plan, after five.",
        status=Lead.Status.NEW,
    )


def deliveries_queue() -> None:
    """Fan out every event that waits, so that its deliveries do."""
    while events_fan_out():
        pass


def unsettled() -> int:
    """How many deliveries are still to be sent or settled."""
    with tenancy.operator():
        return Delivery.objects.open().count()
