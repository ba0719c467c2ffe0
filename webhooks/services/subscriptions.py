"""A client's endpoints (contract D): made, changed, paused, deleted, their secrets rotated, tried out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from config.api.exceptions import ValidationFailed
from partners.exceptions import OrganizationSuspended
from partners.models import ApiClient, Organization
from partners.services.audit import Actor, audit_record
from webhooks.canonical import canonical_json
from webhooks.exceptions import SubscriptionNotActive
from webhooks.models import Delivery, Subscription
from webhooks.registry import EVENT_TYPES, event_is_readable
from webhooks.secrets import (
    SECRET_FIELDS,
    subscription_headers_set,
    subscription_key_drop,
    subscription_key_make,
    subscription_secret_renew,
)
from webhooks.services.endpoints import subscription_disable
from webhooks.services.wake import dispatcher_wake

TEST_EVENT = "webhook.test"
CHANGEABLE = (
    "url",
    "event_types",
    "description",
    "payload_filters",
    "is_ordered",
    "rate_per_second",
    "max_retries",
    "retry_delay_s",
    "backoff_multiplier",
    "timeout_s",
    "metadata",
)
Status = Subscription.Status
_WRITTEN = (
    *CHANGEABLE,
    "custom_header_names",
    "custom_headers_sealed",
    "signing_key_sealed",
    "previous_signing_key_sealed",
    "status",
    "disabled_at",
    "disabled_reason",
    "failing_since",
    "failing_attempts",
    "is_notice_due",
    "updated_at",
)


_NO_HEADERS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A subscription with a secret that is shown this once, and when the one before it ends."""

    subscription: Subscription
    secret: str
    old_ends_at: datetime | None = None


@transaction.atomic
def subscription_create(
    *,
    client: ApiClient,
    actor: Actor,
    signs_v1a: bool = False,
    custom_headers: Mapping[str, str] = _NO_HEADERS,
    **terms: Any,
) -> NewSecret:
    """Have a client's events sent to an endpoint; `terms` are validated values of CHANGEABLE.

    Raises OrganizationSuspended (409), and ValidationFailed (400) for an event that the client may not read.
    """
    if client.organization.status == Organization.Status.SUSPENDED:
        raise OrganizationSuspended
    _events_check(client, terms["event_types"])
    subscription = Subscription(
        organization_id=client.organization_id, environment=client.environment, client=client, **terms
    )
    secret = subscription_secret_renew(subscription, old_ends_at=None)
    subscription_headers_set(subscription, custom_headers)
    if signs_v1a:
        subscription_key_make(subscription)
    subscription.save(force_insert=True)
    _audit(actor, "subscription.created", subscription, after=subscription_facts(subscription))
    return NewSecret(subscription, secret)


@transaction.atomic
def subscription_update(*, subscription_id: UUID, changes: Mapping[str, Any], actor: Actor) -> Subscription:
    """Change some of CHANGEABLE, `custom_headers`, `signs_v1a`, `status`; a repetition changes nothing.

    Active again means a fresh start: nothing is held against the endpoint. What waits is sent to the new
    address. Raises Subscription.DoesNotExist (404), and ValidationFailed (400) for a new event that the
    client may not read.
    """
    subscription = _locked(subscription_id)
    new = set(changes.get("event_types", ())) - set(subscription.event_types)
    _events_check(subscription.client, new)
    before = subscription_facts(subscription)
    address = subscription.url
    for name in CHANGEABLE:
        if name in changes:
            setattr(subscription, name, changes[name])
    if "signs_v1a" in changes and changes["signs_v1a"] != bool(subscription.signing_key_sealed):
        (subscription_key_make if changes["signs_v1a"] else subscription_key_drop)(subscription)
    status = changes.get("status", subscription.status)
    if status != subscription.status and status != Status.DISABLED:
        subscription.status, subscription.disabled_at, subscription.disabled_reason = status, None, ""
        subscription.failing_since, subscription.failing_attempts = None, 0
        subscription.is_notice_due = False
    after = subscription_facts(subscription)
    if "custom_headers" in changes and (
        changed := subscription_headers_set(subscription, changes["custom_headers"])
    ):
        after = subscription_facts(subscription) | {"custom_headers_changed": changed}
    if after != before:
        # what dispatchers write meanwhile is theirs
        subscription.save(update_fields=_WRITTEN)
        if subscription.url != address:
            Delivery.objects.open().filter(subscription=subscription).update(url=subscription.url)
        _audit(actor, "subscription.changed", subscription, before=before, after=after)
        if status == Status.ACTIVE:
            dispatcher_wake()
    if status == Status.DISABLED:
        subscription_disable(
            subscription=subscription, reason=Subscription.DisabledReason.PERSON, actor=actor
        )
    return subscription


