"""Counting by PostgreSQL while the limit store does not answer, and for the minute after its return.

No interval of 60 seconds admits more than the limit across either change of counters:

- **The store goes.** PostgreSQL goes on from the journals of this host's processes, which hold every
  admission of the last minute. Another host's come with its own first request of the key; what it had
  admitted until then is unknown to the others. Hours and days go on from the request log as well, whose
  last second may be on its way; a token bucket from the last known number of tokens.
- **The store returns**, with its data, with old data or with none. The first process to notice marks the
  store as rebuilding; for a minute PostgreSQL still decides for everybody, and each admission is recorded
  in the store as well, which by then knows a whole minute.
"""

import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

import redis
import structlog
from django.conf import settings
from django.db import connection

from config import tenancy
from credentials.admission_journal import WINDOW_S, Admission, Entry, Journal

log = structlog.get_logger(__name__)

REBUILDING_KEY = "hub:limit:rebuilding"
# A process may count in PostgreSQL alone for the second in which it does not ask the store.
_REBUILDING_S = WINDOW_S + 3
_VERSIONS = "hub:version:*"

# KEYS: counters' prefix. ARGV: 1 for an admission into the minute, unix microseconds of the bucket's state,
# its tokens (-1 for none), what the present hour and day have used, a full bucket's seconds.
_RECORD = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local base = KEYS[1]
local at, tokens = tonumber(ARGV[2]), tonumber(ARGV[3])
if tokens >= 0 then
  local state = redis.call('HGET', base .. ':b', 't')
  if not state or tonumber(state) < at then
    redis.call('HSET', base .. ':b', 't', ARGV[2], 'n', ARGV[3])
    redis.call('EXPIRE', base .. ':b', ARGV[6])
  end
elseif ARGV[1] == '1' then
  redis.call('RPUSH', base .. ':w', string.format('%.0f', now))
  redis.call('PEXPIRE', base .. ':w', 122000)
end
for index, window in ipairs({{':h', 3600}, {':d', 86400}}) do
  local used = tonumber(ARGV[3 + index])
  local key = base .. window[1] .. math.floor(now / (window[2] * 1e6))
  if used > tonumber(redis.call('GET', key) or 0) then redis.call('SET', key, used, 'EX', window[2] + 100) end
end
"""
# as hub_admit and hub_admission_seed take it
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('hub_admit:' || %s, 0))"
_TRANSFERRED = """
SELECT coalesce(b.subject, w.subject), coalesce((extract(epoch FROM b.at) * 1e6)::bigint, 0),
       coalesce(b.tokens, -1), coalesce(w.hour, 0), coalesce(w.day, 0)
FROM (SELECT * FROM credentials_admission_bucket WHERE at > now() - interval '1 hour') b
FULL JOIN (
  SELECT subject, max(used) FILTER (WHERE width = '1 hour') AS hour,
         max(used) FILTER (WHERE width = '1 day') AS day
  FROM credentials_admission_window
  WHERE (width = '1 hour' AND begins = date_trunc('hour', now(), 'UTC'))
     OR (width = '1 day' AND begins = date_trunc('day', now(), 'UTC'))
  GROUP BY subject) w ON w.subject = b.subject
"""


class Count(NamedTuple):
    """hub_admit's answer: a Verdict's six numbers, then what the store is told of an admission."""

    outcome: int
    limit: int
    remaining: int
    reset_us: int
    retry_us: int
    day_remaining: int
    at_us: int
    tokens: float
    hour_used: int
    day_used: int


class _Mine(threading.local):
    """A thread's request while nobody has decided it: its id among all processes, and its entry."""

    asked: int | None = None
    undecided: Entry | None = None


