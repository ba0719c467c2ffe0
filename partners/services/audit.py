"""The audit trail's one writer."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from partners.models import AuditEntry


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts and from where: `name` is a user's e-mail, a key id or a command's name.

    `role` is the one a person acts in (super-admins act as owners), or a key's (credentials/services/
    authority.py), which acts with its `scopes`; empty for the hub's own commands.
    """

    name: str
    ip: str | None = None
    request_id: str = ""
    role: str = ""
    scopes: frozenset[str] = frozenset()


def audit_record(
    *,
    actor: Actor,
    action: str,
    target: Any,
    organization_id: UUID | None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> AuditEntry:
    """Append one entry in the caller's transaction; only what differs between before and after is kept."""
    before, after = before or {}, after or {}
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    return AuditEntry.objects.create(
        organization_id=organization_id,
        actor=actor.name,
        action=action,
        target_type=target._meta.model_name,
        target_id=str(target.pk),
        target_label=str(target)[:255],
        before={name: before[name] for name in sorted(changed & before.keys())},
        after={name: after[name] for name in sorted(changed & after.keys())},
        ip=actor.ip,
        request_id=actor.request_id,
    )
