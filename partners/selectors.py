"""Reads of the audit trail, of who belongs where, and of clients."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Max

from partners.models import ApiClient, AuditEntry, Membership, Organization, User

EXPORTED = (
    "sequence",
    "created_at",
    "organization",
    "actor",
    "action",
    "target_type",
    "target_id",
    "target_label",
    "before",
    "after",
    "ip",
    "request_id",
    "hash",
)
# What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Chain:
    """An organization's audit trail: how long it is, its last hash, and where it breaks (None: nowhere)."""

    name: str
    length: int
    head: str
    broken_at: int | None


def audit_chains() -> list[Chain]:
    """Every chain, checked from its first entry. Needs the operator context."""
    found = (
        AuditEntry.objects.order_by().values("organization_id").annotate(n=Count("id"), last=Max("sequence"))
    )
    names = dict(Organization.objects.values_list("id", "slug"))
    chains = []
    for row in sorted(found, key=lambda row: names.get(row["organization_id"], "")):
        organization_id: Any = row["organization_id"]
        head = AuditEntry.objects.get(organization_id=organization_id, sequence=row["last"])
        with connection.cursor() as cursor:
            cursor.execute("SELECT hub_audit_broken(%s)", [organization_id])
            broken_at = cursor.fetchone()[0]
        name = "(hub)" if organization_id is None else names[organization_id]
        chains.append(Chain(name, row["n"], bytes(head.hash).hex(), broken_at))
    return chains


def audit_export() -> Iterator[dict[str, Any]]:
    """Every entry, oldest first, as EXPORTED. Needs the operator context until it is read to its end."""
    for entry in AuditEntry.objects.select_related("organization").order_by("created_at", "id").iterator(500):
        yield {
            "sequence": entry.sequence,
            "created_at": entry.created_at,
            "organization": entry.organization.slug if entry.organization else "",
            "actor": entry.actor,
            "action": entry.action,
            "target_type": entry.target_type,
            "target_id": entry.target_id,
            "target_label": entry.target_label,
            "before": entry.before,
            "after": entry.after,
            "ip": entry.ip or "",
            "request_id": entry.request_id,
            "hash": bytes(entry.hash).hex(),
        }


def cell(value: Any) -> Any:
    """A value as a CSV cell that no spreadsheet runs."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def memberships_of(user: User) -> list[Membership]:
    """A person's parts, by the organization's name. Needs the operator context."""
    return list(
        Membership.objects.select_related("organization")
        .filter(user=user)
        .order_by("organization__name", "organization_id")
    )


def client_webhook_url(client_id: UUID) -> str:
    """Where a client's job callbacks go when a job names no address; "" for nowhere."""
    return ApiClient.objects.filter(id=client_id).values_list("webhook_url", flat=True).first() or ""


def organization_time_zone(organization_id: UUID) -> str:
    """The IANA name of the time zone whose days an organization's calendars have."""
    zones = Organization.objects.filter(id=organization_id).values_list("time_zone", flat=True)
    return zones.first() or "UTC"


def account_of(email: str) -> User | None:
    """The person with this e-mail address, whatever its case."""
    return User.objects.filter(email__iexact=email).first()
