"""Rows on their way from a process to PostgreSQL, off a request's path.

Each process appends lines to a spool file of its own, mapped into its memory: no system call, and the kernel
keeps them even when the process is killed. The lines are rows of PostgreSQL's COPY. All processes close their
files at the same moments, and the first loads the lines of all, those of dead processes too, as they stand:
what is loaded together is rolled up together. Rows carry their id, so a file shipped twice (a crash between
commit and delete) counts once. What a power cut can lose is what the kernel had not written to disk
(docs/decisions/0002-request-log-spool.md).
"""

import fcntl
import mmap
import os
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import structlog
from django.conf import settings
from django.db import DataError, connection
from django.db import Error as DatabaseError

log = structlog.get_logger(__name__)

# what the other processes of the machine may take to close their files
_OTHERS_CLOSE_S = 0.1
_BATCH_BYTES = 8_000_000
# Some seconds of more rows than one process answers; a fuller file is followed by the next at once.
_FILE_BYTES = 1 << 22


@dataclass(frozen=True)
class Rows:
    """What a spool's lines are: rows of `columns` that `load` inserts, in a transaction of its own.

    `load` gets whole lines in COPY's text format. It must count a row that it has seen before once. `name`
    is how the process's log calls them. Lines that an earlier version left behind may lack the last `added`
    columns, which are null then.
    """

    name: str
    columns: tuple[str, ...]
    load: Callable[[list[bytes]], None]
    added: int = 0


class RowSpool:
    """One process's spool: `write` from any thread, shipped by one thread of its own."""

    def __init__(self, directory: Path, rows: Rows) -> None:
        self.directory, self.rows = directory, rows
        self._lock = threading.Lock()
        self._pid = 0
        self._descriptor = -1
        self._path = directory
        self._used = 0

    def write(self, line: bytes) -> None:
        """Keep one row: a line of COPY's text format, with its end."""
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
                threading.Thread(target=self._run, name=f"{self.rows.name}-shipper", daemon=True).start()

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
        every_s = settings.USAGE_SHIP_EVERY_S
        while True:
            time.sleep(every_s - time.time() % every_s)
            try:
                self.rotate()
                time.sleep(_OTHERS_CLOSE_S)
                rows_ship(self.directory, self.rows)
            except (DatabaseError, OSError) as error:
                log.warning(f"{self.rows.name}_not_shipped", error=str(error))
            finally:
                connection.close()


def rows_ship(directory: Path, rows: Rows) -> int:
    """Load every process's closed spool files and delete them; answers the number of rows read.

    One process at a time: who comes later waits, and finds what was closed meanwhile.
    """
    if not directory.exists():
        return 0
    count = 0
    with (directory / "shipping.lock").open("wb") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        closed = sorted(directory.glob("*.rows"), reverse=True)
        while closed:
            with ExitStack() as held:
                batch: dict[Path, list[bytes]] = {}
                size = 0
                while closed and size < _BATCH_BYTES:
                    path = closed.pop()
                    if file := _closed_file(path):
                        held.enter_context(file)
                        # the last of a killed process's is the room that it left
                        batch[path] = [line for line in file if line.strip(b"\0")]
                        size += file.tell()
                count += _load_batch(rows, batch)
    return count


def _closed_file(path: Path) -> BinaryIO | None:
    """The file, locked; None while a process writes to it."""
    file = path.open("rb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def _load_batch(rows: Rows, batch: dict[Path, list[bytes]]) -> int:
    try:
        count = _load(rows, [line for lines in batch.values() for line in lines])
    except DataError as error:
        if len(batch) > 1:
            return sum(_load_batch(rows, {path: lines}) for path, lines in batch.items())
        (path,) = batch
        # kept for a person to look at; it must not hold up what comes after it
        log.error(f"{rows.name}_file_rejected", file=path.name, error=str(error))
        path.rename(path.with_suffix(".rejected"))
        return 0
    for path in batch:
        path.unlink()
    return count


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def copy_field(text: str) -> str:
    """A text as COPY's text format has it."""
    return text if text.isprintable() and "\\" not in text else text.translate(_ESCAPES)


def _load(rows: Rows, lines: list[bytes]) -> int:
    tabs = len(rows.columns) - 1
    whole = [completed for line in lines if (completed := _completed(line, tabs, rows.added))]
    if len(whole) < len(lines):
        log.warning(f"{rows.name}_lines_torn", lines=len(lines) - len(whole))
    if whole:
        rows.load(whole)
    return len(whole)


def _completed(line: bytes, tabs: int, added: int) -> bytes | None:
    """A line with every column; None for one not written to its end, as a machine that stops may leave."""
    lacking = tabs - line.count(b"\t")
    if not 0 <= lacking <= added or not line.endswith(b"\n") or b"\0" in line:
        return None
    return line[:-1] + b"\t\\N" * lacking + b"\n" if lacking else line
