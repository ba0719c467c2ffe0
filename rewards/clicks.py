"""A click's way to PostgreSQL: a spool (config/spool.py), and what is found out of it when it is shipped.

Off the visitor's path: who is a bot, what kind of device it was, and the hash that stands for the address.
The spool holds addresses as they came, for the seconds until then; the database never does.
"""

import hashlib
import secrets
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import structlog
from crawlerdetect import CrawlerDetect
from django.conf import settings
from django.db import connection

from config import tenancy
from config.spool import Rows, RowSpool, copy_field, rows_ship
from rewards.models import Click
from rewards.rollups import clicks_insert

log = structlog.get_logger(__name__)

_SPOOLED = (
    "id", "organization_id", "environment", "client_id", "campaign_id", "link_id", "user_id", "sub_id",
    "address", "user_agent", "referrer", "is_prefetch",
)  # fmt: skip
_MOST_AGENT, _MOST_REFERRER = 400, 1000
_crawlers = CrawlerDetect()


class ClickSpool(RowSpool):
    """One process's spool of clicks."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, CLICK_ROWS)

    def append(
        self,
        *,
        click_id: str,
        columns: str,
        own: str,
        address: str,
        user_agent: str,
        referrer: str,
        is_prefetch: bool,
    ) -> None:
        """Keep one click; `columns` and `own` are a Target's."""
        line = (
            f"{click_id}\t{columns}\t{own}\t{address}\t{copy_field(user_agent[:_MOST_AGENT])}"
            f"\t{copy_field(referrer[:_MOST_REFERRER])}\t{'t' if is_prefetch else 'f'}\n"
        )
        self.write(line.encode(errors="replace"))


def clicks_ship(directory: Path) -> int:
    """Load the closed spool files and delete them.

    Answers the number of rows read.
    """
    return rows_ship(directory, CLICK_ROWS)


@lru_cache(maxsize=20_000)
def device_of(user_agent: str) -> str:
    """What kind of device a User-Agent header (as spooled) names; `bot` also where there is none."""
    if not user_agent or _crawlers.isCrawler(user_agent):
        return Click.Device.BOT
    if "iPad" in user_agent or "Tablet" in user_agent:
        return Click.Device.TABLET
    if "Android" in user_agent:
        return Click.Device.MOBILE if "Mobile" in user_agent else Click.Device.TABLET
    if "iPhone" in user_agent or "Mobile" in user_agent:
        return Click.Device.MOBILE
    if any(name in user_agent for name in ("Windows", "Macintosh", "X11", "CrOS")):
        return Click.Device.DESKTOP
    return Click.Device.OTHER


def _load(lines: list[bytes]) -> None:
    with tenancy.operator(), connection.cursor() as cursor:
        salts = _Salts(cursor)
        rows = b"".join(_rows(lines, salts))
        cursor.execute(
            "CREATE TEMP TABLE IF NOT EXISTS click_batch (LIKE rewards_click) ON COMMIT DELETE ROWS"
        )
        # psycopg's own errors would pass by whoever catches Django's, and end the shipper
        with (
            connection.wrap_database_errors,
            cursor.copy(f"COPY click_batch ({', '.join(_COLUMNS)}) FROM STDIN") as copy,
        ):
            copy.write(rows)
        clicks_insert(cursor, batch="click_batch", columns=_COLUMNS)


_COLUMNS = (
    "id", "organization_id", "environment", "client_id", "campaign_id", "link_id", "user_id", "sub_id",
    "created_at", "ip_hash", "device", "referrer", "is_bot", "is_prefetch",
)  # fmt: skip


def _rows(lines: Iterable[bytes], salts: "_Salts") -> Iterator[bytes]:
    for line in lines:
        try:
            yield _row(line, salts)
        except (ValueError, OverflowError) as error:
            # two that a stopping machine ran together; it must not hold up the others
            log.warning("click_not_read", error=str(error))


def _row(line: bytes, salts: "_Salts") -> bytes:
    kept, address, user_agent, referrer, is_prefetch = line.decode()[:-1].rsplit("\t", 4)
    # the id's own time
    seconds, milliseconds = divmod(int(kept[:12], 16), 1000)
    clock, day = _second(seconds)
    device = device_of(user_agent)
    page = copy_field(_page_of(referrer)) if referrer else ""
    # two backslashes: one for COPY, one for bytea
    return (
        f"{kept}\t{clock}.{milliseconds:03}+00\t\\\\x{salts.hashed(day, address)}\t{device}\t{page}"
        f"\t{'t' if device == Click.Device.BOT else 'f'}\t{is_prefetch}\n"
    ).encode()


@lru_cache(maxsize=64)
def _second(seconds: int) -> tuple[str, date]:
    """A second of Unix time as PostgreSQL reads it, without its zone, and its day; both UTC."""
    at = datetime.fromtimestamp(seconds, UTC)
    return at.strftime("%Y-%m-%d %H:%M:%S"), at.date()


def _page_of(referrer: str) -> str:
    """A page's address without its query, which may hold anything; "" for what is no web address."""
    try:
        parts = urlsplit(referrer)
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return ""
    return f"{parts.scheme}://{parts.hostname}{parts.path}"[:500]


class _Salts:
    """The days' salts; one that is missing is made."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        self._salts: dict[date, bytes] = {}

    def hashed(self, day: date, address: str) -> str:
        """32 hex digits that stand for an address on this day."""
        salt = self._salts.get(day)
        if salt is None:
            salt = self._salts[day] = self._read(day)
        return hashlib.blake2b(address.encode(), key=salt, digest_size=16).hexdigest()

    def _read(self, day: date) -> bytes:
        self._cursor.execute(
            "INSERT INTO rewards_click_salt VALUES (%s, %s) ON CONFLICT DO NOTHING",
            [day, secrets.token_bytes(32)],
        )
        self._cursor.execute("SELECT salt FROM rewards_click_salt WHERE day = %s", [day])
        return bytes(self._cursor.fetchone()[0])


CLICK_ROWS = Rows("clicks", _SPOOLED, _load)
clicks = ClickSpool(Path(settings.STATE_DIR) / "clicks")
