"""The background work of the catalogue."""

from celery import shared_task

from catalog import catalog_sync as _catalog_sync  # registers its job type
from catalog.services.syncs import syncs_start_due

__all__ = ["_catalog_sync"]


@shared_task(name="catalog.sync_due")
def sync_due() -> None:
    """Queue a run of each network whose time has come. Two at once start each once."""
    syncs_start_due()
