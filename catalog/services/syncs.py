"""Runs that read a network's catalogue: started, canceled, settled; and what is due."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from catalog.adapters.base import NetworkError
from catalog.exceptions import NetworkDisabled, PageTaken, SyncRunning
from catalog.models import AffiliateNetwork, CatalogSync
from config import tenancy
from config.api.exceptions import DomainError
from jobs.models import Job
from jobs.services.operations import job_cancel
from jobs.services.queueing import job_submit
from partners.services.audit import Actor, audit_record

log = structlog.get_logger(__name__)

CATALOG_SYNC = "catalog_sync"
SCHEDULE = "schedule"
Status = CatalogSync.Status
_OPEN = (Status.QUEUED, Status.RUNNING)
_JOB_OPEN = (Job.Status.QUEUED, Job.Status.PROCESSING)


@transaction.atomic
def sync_start(*, network_id: UUID, actor: Actor | None = None) -> CatalogSync:
    """Queue a run; without an `actor` it is the timetable's.

    Raises AffiliateNetwork.DoesNotExist (404), NetworkDisabled (409), SyncRunning (409).
    """
    network = AffiliateNetwork.objects.select_for_update(no_key=True, of=("self",)).get(id=network_id)
    if not network.is_enabled:
        raise NetworkDisabled
    _abandoned_settle(network)
    tenant: dict[str, Any] = {"organization_id": network.organization_id, "environment": network.environment}
    try:
        with transaction.atomic():
            sync = CatalogSync.objects.create(
                **tenant, network=network, started_by=actor.name if actor else SCHEDULE
            )
    except IntegrityError as error:
        raise SyncRunning from error
    sync.job = job_submit(**tenant, client_id=None, job_type=CATALOG_SYNC, params={"syncId": str(sync.id)})
    sync.save(update_fields=["job", "updated_at"])
    if actor:
        audit_record(
            actor=actor, action="network.sync", target=network, organization_id=network.organization_id
        )
    return sync


@transaction.atomic
def sync_cancel(*, sync_id: UUID, actor: Actor) -> CatalogSync:
    """Stop a run; what it read so far stays, and nothing is ended. A settled one stays as it is.

    Raises CatalogSync.DoesNotExist (404).
    """
    # the job first, as its worker takes them
    found = CatalogSync.objects.get(id=sync_id)
    if found.job_id and found.status in _OPEN:
        job_cancel(job_id=found.job_id, actor=actor)
    sync = _locked(found)
    if sync.status in _OPEN:
        _close(sync, Status.CANCELED)
    return sync


@transaction.atomic
def sync_begin(*, sync_id: UUID) -> CatalogSync:
    """A worker takes the run on, for the first time or again.

    Raises PageTaken where it is over (canceled, completed) or another run of the network is open.
    """
    rows = CatalogSync.objects.select_for_update(of=("self",)).select_related("network")
    sync = rows.filter(id=sync_id).first()
    if sync is None or sync.status in (Status.CANCELED, Status.COMPLETED):
        raise PageTaken
    sync.status, sync.completed_at = Status.RUNNING, None
    sync.started_at = sync.started_at or timezone.now()
    try:
        with transaction.atomic():
            sync.save(update_fields=["status", "started_at", "completed_at", "updated_at"])
    except IntegrityError as error:
        raise PageTaken from error
    return sync


def sync_trouble(*, sync_id: UUID, error: NetworkError) -> None:
    """Note what holds an open run up; the next page clears it."""
    trouble = {"code": error.code, "message": error.message, "at": timezone.now().isoformat()}
    CatalogSync.objects.filter(id=sync_id, status__in=_OPEN).update(
        trouble=trouble, updated_at=timezone.now()
    )


def sync_settle(job: Job) -> None:
    """Close the run of a job that ended, in the transaction that settles the job."""
    found = CatalogSync.objects.filter(job_id=job.id).first()
    sync = found and _locked(found)
    if sync is None or sync.status not in _OPEN:
        return
    if job.error:
        sync.trouble = {**job.error, "at": timezone.now().isoformat()}
    _close(sync, Status.FAILED if job.error else Status.COMPLETED)


def syncs_start_due() -> int:
    """Queue a run of every network whose time has come; answers how many. Two at once start each once."""
    with tenancy.operator():
        networks = AffiliateNetwork.objects.filter(
            is_enabled=True, sync_every_minutes__gt=0, organization__status="active"
        ).annotate(started_at=Max("syncs__created_at"))
        due = [network for network in networks if _is_due(network, network.started_at)]
    started = 0
    for network in due:
        try:
            with tenancy.tenant(network.organization_id, network.environment):
                started += _start_if_due(network.id)
        except DomainError as refusal:
            log.info("sync_not_started", network_id=str(network.id), reason=refusal.message)
    return started


def _start_if_due(network_id: UUID) -> bool:
    """Start it unless another sweep has, a moment ago."""
    network = AffiliateNetwork.objects.select_for_update(no_key=True, of=("self",)).get(id=network_id)
    last = network.syncs.order_by("-created_at").first()
    if not _is_due(network, last.created_at if last else None):
        return False
    sync_start(network_id=network_id)
    return True


def _is_due(network: AffiliateNetwork, started_at: datetime | None) -> bool:
    every = timedelta(minutes=network.sync_every_minutes)
    return started_at is None or started_at + every <= timezone.now()


def _locked(sync: CatalogSync) -> CatalogSync:
    """The run, locked behind its network, as everyone locks the two who changes both."""
    AffiliateNetwork.objects.select_for_update(no_key=True, of=("self",)).get(id=sync.network_id)
    return CatalogSync.objects.select_for_update(of=("self",)).get(id=sync.id)


def _abandoned_settle(network: AffiliateNetwork) -> None:
    """Close a run whose job somebody ended past us, in the admin."""
    for sync in network.syncs.select_for_update(of=("self",)).filter(status__in=_OPEN).select_related("job"):
        if sync.job is None or sync.job.status not in _JOB_OPEN:
            _close(sync, Status.CANCELED)


def _close(sync: CatalogSync, status: str) -> None:
    sync.status, sync.completed_at = status, timezone.now()
    if status == Status.COMPLETED:
        sync.trouble = None
        AffiliateNetwork.objects.filter(id=sync.network_id).update(last_synced_at=sync.completed_at)
    sync.save(update_fields=["status", "completed_at", "trouble", "updated_at"])
