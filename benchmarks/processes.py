"""A contender's process with everything below it: started, paused, measured, stopped."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple, Self

import psutil

from config.embedded.program import command_line, end, leftovers
from config.embedded.state import CHECKOUT, SetUpError
from config.embedded.supervision import last_lines

_OF_THIS_CHECKOUT = f":{CHECKOUT}"


def leftovers_end() -> None:
    """End what a killed run of this checkout left; what stood still would outlive its parent for ever."""
    for process in leftovers(_OF_THIS_CHECKOUT):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


class Cpu(NamedTuple):
    """CPU seconds of process trees."""

    user: float
    system: float

    @property
    def total(self) -> float:
        return self.user + self.system

    @classmethod
    def of(cls, *pids: int) -> "Cpu":
        """User and system time of these processes and all below them, ended ones included."""
        user = system = 0.0
        for process in _trees(*pids):
            try:
                times = process.cpu_times()
            except psutil.Error:
                continue
            user += times.user + times.children_user
            system += times.system + times.children_system
        return cls(user, system)


def _trees(*pids: int) -> list[psutil.Process]:
    found = []
    for pid in pids:
        try:
            root = psutil.Process(pid)
            found += [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            continue
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """One command with everything below it, in a process group of its own; a context that gives itself."""

    def __init__(
        self, name: str, command: list[str], *, environment: dict[str, str], log: Path, pipes: bool = False
    ) -> None:
        self.name = name
        self._pipe = subprocess.PIPE if pipes else None
        self._command = command_line(f"bench-{name}{_OF_THIS_CHECKOUT}", command)
        self._environment = environment
        self._log = log / f"{name}.log"

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 (our own command)
                self._command,
                cwd=CHECKOUT,
                env=self._environment,
                stdin=self._pipe or subprocess.DEVNULL,
                stdout=self._pipe or log,
                stderr=log,
                start_new_session=True,
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    @property
    def pid(self) -> int:
        return self._process.pid

    def pause(self) -> None:
        """Stop it where it is, children included: work may queue up before it."""
        os.killpg(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        os.killpg(self._process.pid, signal.SIGCONT)

    def cpu(self) -> Cpu:
        """What it and its workers have used so far."""
        return Cpu.of(self._process.pid)

    def resident_bytes(self) -> int:
        """Resident memory of its largest process: a web process, a worker."""
        return max((process.memory_info().rss for process in _trees(self._process.pid)), default=0)

    def alive(self) -> None:
        """Raise SetUpError with the end of its log unless it runs."""
        if self._process.poll() is not None:
            raise SetUpError(f"{self.name} ended.\n{last_lines(self._log)}")

    def _stop(self) -> None:
        below = _trees(self._process.pid)[1:]
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self.resume()  # what stands still would not hear it
            try:
                self._process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        end(below)


class Remote(Process):
    """A process that runs functions of a module when asked (benchmarks/remote.py)."""

    def __init__(
        self,
        name: str,
        module: str,
        *,
        environment: dict[str, str],
        log: Path,
        python: str = sys.executable,
    ) -> None:
        command = [python, "-m", "benchmarks.remote", module]
        super().__init__(name, command, environment=environment, log=log, pipes=True)

    def ask(self, function: str, **keywords: object) -> Any:
        """What the function returns. Raises SetUpError with the end of its log when it fails."""
        assert self._process.stdin
        assert self._process.stdout
        try:
            self._process.stdin.write(f"{json.dumps([function, keywords])}\n".encode())
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = b""
        if not answer:
            self._process.wait()
            raise SetUpError(f"{self.name} failed.\n{last_lines(self._log)}")
        return json.loads(answer)


class Server(Process):
    """One server on 127.0.0.1; a context that gives itself once it answers at all."""

    def __init__(
        self, name: str, command: list[str], *, port: int, environment: dict[str, str], log: Path
    ) -> None:
        super().__init__(name, command, environment=environment, log=log)
        self.url = f"http://127.0.0.1:{port}"

    def __enter__(self) -> Self:
        super().__enter__()
        deadline = time.monotonic() + 60
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._stop()
                raise SetUpError(f"{self.name} did not start.\n{last_lines(self._log)}")
            time.sleep(0.1)
        return self

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/livez", timeout=2):  # noqa: S310 (our own address)
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False


def granian(application: str, *, port: int, workers: int = 2, python: str = sys.executable) -> list[str]:
    """What serves a WSGI application as `make run` serves the hub."""
    return [
        python, "-m", "granian", "--interface", "wsgi", application,
        "--host", "127.0.0.1", "--port", str(port), "--workers", str(workers),
        "--blocking-threads", "3", "--backpressure", "64", "--respawn-failed-workers",
        "--workers-kill-timeout", "10", "--no-ws",
    ]  # fmt: skip


def celery_worker(
    *, application: str = "config", queue: str = "default", processes: int = 1, include: str = ""
) -> list[str]:
    """What runs a worker as `make run` runs the hub's; `include` names a module of further work."""
    return [
        sys.executable, "-m", "celery", "-A", application, "worker", "--loglevel", "INFO",
        "--without-gossip", "--without-mingle", "-Q", queue, "-c", str(processes),
        *(["--include", include] if include else []),
    ]  # fmt: skip


def celery_beat() -> list[str]:
    """What sends the scheduled work, as `make run` starts it."""
    return [sys.executable, "-m", "celery", "-A", "config", "beat", "--loglevel", "INFO", "--pidfile", ""]


def clean_environment(**added: str) -> dict[str, str]:
    """Ours without the settings of a hub: a run must not depend on the shell it starts from."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "HUB_SERVICE_USER", "VIRTUAL_ENV")
    return {name: os.environ[name] for name in kept if name in os.environ} | added
