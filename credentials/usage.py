"""The request log's way from a web process to PostgreSQL, off the request's path.

Each web process appends one line a request to a spool file of its own, mapped into its memory: no system
call, and the kernel keeps it even when the process is killed. The lines are rows of PostgreSQL's COPY,
and a thread hands them over as they stand every other second. Rows carry their id, so a file
shipped twice (a crash between commit and delete) counts once. Files of dead processes are taken up by any
live one. What a power cut can lose is what the kernel had not written to disk.
"""

import fcntl
import mmap
import os
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import structlog
from django.conf import settings
from django.db import DataError, connection
from django.db import Error as DatabaseError
from uuid_utils import uuid7

from config import tenancy
from credentials.rollups import requests_insert

log = structlog.get_logger(__name__)

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
)
# The five columns from organization_id to key_id of a request without a known key.
NOBODY = "\\N\t\t\\N\t\\N\t"
_ADOPT_EVERY_S = 10.0
_BATCH_BYTES = 8_000_000
# Two seconds of more rows than one process answers; a fuller file is followed by the next at once.
_FILE_BYTES = 1 << 22


class Spool:
    """One process's spool: `append` from any thread, shipped by one thread of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._lock = threading.Lock()
        self._pid = 0
        self._descriptor = -1
        self._path = directory
        self._used = 0

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
    ) -> None:
        """Keep one row. `caller` is NOBODY, or what `caller_columns` makes of a key."""
        line = (
            f"{uuid7()}\t{datetime.now(UTC).isoformat()}\t{caller}\t{_field(method)}\t{_field(endpoint)}"
            f"\t{_field(path)}\t{status}\t{error_code}\t{milliseconds:.3f}\t{request_id}\t{address}"
            f"\t{request_bytes}\t{response_bytes}\n"
        ).encode(errors="replace")
        if self._pid != os.getpid():
            self._start()
        with self._lock:
            end = self._used + len(line)
            if end > _FILE_BYTES:
                self._open_next()
                end = len(line)
            self._map[self._used : end] = line
            self._used = end

    def _start(self) -> None:
        with self._lock:
            if self._pid == os.getpid():
                return
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._open()
            self._pid = os.getpid()
            if settings.USAGE_SHIP_EVERY_S:
                threading.Thread(target=self._run, name="usage-shipper", daemon=True).start()

    def _open(self) -> None:
        path = self.directory / f"{os.getpid()}-{time.time_ns()}.rows"
        unlocked = path.with_suffix(".new")
        descriptor = os.open(unlocked, os.O_CREAT | os.O_RDWR, 0o600)
        # the lock dies with the process, which is how the others know; nobody sees the file before it
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        # room that is really there: a full disk is an error here, and the end of the process in a mapping
        os.posix_fallocate(descriptor, 0, _FILE_BYTES)
        self._map = mmap.mmap(descriptor, _FILE_BYTES)
        self._path, self._descriptor, self._used = path, descriptor, 0
        unlocked.rename(path)

    def _open_next(self) -> Path:
        """Close the present file once there is another; answers its path."""
        full, descriptor, mapped, used = self._path, self._descriptor, self._map, self._used
        self._open()
        mapped.close()
        os.ftruncate(descriptor, used)
        os.close(descriptor)
        return full

    def rotate(self) -> Path | None:
        """Close the present file for shipping and open the next; None when nothing was written."""
        with self._lock:
            return self._open_next() if self._used else None

    def _run(self) -> None:
        adopted_at = 0.0
        while True:
            time.sleep(settings.USAGE_SHIP_EVERY_S)
            try:
                self.rotate()
                spool_ship(self.directory, mine=os.getpid())
                if time.monotonic() - adopted_at > _ADOPT_EVERY_S:
                    adopted_at = time.monotonic()
                    spool_ship(self.directory)
            except (DatabaseError, OSError) as error:
                log.warning("usage_not_shipped", error=str(error))
            finally:
                connection.close()


def spool_ship(directory: Path, *, mine: int | None = None) -> int:
    """Load the closed spool files (only process `mine`'s, or everybody's) and delete them.

    Answers the number of rows read. A file that another process holds is left to it.
    """
    rows = 0
    for path in sorted(directory.glob(f"{mine}-*.rows" if mine else "*.rows")):
        try:
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if not path.exists():
                    continue
                while lines := file.readlines(_BATCH_BYTES):
                    # the last of a killed process's is the room that it left
                    rows += _load([line for line in lines if line.strip(b"\0")])
                path.unlink()
        except (FileNotFoundError, BlockingIOError):
            continue
        except DataError as error:
            # kept for a person to look at; it must not hold up what comes after it
            log.error("usage_file_rejected", file=path.name, error=str(error))
            path.rename(path.with_suffix(".rejected"))
    return rows


def caller_columns(*, organization: str, environment: str, client: str, api_key: str, key_id: str) -> str:
    """The five columns from organization_id to key_id, made once a key."""
    return "\t".join((organization, environment, client, api_key, key_id))


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _field(text: str) -> str:
    """A text as COPY's text format has it."""
    return text if text.isprintable() and "\\" not in text else text.translate(_ESCAPES)


def _is_whole(line: bytes) -> bool:
    """Whether a line was written to its end; a machine that stops in mid-write may leave others."""
    return line.endswith(b"\n") and line.count(b"\t") == len(COLUMNS) - 1 and b"\0" not in line


def _load(lines: list[bytes]) -> int:
    whole = [line for line in lines if _is_whole(line)]
    if len(whole) < len(lines):
        log.warning("usage_lines_torn", lines=len(lines) - len(whole))
    if not whole:
        return 0
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
            copy.write(b"".join(whole))
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
    return len(whole)


spool = Spool(Path(settings.STATE_DIR) / "usage")
