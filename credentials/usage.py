"""The request log's way from a web process to PostgreSQL: a spool (config/spool.py) and what it loads."""

from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.db import connection
from uuid_utils import uuid7

from config import tenancy
from config.spool import Rows, RowSpool, copy_field, rows_ship
from credentials.rollups import requests_insert

COLUMNS = (
    "id",
    "created_at",
    "organization_id",
    "environment",
    "client_id",
    "partner_api_key_id",
    "key_id",
    "method",
    "endpoint",
    "path",
    "response_status",
    "error_code",
    "response_time_ms",
    "request_id",
    "ip",
    "request_bytes",
    "response_bytes",
    "user_id",
)
# Columns that spool files of versions before them lack.
_ADDED = 1
# No person, as COPY has it.
NO_PERSON = "\\N"
# The five columns from organization_id to key_id of a request without a known key.
NOBODY = "\\N\t\t\\N\t\\N\t"


class Spool(RowSpool):
    """One process's spool of the request log."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, REQUEST_ROWS)

    def append(
        self,
        *,
        caller: str,
        method: str,
        endpoint: str,
        path: str,
        status: int,
        error_code: str,
        milliseconds: float,
        request_id: str,
        address: str,
        request_bytes: int,
        response_bytes: int,
        person: str = NO_PERSON,
    ) -> None:
        """Keep one row. `caller` is NOBODY, or what `caller_columns` makes of a key.

        `person` is the id of the user who called.
        """
        line = (
            f"{uuid7()}\t{datetime.now(UTC).isoformat()}\t{caller}\t{copy_field(method)}\t{copy_field(endpoint)}"
            f"\t{copy_field(path)}\t{status}\t{error_code}\t{milliseconds:.3f}\t{request_id}\t{address}"
            f"\t{request_bytes}\t{response_bytes}\t{person}\n"
        )
        self.write(line.encode(errors="replace"))


def spool_ship(directory: Path) -> int:
    """Load the closed spool files and delete them.

    Answers the number of rows read. A file that another process holds is left to it.
    """
    return rows_ship(directory, REQUEST_ROWS)


def caller_columns(*, organization: str, environment: str, client: str, api_key: str, key_id: str) -> str:
    """The five columns from organization_id to key_id, made once a key."""
    return "\t".join((organization, environment, client, api_key, key_id))


def _load(lines: list[bytes]) -> None:
    names = ", ".join(COLUMNS)
    with tenancy.operator(), connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE IF NOT EXISTS usage_batch (LIKE partner_api_requests) ON COMMIT DELETE ROWS"
        )
        # psycopg's own errors would pass by whoever catches Django's, and end the shipper
        with (
            connection.wrap_database_errors,
            cursor.copy(f"COPY usage_batch ({names}) FROM STDIN") as copy,
        ):
            copy.write(b"".join(lines))
        requests_insert(cursor, batch="usage_batch", columns=COLUMNS)
        # locked in order, as the roll-ups are, so that two shippers never wait for each other
        cursor.execute(
            "WITH used AS (SELECT partner_api_key_id, max(created_at) AS at FROM usage_batch GROUP BY 1),"
            " held AS MATERIALIZED (SELECT k.id, used.at FROM partner_api_keys k"
            " JOIN used ON used.partner_api_key_id = k.id"
            " WHERE k.last_used_at IS NULL OR k.last_used_at < used.at ORDER BY k.id FOR NO KEY UPDATE OF k)"
            " UPDATE partner_api_keys k SET last_used_at = held.at FROM held"
            " WHERE k.id = held.id AND (k.last_used_at IS NULL OR k.last_used_at < held.at)"
        )


REQUEST_ROWS = Rows("usage", COLUMNS, _load, added=_ADDED)
spool = Spool(Path(settings.STATE_DIR) / "usage")
