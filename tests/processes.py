"""The product's own processes, started for a test against its stores."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable

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


class Process:
    """One command in a process group of its own."""

    def __init__(self, *command: str, **environment: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=settings.BASE_DIR,
            env=os.environ | {"USAGE_SHIP_EVERY_S": "0.5"} | environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def is_running(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """kill -9, children included: nobody gets to say good-bye."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        if self.is_running():
            os.killpg(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(timeout=15)
            except subprocess.TimeoutExpired:
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
