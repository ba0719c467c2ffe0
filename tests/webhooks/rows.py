"""Events, subscriptions and deliveries for tests, and a look at what became of them."""

import secrets
from typing import Any

from django.utils import timezone

from config import tenancy
from config.encryption import seal
from credentials.scopes import Scope
from partners.models import ApiClient
from tests.factories import SANDBOX, make_client
from webhooks.models import Attempt, Delivery, Subscription
from webhooks.registry import EventType
from webhooks.secrets import SUBSCRIPTION_SECRET
from webhooks.services import callback_schedule, event_emit
from webhooks.services.claims import Claimed, deliveries_claim, lanes_with_work


class ClientOut:
    """The least a payload serializer must be."""

    def __init__(self, client: ApiClient) -> None:
        self.data = {"id": client.id, "name": client.name, "createdAt": client.created_at}


CLIENT_CHANGED = EventType("client.changed", "For tests.", Scope.CLIENTS_READ, ClientOut)


def make_callback(url: str, *, client: ApiClient | None = None, **given: Any) -> Delivery:
    client = client or make_client()
    unique = secrets.token_hex(8)
    with tenancy.tenant(client.organization_id, client.environment):
        delivery = callback_schedule(
            **{
                "organization_id": client.organization_id,
                "environment": client.environment,
                "client_id": client.id,
                "url": url,
                "event_type": "job.completed",
                "webhook_id": f"job-{unique}",
                "payload": {"job_id": unique},
            }
            | {name: given.pop(name) for name in ("webhook_id", "payload", "async_job_id") if name in given}
        )
        Delivery.objects.filter(id=delivery.id).update(**given)
    return delivery


def make_subscription(url: str, *, client: ApiClient, **given: Any) -> Subscription:
    with tenancy.tenant(client.organization_id, client.environment):
        return Subscription.objects.create(
            **{
                "organization_id": client.organization_id,
                "environment": client.environment,
                "client": client,
                "url": url,
                "event_types": ["client.*"],
                "secret_sealed": seal(b"whsec_c3Vic2NyaXB0aW9uLXNlY3JldA==", purpose=SUBSCRIPTION_SECRET),
            }
            | given
        )


def emit(client: ApiClient, **given: Any) -> Any:
    with tenancy.tenant(client.organization_id, client.environment):
        return event_emit(
            **{
                "kind": CLIENT_CHANGED,
                "subject": client,
                "organization_id": client.organization_id,
                "environment": SANDBOX,
                "client_id": client.id,
            }
            | given,
        )


def delivery_now(delivery: Delivery) -> Delivery:
    """The delivery as the database has it."""
    with tenancy.operator():
        return Delivery.objects.get(id=delivery.id)


def all_deliveries() -> list[Delivery]:
    with tenancy.operator():
        return list(Delivery.objects.order_by("created_at", "id"))


def attempts_of(delivery: Delivery) -> list[Attempt]:
    with tenancy.operator():
        return list(Attempt.objects.filter(delivery_id=delivery.id).order_by("created_at", "id"))


def claim(of_each: int) -> list[Claimed]:
    """Lease up to so many deliveries of each endpoint, as a dispatcher does that dies then."""
    return deliveries_claim(wanted=dict.fromkeys(lanes_with_work(), of_each)).deliveries


def let_waits_pass() -> None:
    """As if every wait between attempts were over."""
    with tenancy.operator():
        Delivery.objects.open().update(next_attempt_at=timezone.now())
