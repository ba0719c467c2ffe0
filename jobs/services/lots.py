"""Quick jobs that one worker took together: one claim and one commit for all of them.

A lot never holds up who is in it. Should one job of it take long, those that ended are settled and those that
wait are given back, so that another worker can have them.
"""

import threading
import time
from collections import deque
from collections.abc import Sequence
from uuid import UUID

import structlog
from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone

from config import tenancy
from jobs.endings import Ending
from jobs.models import Job
from jobs.services.claims import LEASE, jobs_give_back
from jobs.services.settling import Ended, jobs_end

log = structlog.get_logger(__name__)

BEAT_EVERY_S = 5
# How long a job of a lot may take before the others go their own way.
PATIENCE_S = 0.5


class Lot:
    """Jobs of one claim: waiting, worked on one after the other, ended. Two threads share it."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._lock = threading.Lock()
        self._token = jobs[0].lease_token
        self._waiting = deque(jobs)
        self._current: Job | None = None
        self._began_s = time.monotonic()
        self._ended: list[Ended] = []
        self._lost: set[UUID] = set()

    def next(self) -> Job | None:
        """The next job to work on."""
        with self._lock:
            self._current = self._waiting.popleft() if self._waiting else None
            self._began_s = time.monotonic()
            return self._current

    def ended(self, job: Job, ending: Ending) -> None:
        """The present job's attempt ended; `settle` writes it."""
        with self._lock:
            self._current = None
            self._ended.append((job, ending))

    def settle(self) -> None:
        """Write what ended."""
        with self._lock:
            ended, self._ended = self._ended, []
        try:
            jobs_end(ended)
        except DatabaseError:
            with self._lock:
                self._ended = ended + self._ended
            raise

    def is_lost(self, job: Job) -> bool:
        """Whether the job is another's by now, or canceled."""
        return job.id in self._lost

    def beat(self) -> None:
        """Keep the lease of whatever is not settled."""
        with self._lock:
            held = [job.id for job, _ in self._ended] + [job.id for job in self._waiting]
            held += [self._current.id] if self._current else []
        with tenancy.operator():
            ours = Job.objects.filter(
                id__in=held, lease_token=self._token, status=Job.Status.PROCESSING
            ).order_by()
            if ours.update(lease_until=timezone.now() + LEASE) < len(held):
                self._lost.update(set(held) - set(ours.values_list("id", flat=True)))

    def relieve(self) -> None:
        """Let the others go when one takes long."""
        with self._lock:
            if self._current is None or time.monotonic() - self._began_s < PATIENCE_S:
                return
            waiting = list(self._waiting)
            self._waiting.clear()
        if waiting:
            jobs_give_back(waiting)
        self.settle()


class Watch:
    """Looks after the lot a worker has, from a thread of its own, for as long as the context is open."""

    def __init__(self) -> None:
        self.lot: Lot | None = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, name="job-watch", daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        beaten_s = time.monotonic()
        while not self._done.wait(PATIENCE_S):
            lot = self.lot
            if lot is None:
                continue
            try:
                lot.relieve()
                if time.monotonic() - beaten_s >= BEAT_EVERY_S:
                    beaten_s = time.monotonic()
                    lot.beat()
            except DatabaseError as error:
                log.warning("beat_failed", error=str(error))
            except Exception:
                log.exception("watch_failed")
            finally:
                connection.close()
