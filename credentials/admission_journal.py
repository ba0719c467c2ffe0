"""What the store admitted in the last minute, kept where its end cannot take it along.

Each process writes its admissions into a ring in a file of its own: memory stores, no system call. The
kernel keeps them when the process is killed, and every process of the host can read them. So when the
store is gone, PostgreSQL goes on from what was admitted instead of from zero (limits_fallback.py).
"""

import fcntl
import mmap
import os
import secrets
import struct
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from hashlib import blake2b
from itertools import count
from pathlib import Path
from typing import NamedTuple

WINDOW_S = 60
# subject's hash, unix microseconds, number, remaining; native, so that a number is written in one go
_RECORD = struct.Struct("@QQIi")
_SUBJECT, _REST = struct.Struct("@Q"), struct.Struct("@QIi")
_NOBODY = 0
# the file's id, and the number of admissions so far
_HEADER = struct.Struct("@QQ")
# Requests that were asked about and not yet answered: more than the threads of a process.
_OPEN_SLOTS = 256
_OPEN_OFFSET = 64
_RING_OFFSET = _OPEN_OFFSET + _OPEN_SLOTS * _RECORD.size
# A minute of 4,369 admissions a second, beyond what one process answers.
_RING_SLOTS = 1 << 18
_FILE_BYTES = _RING_OFFSET + _RING_SLOTS * _RECORD.size
# Admissions may enter the ring this much later than their neighbours: the store's time-out, generously.
_DISORDER_US = 5_000_000
# Dead processes' files stay until their buckets are full again.
_KEPT_S = 600


class Admission(NamedTuple):
    """One admission: how long ago, its id among all processes, and what was left after it.

    -1 is left where the store was asked about it and had not answered.
    """

    age_us: int
    id: int
    remaining: int

    @property
    def is_open(self) -> bool:
        return self.remaining < 0


# A request that is being asked about: its slot, its number in this process, its subject's hash.
Entry = tuple[int, int, int]


