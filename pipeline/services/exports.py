"""Files of leads or policies: asked for, kept for a time, fetched, removed."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from config import tenancy
from config.api.exceptions import ValidationFailed
from config.api.pagination import moment
from jobs.services.queueing import job_submit
from leads.models import Lead
from partners.services.audit import Actor, audit_record
from pipeline.export_files import Stored, export_delete, exports_stored
from pipeline.models import Export, Policy

log = structlog.get_logger(__name__)

EXPORT = "export"
_STATES: dict[str, Any] = {Export.Kind.LEADS: Lead.Status, Export.Kind.POLICIES: Policy.Status}
_BATCH = 200
# A file so old belongs to no attempt that still runs.
_ORPHAN_AFTER = timedelta(days=1)


@transaction.atomic
def export_start(
    *,
    organization_id: UUID,
    environment: str,
    client_id: UUID | None,
    kind: str,
    file_format: str,
    filters: Mapping[str, Any],
    actor: Actor,
    bound_company_id: UUID | None = None,
) -> Export:
    """Have a worker write a file of what the filters leave; audited, since personal data leaves the hub.

    Raises ValidationFailed (400) for a status that there is not, and for a bad date.
    """
    given = {name: str(value) for name, value in filters.items()}
    states = _STATES[kind]
    if "status" in given and given["status"] not in states:
        raise ValidationFailed(status=[f"Choose one of: {', '.join(states.values)}."])
    for name in ("dateFrom", "dateTo"):
        if name in given:
            moment(given[name], field=name)
    if bound_company_id:
        given["companyId"] = str(bound_company_id)
    export = Export(
        organization_id=organization_id,
        environment=environment,
        client_id=client_id,
        kind=kind,
        format=file_format,
        filters=given,
        requested_by=actor.name,
    )
    export.save(force_insert=True)
    export.job = job_submit(
        organization_id=organization_id,
        environment=environment,
        client_id=client_id,
        job_type=EXPORT,
        params={"exportId": str(export.id)},
    )
    export.save(update_fields=["job", "updated_at"])
    _audit(export, "export.create", actor, {"format": file_format, "filters": given})
    return export


@transaction.atomic
def export_complete(*, export_id: UUID, stored: Stored, rows: int) -> Export | None:
    """Keep the file that was written;

    None where there is one already, from an attempt that was thought dead.
    """
    export = Export.objects.select_for_update(of=("self",)).filter(id=export_id, completed_at=None).first()
    if export is None:
        return None
    now = timezone.now()
    export.file_name, export.size_bytes, export.row_count = stored.name, stored.size_bytes, rows
    export.completed_at, export.expires_at = now, now + timedelta(hours=settings.EXPORT_RETENTION_HOURS)
    export.save()
    return export


@transaction.atomic
def export_fetched(*, export: Export, actor: Actor) -> None:
    """Note that somebody fetched a file by its address."""
    _audit(export, "export.download", actor, {"rows": export.row_count})


def exports_remove(*, now: datetime) -> int:
    """Remove files that are past their time, and those that no export owns; answers how many.

    The file goes first: should the commit fail, the row names a file that is gone, and is looked at again.
    """
    with tenancy.operator():
        rows = Export.objects.overdue(now=now).select_for_update(skip_locked=True, of=("self",))
        due = list(rows.order_by("expires_at")[:_BATCH])
        for export in due:
            export_delete(export.file_name)
            export.file_name = ""
            export.save(update_fields=["file_name", "updated_at"])
    return len(due) + _sweep_orphans(now)


def _sweep_orphans(now: datetime) -> int:
    old = {name: export_id for export_id, name, at in exports_stored() if at < now - _ORPHAN_AFTER}
    if not old:
        return 0
    with tenancy.operator():
        owned = set(Export.objects.filter(id__in=set(old.values())).values_list("file_name", flat=True))
    orphans = [name for name in old if name not in owned]
    for name in orphans:
        export_delete(name)
    if orphans:
        log.info("orphan_exports_swept", count=len(orphans))
    return len(orphans)


def _audit(export: Export, action: str, actor: Actor, after: dict[str, Any]) -> None:
    audit_record(
        actor=actor, action=action, target=export, organization_id=export.organization_id, after=after
    )
