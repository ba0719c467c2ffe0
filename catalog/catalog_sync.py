"""The job type `catalog_sync`: what a worker does to read a network's catalogue."""

import time
from typing import Any

from rest_framework import serializers

from catalog.adapters.base import Adapter, NetworkBusy, NetworkRefused, NetworkUnavailable, Page
from catalog.exceptions import PageTaken
from catalog.models import CatalogSync
from catalog.services.networks import network_adapter
from catalog.services.pages import READINGS, is_short, page_take, reading_restart, vanished_end
from catalog.services.syncs import CATALOG_SYNC, sync_begin, sync_settle, sync_trouble
from config import tenancy
from config.api.exceptions import ServiceUnavailable
from jobs.models import Job
from jobs.registry import JobCanceled, JobFailure, JobTrouble, Reporter, Retry, job_type

# A rate limit that passes so soon is waited out; a longer one is the next attempt's.
_PATIENCE_S = 5.0
# No network has so many pages: one that answers further ones does not count them.
_MAX_PAGES = 20_000


class CatalogSyncParams(serializers.Serializer):
    syncId = serializers.UUIDField()


@job_type(
    CATALOG_SYNC,
    params=CatalogSyncParams,
    settled=sync_settle,
    # with these waits an outage of two hours is survived
    max_attempts=12,
    retry=Retry(delay_s=15, multiplier=2, max_delay_s=1200),
    concurrency_per_organization=2,
    is_announced=False,
)
def sync_catalog(job: Job, reporter: Reporter) -> dict[str, Any]:
    """Read on from where the run is, and end what vanished once it has read to the end."""
    try:
        with tenancy.tenant(job.organization_id, job.environment):
            sync = sync_begin(sync_id=job.params["syncId"])
        adapter = _adapter(sync)
        while not sync.is_read:
            sync = _page(job, sync, adapter, reporter)
            reporter.progress(_stage(sync), _percent(sync))
        with tenancy.tenant(job.organization_id, job.environment):
            sync = vanished_end(sync=sync)
    except PageTaken as taken:
        raise JobCanceled from taken
    except ServiceUnavailable as refusal:
        raise JobTrouble("store_unavailable", refusal.message) from refusal
    return {
        "seen": sync.seen_count,
        "created": sync.created_count,
        "updated": sync.updated_count,
        "unchanged": sync.unchanged_count,
        "ended": sync.ended_count,
        "failed": sync.failed_count,
    }


def _adapter(sync: CatalogSync) -> Adapter:
    try:
        return network_adapter(sync.network)
    except ValueError as error:
        raise JobFailure("credentials_sealed", "The network's credentials cannot be opened.") from error
    except KeyError as error:
        raise JobFailure("adapter_unknown", f"Nothing here speaks {sync.network.adapter}.") from error


def _page(job: Job, sync: CatalogSync, adapter: Adapter, reporter: Reporter) -> CatalogSync:
    """Ask for one page and take it in. Raises what ends the attempt; the run then says why."""
    if sync.page_count >= _MAX_PAGES:
        raise JobFailure("endless", f"The network answered more than {_MAX_PAGES:,} pages.")
    try:
        page = _asked(sync, adapter, reporter)
        if is_short(sync, page):
            with tenancy.tenant(job.organization_id, job.environment):
                reading_restart(sync=sync)
            message = "The network answered fewer offers than it says there are. Nothing was ended."
            raise NetworkUnavailable("catalogue_short", message)
    except (NetworkBusy, NetworkUnavailable) as trouble:
        _noted(job, sync, trouble)
        wait_s = trouble.wait_s if isinstance(trouble, NetworkBusy) else 0
        raise JobTrouble(trouble.code, trouble.message, wait_s=wait_s) from trouble
    except NetworkRefused as refusal:
        raise JobFailure(refusal.code, refusal.message) from refusal
    with tenancy.tenant(job.organization_id, job.environment):
        sync = page_take(sync=sync, page=page)
    if not sync.is_read:
        time.sleep(adapter.pace_s)
    return sync


def _asked(sync: CatalogSync, adapter: Adapter, reporter: Reporter) -> Page:
    try:
        return adapter.page(sync.cursor)
    except NetworkBusy as busy:
        if busy.wait_s > _PATIENCE_S:
            raise
        time.sleep(max(busy.wait_s, adapter.pace_s))
        reporter.progress(_stage(sync), _percent(sync))
        return adapter.page(sync.cursor)


def _noted(job: Job, sync: CatalogSync, trouble: NetworkBusy | NetworkUnavailable) -> None:
    with tenancy.tenant(job.organization_id, job.environment):
        sync_trouble(sync_id=sync.id, error=trouble)


def _stage(sync: CatalogSync) -> str:
    return "reading" if sync.reading_number == 1 else "checking"


def _percent(sync: CatalogSync) -> int:
    """Of both readings, should a second one be needed."""
    if not sync.expected_count:
        return 0
    share = min(1.0, sync.reading_count / sync.expected_count)
    return int(100 * (sync.reading_number - 1 + share) / READINGS)
