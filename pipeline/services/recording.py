"""What every step leaves behind, in its own transaction: history, audit trail, event."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from partners.models import TenantModel
from partners.selectors import organization_time_zone
from partners.services.audit import Actor, audit_record
from pipeline.models import Assignment, Change, Policy, Proposal, Quote
from webhooks.registry import EventType
from webhooks.services import event_emit

Subject = Assignment | Quote | Proposal | Policy
# Who acts when time does.
SWEEP = Actor("hub")
_WIRE_NAMES: dict[type[TenantModel], tuple[str, ...]] = {
    Assignment: ("status", "agent_id", "answer_by", "reason", "is_exhausted"),
    Quote: ("status", "title", "notes", "currency", "total_minor", "valid_until", "reason", "version"),
    Proposal: (
        "status", "title", "terms", "customer", "total_minor", "expires_at", "decided_by", "decided_through",
        "reason",
    ),
    Policy: (
        "status", "number", "product", "holder", "premium_minor", "starts_on", "ends_on", "cancelled_from",
        "refund_minor", "reason",
    ),
}  # fmt: skip


def shown(subject: Subject) -> dict[str, Any]:
    """What of a thing history tells, by the wire's names, as JSON holds it."""
    return {_wire(column): _plain(getattr(subject, column)) for column in _WIRE_NAMES[type(subject)]}


def happened(
    subject: Subject,
    action: str,
    *,
    actor: Actor,
    before: Mapping[str, Any],
    event: EventType | None = None,
) -> None:
    """Record a step of `subject`, which is saved, and announce it where it has an event.

    The audit trail is one chain an organization, locked from here to the commit: whoever needs other locks
    takes them before.
    """
    after = shown(subject)
    noun = Change.Subject(subject._meta.model_name or "")
    Change.objects.create(
        organization_id=subject.organization_id,
        environment=subject.environment,
        subject=noun,
        subject_id=subject.pk,
        action=action,
        actor=actor.name,
        ip=actor.ip,
        before={name: value for name, value in before.items() if after.get(name) != value},
        after={name: value for name, value in after.items() if before.get(name) != value},
    )
    audit_record(
        actor=actor,
        action=f"{noun}.{action}",
        target=subject,
        organization_id=subject.organization_id,
        before=dict(before),
        after=after,
    )
    if event:
        event_emit(
            event,
            subject=subject,
            organization_id=subject.organization_id,
            environment=subject.environment,
            client_id=subject.client_id,
        )


def by_chain(subject: Subject) -> UUID:
    """The order in which many are recorded in one transaction:

    two of these must not wait for each other's chains.
    """
    return subject.organization_id


def today(organization_id: UUID, now: datetime) -> date:
    """The day it is in an organization's time zone."""
    return now.astimezone(ZoneInfo(organization_time_zone(organization_id))).date()


def end_of(organization_id: UUID, day: date) -> datetime:
    """When a day is over in an organization's time zone."""
    zone = ZoneInfo(organization_time_zone(organization_id))
    return datetime.combine(day + timedelta(days=1), time.min, tzinfo=zone)


def _wire(column: str) -> str:
    first, *others = column.removeprefix("is_").split("_")
    return first + "".join("Id" if word == "id" else word.capitalize() for word in others)


def _plain(value: Any) -> Any:
    if isinstance(value, UUID | date | datetime):
        return value.isoformat() if isinstance(value, date) else str(value)
    return value
