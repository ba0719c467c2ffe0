"""supervisord (the PyPI package) over everything `make run` starts."""

import os
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable
from pathlib import Path

from supervisor.xmlrpc import SupervisorTransport

from config.embedded.program import command_line
from config.embedded.state import CHECKOUT, SetUpError, State

# Started in this order and stopped in the reverse one: nothing loses its stores while it drains.
_PRIORITIES = {
    "postgres": 10,
    "valkey": 10,
    "web": 30,
    "worker": 40,
    "analysis": 40,
    "scheduler": 50,
}
APPLICATION = ("web", "worker", "analysis", "scheduler")


def application_commands(state: State, *, host: str, port: str) -> dict[str, list[str]]:
    """The programs of the product: web, the two kinds of workers, the scheduler."""
    python = sys.executable
    celery = [python, "-m", "celery", "-A", "config"]
    worker = [*celery, "worker", "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
    beat = [*celery, "beat", "--loglevel", "INFO", "--pidfile", ""]
    programs = {
        "web": [
            python, "-m", "granian", "--interface", "wsgi", "config.wsgi:application",
            "--host", host, "--port", port, "--workers", os.environ.get("WEB_WORKERS", "2"),
            "--blocking-threads", os.environ.get("WEB_THREADS", "3"), "--backpressure", "64",
            "--respawn-failed-workers", "--workers-kill-timeout", "10", "--no-ws",
        ],
        "worker": [*worker, "-Q", "default", "-c", "2", "-n", f"worker-{state.key}@%h"],
        "analysis": [*worker, "-Q", "analysis", "-c", "1", "-n", f"analysis-{state.key}@%h"],
        "scheduler": beat,
    }  # fmt: skip
    # the stores' addresses are known once they run, after supervisord started
    settings = str(state.run / "environment")
    return {
        name: command_line(f"{name}:{state.key}", command, settings=settings)
        for name, command in programs.items()
    }


def configuration(state: State, programs: dict[str, list[str]]) -> Path:
    """Write supervisord's file for these programs and answer its path."""
    socket = state.supervisor_socket
    sections = [
        "[unix_http_server]",
        f"file={_plain(socket)}",
        "chmod=0700",
        "[supervisord]",
        f"logfile={_plain(state.log / 'supervisord.log')}",
        f"pidfile={_plain(state.run / 'supervisord.pid')}",
        "nodaemon=true",
        "silent=true",
        # we ask for the user of each program ourselves
        *(["user=root"] if os.geteuid() == 0 else []),
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
    ]
    for name, command in programs.items():
        own = name not in APPLICATION
        sections += [
            f"[program:{name}]",
            f"command={' '.join(_quoted(word) for word in command)}",
            f"directory={_plain(CHECKOUT)}",
            f"priority={_PRIORITIES[name]}",
            "autostart=false",
            "autorestart=true",
            "startsecs=2",
            "startretries=1000000",
            f"stopsignal={'INT' if name == 'postgres' else 'TERM'}",
            "stopwaitsecs=65",
            # a stopped master takes its children along
            f"killasgroup={'false' if own else 'true'}",
            "redirect_stderr=true",
            f"stdout_logfile={_plain(state.log / f'{name}.log')}",
            "stdout_logfile_maxbytes=10MB",
            "stdout_logfile_backups=2",
        ]
    file = state.run / "supervisord.conf"
    file.write_text("\n".join(sections) + "\n")
    return file


class Supervisor:
    """A supervisord that we started, and asking it over its socket."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.process: subprocess.Popen[bytes] | None = None
        transport = SupervisorTransport(None, None, f"unix://{state.supervisor_socket}")
        self.ask = xmlrpc.client.ServerProxy("http://supervisor", transport=transport).supervisor

    def start(self, programs: dict[str, list[str]]) -> None:
        """Start supervisord; its programs wait for `begin`."""
        self.state.supervisor_socket.unlink(missing_ok=True)
        file = configuration(self.state, programs)
        command = [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(file)]
        self.process = subprocess.Popen(  # noqa: S603 (our own command)
            command_line(f"supervisord:{self.state.key}", command),
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            # Ctrl-C reaches us alone; we stop the others in order
            start_new_session=True,
        )
        self._wait(lambda: self.state.supervisor_socket.exists(), "supervisord", 20)

    def begin(self, name: str) -> None:
        """Start one program."""
        self.ask.startProcess(name, False)

    def wait_ready(self, name: str, is_ready: Callable[[], bool], *, seconds: float) -> None:
        """Wait until a program answers. Raises SetUpError with the end of its log."""
        self._wait(is_ready, name, seconds)

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """Stop every program in order, then supervisord. Safe to call twice."""
        if self.process is None:
            return
        if self.is_running():
            self.process.terminate()
            try:
                self.process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()

    def _wait(self, is_ready: Callable[[], bool], name: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not is_ready():
            if not self.is_running() or time.monotonic() > deadline:
                raise SetUpError(f"{name} did not start.\n{last_lines(self.state.log / f'{name}.log')}")
            time.sleep(0.05)


def last_lines(file: Path, count: int = 20) -> str:
    """The end of a log, for a person."""
    if not file.exists():
        return f"(no log at {file.name})"
    return "\n".join(file.read_text(errors="replace").splitlines()[-count:])


def _plain(path: Path) -> str:
    # supervisord expands %(…)s and %% in values
    return str(path).replace("%", "%%")


def _quoted(word: str) -> str:
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%") + '"'
