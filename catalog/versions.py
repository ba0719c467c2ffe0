"""Which state a catalogue is in, for whoever keeps answers made of it.

A catalogue (an organization's, in one environment) has a number that moves on in the transaction of each
change of what partners see. The store holds the present number. A change marks it as moving before it commits
and publishes the new one after; a crash in between leaves a mark that expires, and then the number is read
from the database again. So an answer that was kept under the number in the store is never older than the last
commit.
"""

from typing import NamedTuple
from uuid import UUID

import redis
import structlog
from django.db import transaction

from catalog.models import CatalogVersion
from config.api.exceptions import ServiceUnavailable
from credentials.store import store, store_failed, store_is_up, value_read

log = structlog.get_logger(__name__)

# A commit takes far less; a mark outlives only a change that crashed.
_CHANGING_S = 30
_KEPT_S = 86_400
# What another change has marked meanwhile is that one's to publish.
_publish = store.register_script(
    "if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('set', KEYS[1], ARGV[2], 'EX', ARGV[3]) end"
)


class Kept(NamedTuple):
    """What the store says: a number that answers may be kept under, or "" while nobody should.

    `is_known` is False where the store holds nothing at all.
    """

    number: str
    is_known: bool


def version_kept(organization: str, environment: str) -> Kept:
    """The catalogue's number as the store has it: one round trip, no SQL."""
    if not store_is_up():
        return Kept("", True)
    try:
        value = value_read(_name(organization, environment))
    except redis.RedisError as error:
        store_failed(error)
        return Kept("", True)
    if value is None:
        return Kept("", False)
    text = value.decode()
    return Kept("" if text.startswith("changing:") else text, True)


def version_load(organization: str, environment: str) -> str:
    """Read the number from the database into the store, in a tenant's context, before what is made of it."""
    row = CatalogVersion.objects.for_organization(organization, environment).first()
    number = str(row.number if row else 0)
    try:
        store.set(_name(organization, environment), number, nx=True, ex=_KEPT_S)
    except redis.RedisError as error:
        store_failed(error)
        return ""
    return number


def catalog_lock(*, organization_id: UUID, environment: str) -> CatalogVersion:
    """Hold the catalogue until the transaction ends: its changes happen one after the other.

    Taken before the rows that are changed, by everyone, so that no two wait for each other.
    """
    tenant = {"organization_id": organization_id, "environment": environment}
    rows = CatalogVersion.objects.select_for_update(of=("self",))
    held = rows.filter(**tenant).first()
    if held is None:
        CatalogVersion.objects.bulk_create([CatalogVersion(**tenant)], ignore_conflicts=True)
        held = rows.get(**tenant)
    return held


def catalog_changing(held: CatalogVersion) -> None:
    """Say that this transaction changes what partners see, before it does; once or often.

    Raises ServiceUnavailable (503) where the store does not answer: a change nobody hears of would be seen
    minutes late.
    """
    name = _name(str(held.organization_id), held.environment)
    if getattr(held, "is_changing", False):
        return
    held.number += 1
    mark, number = f"changing:{held.number}", str(held.number)
    try:
        store.set(name, mark, ex=_CHANGING_S)
    except redis.RedisError as error:
        log.warning("change_not_announced", catalog=name, error=str(error))
        message = "The change cannot be told to every process now, so it was not made. Try again."
        raise ServiceUnavailable(message, retryAfter=1) from error
    held.save(update_fields=["number", "updated_at"])
    held.is_changing = True  # type: ignore[attr-defined]
    transaction.on_commit(lambda: _publish(keys=[name], args=[mark, number, _KEPT_S]), robust=True)


def _name(organization: str, environment: str) -> str:
    return f"catalog:{environment}:{organization}"