class Journal:
    """The rings of one host's processes: writes its own, reads all. For every thread."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._lock = threading.Lock()
        self._pid = 0
        self._head = 0
        self._numbers = count(1)

    def ask(self, subject: str, *, again: Entry | None = None) -> Entry:
        """Note that the store is being asked about `subject`; answers what `settle` wants back.

        `again` is the entry of the same request, which was settled without a decision: whoever has seen it
        open counts it as admitted, and so must know it by its id.
        """
        if self._pid != os.getpid():
            self._start()
        try:
            slot = self._free.popleft()
        except IndexError:
            slot = -1
        hashed = _hash(subject)
        if again is not None and again[2] == hashed:
            entry = (slot, again[1], hashed)
        else:
            entry = (slot, next(self._numbers) & 0xFFFFFFFF, hashed)
        if slot >= 0:
            self._write(_OPEN_OFFSET + slot * _RECORD.size, hashed, entry[1], -1)
        return entry

    def settle(self, entry: Entry, *, admitted: bool, remaining: int = -1) -> int:
        """Note what the store answered, or that it did not; answers the id under which others saw it."""
        slot, number, subject = entry
        if admitted:
            with self._lock:
                self._head += 1
                place = _RING_OFFSET + (self._head % _RING_SLOTS) * _RECORD.size
                # the head first: a reader beside us meets an old record, never misses a new one
                _HEADER.pack_into(self._map, 0, self._id, self._head)
                # now, not when it was asked: the window must not end early
                self._write(place, subject, number, remaining)
        if slot >= 0:
            # only after it stands in the ring, since readers look here first
            _SUBJECT.pack_into(self._map, _OPEN_OFFSET + slot * _RECORD.size, _NOBODY)
            self._free.append(slot)
        return self._id << 32 | number

    def admissions(self, subject: str) -> list[Admission]:
        """What this host's processes, dead ones included, admitted of `subject` in the last minute.

        Requests still being asked about count as admitted. The newest admission comes first, also when
        it is older than a minute.
        """
        found: dict[int, Admission] = {}
        for file in self._files():
            found |= {admission.id: admission for admission in _admissions(file, _hash(subject))}
        return sorted(found.values())

    def is_fresh(self) -> bool:
        """Whether this host admitted anything in the last minute."""
        return any(_newest_age_us(file) < WINDOW_S * 1_000_000 for file in self._files())

    def _write(self, place: int, subject: int, number: int, remaining: int) -> None:
        # nobody's while it is half written, for whoever reads beside us
        _SUBJECT.pack_into(self._map, place, _NOBODY)
        _REST.pack_into(self._map, place + _SUBJECT.size, _now_us(), number, remaining)
        _SUBJECT.pack_into(self._map, place, subject)

    def _start(self) -> None:
        with self._lock:
            if self._pid == os.getpid():
                return
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._sweep()
            self._id = secrets.randbits(31)
            path = self.directory / f"{self._id:08x}.ring"
            self._descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
            # ends with the process, which is how the others know
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            os.ftruncate(self._descriptor, _FILE_BYTES)
            flags = mmap.MAP_SHARED | getattr(mmap, "MAP_POPULATE", 0)
            self._map = mmap.mmap(self._descriptor, _FILE_BYTES, flags=flags)
            _HEADER.pack_into(self._map, 0, self._id, 0)
            self._free = deque(range(_OPEN_SLOTS))
            self._head = 0
            self._pid = os.getpid()

    def _files(self) -> Iterator[mmap.mmap]:
        for path in self.directory.glob("*.ring"):
            try:
                with path.open("rb") as file, _mapped(file.fileno()) as mapped:
                    yield mapped
            except (FileNotFoundError, ValueError):  # removed, or made this very moment
                continue

    def _sweep(self) -> None:
        for path in self.directory.glob("*.ring"):
            try:
                with path.open("rb") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    with _mapped(file.fileno()) as mapped:
                        old = _newest_age_us(mapped) > _KEPT_S * 1_000_000
                if old:
                    path.unlink(missing_ok=True)
            except (FileNotFoundError, BlockingIOError, ValueError):
                continue


@contextmanager
def _mapped(descriptor: int) -> Iterator[mmap.mmap]:
    if os.fstat(descriptor).st_size != _FILE_BYTES:
        raise ValueError("not a whole ring")
    mapped = mmap.mmap(descriptor, _FILE_BYTES, access=mmap.ACCESS_READ)
    try:
        yield mapped
    finally:
        mapped.close()


def _admissions(file: mmap.mmap, subject: int) -> Iterator[Admission]:
    file_id, head = _HEADER.unpack_from(file, 0)
    now = _now_us()
    for _, number, _ in _records(file, subject, _OPEN_OFFSET, _RING_OFFSET):
        yield Admission(0, file_id << 32 | number, -1)
    # read again: what was settled since we looked at the open ones stands in the ring by now
    file_id, head = _HEADER.unpack_from(file, 0)
    newest = True
    start = _RING_OFFSET + (head % _RING_SLOTS + 1) * _RECORD.size
    for begin, end in ((_RING_OFFSET, start), (start, _FILE_BYTES)):
        for at_us, number, remaining in _records(file, subject, begin, end):
            age_us = max(0, now - at_us)
            if age_us > WINDOW_S * 1_000_000 + _DISORDER_US and not newest:
                return
            if age_us < WINDOW_S * 1_000_000 or newest:
                yield Admission(age_us, file_id << 32 | number, remaining)
            newest = False


def _records(file: mmap.mmap, subject: int, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The subject's records, the last one first: their time, number and what was left.

    One that its process takes back or writes over as we read it is nobody's.
    """
    wanted = _SUBJECT.pack(subject)
    while (found := file.rfind(wanted, begin, end)) >= 0:
        if (found - _OPEN_OFFSET) % _RECORD.size == 0:
            record = _RECORD.unpack_from(file, found)
            while record != (record := _RECORD.unpack_from(file, found)):
                continue
            if record[0] == subject:
                yield record[1:]
        end = found + len(wanted) - 1


def _newest_age_us(file: mmap.mmap) -> int:
    _, head = _HEADER.unpack_from(file, 0)
    _, at_us, _, _ = _RECORD.unpack_from(file, _RING_OFFSET + (head % _RING_SLOTS) * _RECORD.size)
    return _now_us() - at_us


def _now_us() -> int:
    return time.time_ns() // 1000


@lru_cache(maxsize=20_000)
def _hash(subject: str) -> int:
    return int.from_bytes(blake2b(subject.encode(), digest_size=8).digest(), "little")
