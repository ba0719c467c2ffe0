"""Job types that misbehave, importable by workers (`celery worker --include tests.jobs.poison`)."""

import ctypes
import os
import time

from jobs.registry import JobFailure, Retry, job_type

_RETRY = Retry(delay_s=0)


@job_type("tests.good")
def good(job, reporter):
    return {"pid": os.getpid()}


@job_type("tests.good_confined", time_limit_s=30, memory_limit_mb=64)
def good_confined(job, reporter):
    reporter.progress("half", 50)
    return {"pid": os.getpid(), "params": job.params}


@job_type("tests.refusal_confined", time_limit_s=30)
def refusal(job, reporter):
    raise JobFailure("too_quiet", "Nobody speaks.")


@job_type("tests.hog", memory_limit_mb=64, max_attempts=2, retry=_RETRY)
def hog(job, reporter):
    """Takes memory bit by bit: the watch sees it."""
    kept = []
    while True:
        kept.append(bytearray(os.urandom(1 << 20)))
        time.sleep(0.005)


@job_type("tests.glutton", memory_limit_mb=64, max_attempts=1)
def glutton(job, reporter):
    """Takes it all at once, faster than anybody can watch: the wall stops it."""
    return len(bytearray(8 << 30))


@job_type("tests.exit", time_limit_s=30, max_attempts=2, retry=_RETRY)
def leave(job, reporter):
    os._exit(3)


@job_type("tests.segfault", time_limit_s=30, max_attempts=1)
def segfault(job, reporter):
    ctypes.string_at(0)


@job_type("tests.endless", time_limit_s=0.5, max_attempts=2, retry=_RETRY)
def endless(job, reporter):
    while True:
        pass


@job_type("tests.stubborn", time_limit_s=60)
def stubborn(job, reporter):
    """Never reports anything, so that it cannot notice its cancellation."""
    reporter.progress(f"pid {os.getpid()}", 5)
    while True:
        time.sleep(1)
