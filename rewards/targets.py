"""Where each short code leads, cached in every process and at most a second old.

A process asks PostgreSQL every half second, while links are followed, what has changed: triggers write the
ids of changed links, campaigns, offers, brands, networks and organizations into `rewards_link_change`, with
their transaction. Whatever transaction was open or yet to come at the last look is looked at again, so that a
late commit is not missed. While the database is gone nothing can change, and what is known goes on leading
there.
"""

import threading
import time
from dataclasses import dataclass
from uuid import UUID

import structlog
from django.db import Error as DatabaseError
from django.db import connection

from catalog.models import Brand, Offer
from config import tenancy
from config.spool import copy_field
from partners.models import Organization
from rewards.addresses import CLICK, network_address
from rewards.codes import is_code
from rewards.models import Campaign, SmartLink

log = structlog.get_logger(__name__)

_CHECK_EVERY_S = 0.5
# After a check that failed: each may wait for the database for as long as its pool does.
_REST_S = 2.0
# Changes are kept for an hour; who has not looked for so long begins anew.
_FORGET_AFTER_S = 1800.0
_UNKNOWN_S = 0.9
_SIZE = 20_000
_CHANGED = (
    "SELECT pg_snapshot_xmin(pg_current_snapshot())::text,"
    " ARRAY(SELECT DISTINCT subject FROM rewards_link_change WHERE xid >= %s::xid8)"
)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a link leads: `parts` are the address around each place of the click's id.

    `is_open` and the moments of `starts_at` and `ends_at` (Unix time) say when. `columns` are a click's
    columns from the organization to the link, `own` the link's user and sub id, as COPY has them.
    """

    parts: tuple[str, ...]
    is_open: bool
    starts_at: float
    ends_at: float
    columns: str
    own: str
    subjects: frozenset[UUID]

    def leads_at(self, now: float) -> bool:
        """Whether it leads anywhere at this moment."""
        return self.is_open and self.starts_at <= now < self.ends_at


class Targets:
    """A process's links."""

    def __init__(self, *, check_every_s: float = _CHECK_EVERY_S, size: int = _SIZE) -> None:
        self._check_every_s, self._size = check_every_s, size
        self._found: dict[str, Target] = {}
        self._unknown: dict[str, float] = {}
        self._checking, self._storing = threading.Lock(), threading.Lock()
        self._seen_up_to, self._turn = 0, 0
        self._check_at = self._checked_at = 0.0

    def clear(self) -> None:
        """Know nothing."""
        self._found.clear()
        self._unknown.clear()
        self._seen_up_to, self._check_at = 0, 0.0

    def find(self, code: str) -> Target | None:
        """Where `code` leads; None for an unknown one.

        Raises django.db.Error when it must ask the database, and that does not answer.
        """
        now = time.monotonic()
        if now >= self._check_at:
            self._check(now)
        target = self._found.get(code)
        if target is not None:
            return target
        if not is_code(code) or self._unknown.get(code, 0.0) > now:
            return None
        return self._load(code, now)

    def _check(self, now: float) -> None:
        """Forget what has changed. One thread does; the others go on with what they know meanwhile."""
        if not self._checking.acquire(blocking=False):
            return
        try:
            if now < self._check_at:
                return
            with connection.cursor() as cursor:
                cursor.execute(_CHANGED, [str(self._seen_up_to)])
                text, changed = cursor.fetchone()
            seen_up_to = int(text)
            # a database that was restored from a backup counts from an earlier number
            unknown = seen_up_to < self._seen_up_to or now - self._checked_at > _FORGET_AFTER_S
            with self._storing:
                self._turn += 1
                self._forget(set(changed), everything=unknown)
            self._seen_up_to, self._checked_at = seen_up_to, now
            self._check_at = now + self._check_every_s
        except DatabaseError as error:
            log.warning("links_not_checked", error=str(error))
            self._check_at = time.monotonic() + _REST_S
        finally:
            _give_back()
            self._checking.release()

    def _forget(self, changed: set[UUID], *, everything: bool) -> None:
        if everything:
            self._found.clear()
        elif changed:
            for code, target in list(self._found.items()):
                if not changed.isdisjoint(target.subjects):
                    del self._found[code]

    def _load(self, code: str, now: float) -> Target | None:
        turn = self._turn
        try:
            with tenancy.operator():
                link = (
                    SmartLink.objects.select_related(
                        "organization", "campaign__offer__network", "campaign__offer__brand"
                    )
                    .filter(code=code)
                    .first()
                )
        finally:
            _give_back()
        if link is None:
            if len(self._unknown) >= self._size:
                self._unknown.clear()
            self._unknown[code] = now + _UNKNOWN_S
            return None
        target = target_of(link)
        with self._storing:
            # what was read before the last check may be older than what it saw
            if turn == self._turn:
                if len(self._found) >= self._size:
                    del self._found[next(iter(self._found))]
                self._found[code] = target
        return target


def _give_back() -> None:
    """Return the connection to its pool: no handler of Django's is around to do it."""
    if not connection.in_atomic_block:
        connection.close()


def target_of(link: SmartLink) -> Target:
    """A link's target, by the rows that were read with it."""
    campaign = link.campaign
    offer = campaign.offer
    address = network_address(offer, campaign, code=link.code, deep_link=link.deep_link, utm=link.utm)
    subjects = {link.id, campaign.id, offer.id, offer.brand_id, offer.network_id, link.organization_id}
    columns = (
        str(campaign.organization_id),
        campaign.environment,
        str(campaign.client_id or "\\N"),
        str(campaign.id),
        str(link.id),
    )
    return Target(
        parts=tuple(address.split(CLICK)),
        is_open=bool(address)
        and link.organization.status == Organization.Status.ACTIVE
        and link.status == SmartLink.Status.ACTIVE
        and campaign.status == Campaign.Status.ACTIVE
        and offer.status == Offer.Status.ACTIVE
        and not offer.is_hidden
        and offer.brand.status == Brand.Status.ACTIVE,
        starts_at=offer.starts_at.timestamp() if offer.starts_at else 0.0,
        ends_at=offer.ends_at.timestamp() if offer.ends_at else float("inf"),
        columns="\t".join(columns),
        own=f"{copy_field(link.user_id)}\t{copy_field(link.sub_id)}",
        subjects=frozenset(subject for subject in subjects if subject),
    )


targets = Targets()