@transaction.atomic
def subscription_delete(*, subscription_id: UUID, actor: Actor) -> None:
    """Delete a subscription and its deliveries; `webhook_logs` keeps the attempts.

    Raises Subscription.DoesNotExist (404).
    """
    subscription = _locked(subscription_id)
    _audit(actor, "subscription.deleted", subscription, before=subscription_facts(subscription))
    # the foreign keys take its deliveries along, however many they are
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM webhooks_subscription WHERE id = %s", [subscription.id])


@transaction.atomic
def subscription_secret_rotate(*, subscription_id: UUID, actor: Actor, grace_s: int = 0) -> NewSecret:
    """Give a subscription a new secret (and key); the old ones sign too for `grace_s` seconds (0: no longer).

    There are never more than two: one that was still in its grace ends now.
    Raises Subscription.DoesNotExist (404).
    """
    subscription = _locked(subscription_id)
    old_ends_at = timezone.now() + timedelta(seconds=grace_s)
    secret = subscription_secret_renew(subscription, old_ends_at=old_ends_at if grace_s else None)
    subscription.save(update_fields=[*SECRET_FIELDS, "updated_at"])
    _audit(
        actor,
        "subscription.secret_rotated",
        subscription,
        after={"old_secret_ends_at": old_ends_at.isoformat()},
    )
    return NewSecret(subscription, secret, old_ends_at)


@transaction.atomic
def subscription_test(*, subscription_id: UUID, actor: Actor) -> Delivery:
    """Send a `webhook.test` event to this subscription alone, whatever it is subscribed to; one attempt.

    Raises Subscription.DoesNotExist (404) and SubscriptionNotActive (409).
    """
    subscription = Subscription.objects.get(id=subscription_id)
    if subscription.status != Status.ACTIVE:
        raise SubscriptionNotActive
    identity, now = uuid7(), timezone.now()
    data = {"message": "This is a test.", "subscriptionId": subscription.id}
    delivery = Delivery.objects.create(
        organization_id=subscription.organization_id,
        environment=subscription.environment,
        subscription=subscription,
        client_id=subscription.client_id,
        lane=subscription.id,
        url=subscription.url,
        event_type=TEST_EVENT,
        webhook_id=str(identity),
        body=canonical_json({"id": identity, "type": TEST_EVENT, "timestamp": now, "data": data}),
        max_attempts=1,
        timeout_s=subscription.timeout_s,
        occurred_at=now,
        next_attempt_at=now,
    )
    _audit(actor, "subscription.tested", subscription, after={"delivery": str(delivery.id)})
    dispatcher_wake()
    return delivery


def subscription_facts(subscription: Subscription) -> dict[str, Any]:
    """What the audit trail keeps of a subscription; never a secret, nor the values of its own headers."""
    facts = {name: getattr(subscription, name) for name in CHANGEABLE}
    return {
        **facts,
        "custom_headers": sorted(subscription.custom_header_names),
        "signs_v1a": bool(subscription.signing_key_sealed),
        "status": str(subscription.status),
    }


def _events_check(client: ApiClient, names: Iterable[str]) -> None:
    """Refuse events that the client may not read; of a family it hears what it may.

    Raises ValidationFailed (400).
    """
    if beyond := sorted(name for name in names if not event_is_readable(name, client.scopes)):
        lacking = [f"The client lacks the scope {EVENT_TYPES[name].scope} of {name}." for name in beyond]
        raise ValidationFailed(events=lacking)


def _locked(subscription_id: UUID) -> Subscription:
    return Subscription.objects.select_for_update(of=("self",)).get(id=subscription_id)


def _audit(actor: Actor, action: str, subscription: Subscription, **states: Any) -> None:
    audit_record(
        actor=actor,
        action=action,
        target=subscription,
        organization_id=subscription.organization_id,
        **states,
    )
