"""The product's own processes, started for a test against its stores."""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress

from django.conf import settings


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(true: Callable[[], object], *, seconds: float, every: float = 0.2) -> None:
    """Poll until `true()` is; fails the test after `seconds`."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(every)


class _Zygote:
    """One of tests/zygote.py, for one environment."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.zygote"],
            cwd=settings.BASE_DIR,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )

    def fork(self, command: tuple[str, ...], environment: dict[str, str]) -> int:
        order = {"command": command, "environment": environment}
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        """It ends; what it has forked goes on."""
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


# What differs from test to test, or process to process, and is not read as settings load.
_FREE = {"PYTEST_CURRENT_TEST", "HUB_URL"}
_ZYGOTES_KEPT = 3  # some hundred megabytes each
_zygotes: dict[frozenset[tuple[str, str]], _Zygote] = {}


@atexit.register
def _close() -> None:
    for zygote in _zygotes.values():
        zygote.close()


def _fork(command: tuple[str, ...], environment: dict[str, str]) -> int:
    key = frozenset((name, value) for name, value in environment.items() if name not in _FREE)
    zygote = _zygotes.pop(key, None) or _Zygote(environment)
    _zygotes[key] = zygote
    if len(_zygotes) > _ZYGOTES_KEPT:
        _zygotes.pop(next(iter(_zygotes))).close()
    return zygote.fork(command, environment)


class Process:
    """One command, as `python -m` runs it, in a process group of its own."""

    def __init__(self, *command: str, **environment: str) -> None:
        self._pid = _fork(command, os.environ | {"USAGE_SHIP_EVERY_S": "0.5"} | environment)
        try:
            self._handle: int | None = os.pidfd_open(self._pid)
        except ProcessLookupError:
            self._handle = None

    def has(self, pid: int) -> bool:
        """Whether a process is this one or of its children."""
        try:
            return os.getpgid(pid) == self._pid
        except ProcessLookupError:
            return False

    def _has_ended(self, within: float | None) -> bool:
        if self._handle is not None and select.select([self._handle], [], [], within)[0]:
            os.close(self._handle)
            self._handle = None
        return self._handle is None

    def is_running(self) -> bool:
        return not self._has_ended(0)

    def kill(self) -> None:
        """kill -9, children included: nobody gets to say good-bye."""
        with suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGKILL)
        self._has_ended(None)

    def stop(self) -> None:
        if self.is_running():
            os.killpg(self._pid, signal.SIGTERM)
            if not self._has_ended(15):
                self.kill()


def worker(*queues: str, **environment: str) -> Process:
    """A Celery worker as `make run` starts it."""
    name = f"test-{free_port()}@%h"
    arguments = ("-Q", ",".join(queues), "-c", "1", "-n", name, "--without-gossip", "--without-mingle")
    return Process("celery", "-A", "config", "worker", "--loglevel", "ERROR", *arguments, **environment)


def scheduler(**environment: str) -> Process:
    """A Celery beat as `make run` starts it."""
    arguments = ("--pidfile", "")
    return Process("celery", "-A", "config", "beat", "--loglevel", "ERROR", *arguments, **environment)


class Web(Process):
    """A web server on a port of its own; a context that gives itself once it is ready."""

    def __init__(self, application: str = "config.wsgi:application", **environment: str) -> None:
        port = str(free_port())
        self.url = f"http://127.0.0.1:{port}"
        super().__init__(
            *("granian", "--interface", "wsgi", application, "--host", "127.0.0.1"),
            *("--port", port, "--workers", "1", "--blocking-threads", "4", "--no-ws"),
            **{"HUB_URL": self.url} | environment,
        )

    def __enter__(self) -> "Web":
        wait_until(self._is_ready, seconds=40)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False
