"""Attempts in a process of their own, which time and memory limits hold and whose death harms nobody else.

The process is forked from a server that has loaded the hub and nothing else: no thread, no connection and no
lock of the worker comes along, and no start of an interpreter is paid for. The worker watches: it writes the
progress, keeps the lease, and kills at a limit.
"""

import contextlib
import multiprocessing
import os
import resource
import signal
import threading
import time
from dataclasses import dataclass, replace
from importlib import import_module
from multiprocessing import process as standard_process
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
import structlog

from jobs.endings import Ending, Outcome, unexpected, work_on
from jobs.models import Job
from jobs.registry import JOB_TYPES, JobCanceled, JobType, Reporter

log = structlog.get_logger(__name__)

_LOOK_EVERY_S = 0.05
# A cold server loads the hub first.
_START_WITHIN_S = 60
_MB = 1 << 20
# What a process may reserve beyond its limit without using it, such as the stacks of threads. The watch looks
# at what is used; this wall stops who uses it up between two looks.
_RESERVE_BYTES = 256 * _MB

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["jobs.confinement_preload"])


@dataclass(slots=True)
class _Seen:
    """What the watch last saw of the process: resident bytes at their highest, and CPU seconds."""

    peak_memory_bytes: int = 0
    cpu_s: float = 0.0


def work_confined(kind: JobType, job: Job, reporter: Reporter) -> Ending:
    """Do the job's work in a process of its own, within the type's limits; answers however that ends.

    Raises what `reporter` raises (a database that is gone); the process is gone then, too.
    """
    _be_a_parent()
    ours, theirs = _context.Pipe()
    process = _context.Process(target=_serve, args=(theirs, kind.run.__module__, job), daemon=True)
    process.start()
    theirs.close()
    seen = _Seen()
    try:
        ending = _watch(process, ours, kind, reporter, seen)
    finally:
        _kill(process)
        ours.close()
    if ending.cpu_s is None:
        ending = replace(ending, peak_memory_bytes=seen.peak_memory_bytes, cpu_s=seen.cpu_s)
    return ending


def _be_a_parent() -> None:
    """Let a process of Celery's pool have children.

    The pool's own library presents it to the standard one as a daemon, which may have none, so that nothing
    outlives the pool. Ours end with their worker, however that ends.
    """
    if type(standard_process.current_process()).__module__ != standard_process.__name__:
        me = standard_process.BaseProcess(name="worker")
        vars(me)["_config"] = {"semprefix": "/mp"}
        me.authkey = os.urandom(32)
        vars(standard_process)["_current_process"] = me


def _watch(
    process: multiprocessing.process.BaseProcess,
    pipe: Connection,
    kind: JobType,
    reporter: Reporter,
    seen: _Seen,
) -> Ending:
    if not pipe.poll(_START_WITHIN_S):
        return Ending(Outcome.CRASHED, code="crashed", message="The job's process did not start.")
    try:
        bare_bytes = pipe.recv()
        started, usage = time.monotonic(), psutil.Process(process.pid)
        while True:
            if pipe.poll(_LOOK_EVERY_S):
                said = pipe.recv()
                if isinstance(said, Ending):
                    return said
                try:
                    reporter.progress(*said)
                except JobCanceled:
                    return Ending(Outcome.CANCELED)
                pipe.send(None)
            if reporter.canceled():
                return Ending(Outcome.CANCELED)
            if kind.time_limit_s is not None and time.monotonic() - started > kind.time_limit_s:
                message = f"The job ran longer than {kind.time_limit_s:g} s."
                return Ending(Outcome.TIMEOUT, code="timeout", message=message)
            with contextlib.suppress(psutil.Error):
                used, times = usage.memory_info().rss, usage.cpu_times()
                seen.peak_memory_bytes = max(seen.peak_memory_bytes, used)
                seen.cpu_s = times.user + times.system
                if kind.memory_limit_mb is not None and used - bare_bytes > kind.memory_limit_mb * _MB:
                    return memory_exceeded(kind)
    except (EOFError, ConnectionError):
        process.join(_START_WITHIN_S)
        return _died(kind, process.exitcode)


def _died(kind: JobType, exit_code: int | None) -> Ending:
    # SIGKILL that is not ours is the kernel's, which is out of memory
    if exit_code == -signal.SIGKILL:
        return memory_exceeded(kind)
    how = f"exit status {exit_code}"
    if exit_code is not None and exit_code < 0:
        how = signal.Signals(-exit_code).name
    return Ending(
        Outcome.CRASHED, code="crashed", message="The job's process ended before the job.", detail=how
    )


def memory_exceeded(kind: JobType) -> Ending:
    """The ending of an attempt that took more memory than it may, or than there is."""
    limit = f" than {kind.memory_limit_mb} MB" if kind.memory_limit_mb else " than there is"
    message = f"The job took more memory{limit}."
    return Ending(Outcome.MEMORY_EXCEEDED, code="memory_exceeded", message=message)


def _kill(process: multiprocessing.process.BaseProcess) -> None:
    """End the process and whatever it started."""
    if process.pid is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.join()


class _PipedReporter:
    """Tells the worker, which knows whether the job still is ours; it kills this process if not."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def progress(self, stage: str, percent: int) -> None:
        with self._lock:
            self._pipe.send((stage, percent))
            self._pipe.recv()

    def canceled(self) -> bool:
        return False


def _serve(pipe: Connection, module: str, job: Job) -> None:
    """The life of the process: work on one job and say how it ended."""
    os.setsid()
    threading.Thread(target=_die_with_the_worker, daemon=True).start()
    import_module(module)
    kind = JOB_TYPES[job.job_type]
    usage = psutil.Process()
    memory = usage.memory_info()
    with contextlib.suppress(OSError):  # the first to go when the machine is out of memory
        Path("/proc/self/oom_score_adj").write_text("1000")
    if kind.memory_limit_mb is not None:
        wall = memory.data + kind.memory_limit_mb * _MB + _RESERVE_BYTES
        resource.setrlimit(resource.RLIMIT_DATA, (wall, wall))
    pipe.send(memory.rss)
    with structlog.contextvars.bound_contextvars(job_id=str(job.id)):
        try:
            ending = work_on(kind, job, _PipedReporter(pipe))
        except MemoryError:
            ending = memory_exceeded(kind)
    used = resource.getrusage(resource.RUSAGE_SELF)
    ending = replace(ending, peak_memory_bytes=used.ru_maxrss * 1024, cpu_s=used.ru_utime + used.ru_stime)
    try:
        pipe.send(ending)
    except (TypeError, AttributeError, ValueError) as error:  # results that are no JSON
        pipe.send(unexpected(error))


def _die_with_the_worker() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