class Fallback:
    """One process's part in the change of counters; for every thread."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self._seeded: set[str] = set()
        # whether whoever asks the store next has to say first that others counted meanwhile
        self.must_announce = False
        self._mine = _Mine()

    def ask(self, subject: str) -> Entry:
        """Before the store is asked about a request; again, where this thread was not told before."""
        undecided, self._mine.undecided = self._mine.undecided, None
        return self.journal.ask(subject, again=undecided)

    def withdraw(self, entry: Entry) -> None:
        """The store has not decided; the same request is asked about again, or counted, in this thread."""
        self._mine.asked, self._mine.undecided = self.journal.settle(entry, admitted=False), entry

    def answered(self, entry: Entry, *, admitted: bool, remaining: int) -> None:
        """After the store has decided by itself: it knows a whole minute."""
        self.journal.settle(entry, admitted=admitted, remaining=remaining)
        self._mine.asked = None
        if self._seeded:
            self._seeded.clear()

    def count(self, subject: str, limits: Any) -> Count:
        """Count one request of `subject` in PostgreSQL.

        Raises django.db.OperationalError (503) when that is gone too.
        """
        if subject not in self._seeded:
            self._seed(subject, limits)
        asked, self._mine.asked, self._mine.undecided = self._mine.asked, None, None
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT outcome, allowed, remaining, reset_us, retry_us, day_remaining, at_us, tokens,"
                " hour_used, day_used FROM hub_admit(%s, %s, %s, %s, %s, %s)",
                [subject, limits.per_minute, limits.per_hour, limits.per_day, limits.burst, asked],
            )
            return Count(*cursor.fetchone())

    def store_is_gone(self) -> None:
        """The store does not answer."""
        self.must_announce = True

    def rejoin(self, store: redis.Redis) -> None:
        """Before the first question to a store that did not answer. Raises redis.RedisError."""
        if self.must_announce:
            self._rebuild(store)
            self.must_announce = False

    def store_restarted(self, store: redis.Redis) -> None:
        """Before the limit script is loaded into a store that does not know it: it has just started.

        What it holds may be older than what it had answered, so no cached key is current any more, and
        it must not decide before a minute of what is admitted from now on. Raises redis.RedisError.
        """
        for name in store.scan_iter(match=_VERSIONS, count=1000):
            store.unlink(name)
        if self.journal.is_fresh() or _database_counted():
            self._rebuild(store)

    def record(self, store: redis.Redis, base: str, count: Count, *, limits: Any) -> None:
        """Tell a rebuilding store of an admission. Raises redis.RedisError."""
        _record(store, base, count, admission=1, full_s=_full_s(limits.burst, limits.per_minute))

    def _rebuild(self, store: redis.Redis) -> None:
        # before anything else: from here on nobody's request is the store's to decide
        store.set(REBUILDING_KEY, int(time.time()), ex=_REBUILDING_S)
        self._seeded.clear()
        with connection.cursor() as cursor:
            cursor.execute(_TRANSFERRED)
            rows = cursor.fetchall()
        pipeline = store.pipeline(transaction=False)
        for subject, at_us, tokens, hour_used, day_used in rows:
            known = Count(1, 0, 0, 0, 0, 0, at_us, tokens, hour_used, day_used)
            _record(pipeline, f"hub:limit:{{{subject}}}", known, admission=0, full_s=3600)
        pipeline.execute()
        log.warning("limit_store_rebuilding", seconds=_REBUILDING_S, subjects=len(rows))

    def _seed(self, subject: str, limits: Any) -> None:
        counted = bool(limits.per_hour or limits.per_day)
        with tenancy.operator(), connection.cursor() as cursor:
            # Nobody of the subject is decided in PostgreSQL between our look and the end: whom we see being
            # asked about was not refused already, and so takes back in time what we assume of it.
            cursor.execute(_LOCK, [subject])
            admissions = self.journal.admissions(subject)
            minute = [known for known in admissions if known.age_us < WINDOW_S * 1_000_000]
            bucket = _bucket(admissions, limits.per_minute) if limits.burst else None
            now = time.time()
            settled = [known for known in minute if not known.is_open]
            hour = sum(known.age_us / 1e6 < now % 3600 for known in settled)
            day = sum(known.age_us / 1e6 < now % 86400 for known in settled)
            if minute or bucket or counted:
                cursor.execute(
                    "SELECT hub_admission_seed("
                    "%s, %s::bigint[], %s::bigint[], %s::boolean[], %s, %s, %s, %s, %s, %s)",
                    [
                        subject,
                        [known.age_us for known in minute],
                        [known.id for known in minute],
                        [known.is_open for known in minute],
                        counted,
                        hour,
                        day,
                        *(bucket or (None, None)),
                        limits.per_minute,
                    ],
                )
        self._seeded.add(subject)


def _bucket(admissions: list[Admission], per_minute: int) -> tuple[int, float] | None:
    """The age and the tokens of a bucket after its last admission, less those being asked about."""
    known = [admission for admission in admissions if not admission.is_open]
    if not known:
        return None
    # each bounds what is left now, and answers may have come in another order than they were given
    least = min(known, key=lambda admission: admission.remaining + admission.age_us * per_minute / 60e6)
    return least.age_us, max(0, least.remaining - (len(admissions) - len(known)))


def _record(store: Any, base: str, count: Count, *, admission: int, full_s: int) -> None:
    numbers = (count.at_us, f"{count.tokens:.6f}", count.hour_used, count.day_used, full_s)
    store.eval(_RECORD, 1, base, admission, *numbers)


def _full_s(burst: int, per_minute: int) -> int:
    return 60 * burst // per_minute + 2


def _database_counted() -> bool:
    """Whether PostgreSQL counted for anybody in the last minute."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM credentials_admission WHERE at > now() - interval '1 minute')"
            " OR EXISTS (SELECT FROM credentials_admission_bucket WHERE at > now() - interval '1 minute')"
        )
        return bool(cursor.fetchone()[0])


fallback = Fallback(Journal(Path(settings.STATE_DIR) / "admissions"))
