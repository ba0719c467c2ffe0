"""`make run`: set up everything, serve, and stop cleanly."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from config.embedded import provision, secrets_file
from config.embedded.postgres import Postgres
from config.embedded.program import end, leftovers
from config.embedded.state import CHECKOUT, SetUpError, State
from config.embedded.supervision import (
    APPLICATION,
    Supervisor,
    application_commands,
    last_lines,
)
from config.embedded.valkey import Valkey

DATABASE = "hub"


class Stopped(Exception):
    """A signal asked us to end."""


@dataclass
class Installation:
    """A checkout's servers and settings, from `var/`, `.env` and the environment."""

    state: State
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        file = secrets_file.read(CHECKOUT / ".env")
        self.environment = {**file, **os.environ}
        self.postgres = None if "DATABASE_URL" in self.environment else Postgres(self.state)
        self.valkey = None if "REDIS_URL" in self.environment else Valkey(self.state)
        self.host = self.environment.get("HOST") or "127.0.0.1"
        self.port = self.environment.get("PORT") or "8000"
        shown = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104 (compared)
        self.url = f"http://{shown}:{self.port}"

    def settle(self) -> None:
        """Secrets, roles and addresses: everything the programs are told."""
        given = self.environment
        kept = secrets_file.ensure(self.state.root / "secrets.env", given=given)
        self.environment = {
            "DJANGO_SETTINGS_MODULE": "config.settings.dev",
            **kept,
            **given,
            "HUB_STATE": str(self.state.root),
            "HUB_URL": self.url,
            "PYTHONUNBUFFERED": "1",
        }
        if self.valkey:
            self.environment["REDIS_URL"] = self.valkey.url()
        self.environment |= self._logins()

    def _logins(self) -> dict[str, str]:
        if self.postgres:
            logins = provision.provision(self.postgres.url(), database=DATABASE)
        else:
            url = self.environment["DATABASE_URL"]
            if not provision.may_administer(url):
                if "DATABASE_OWNER_URL" not in self.environment:
                    raise SetUpError(
                        "DATABASE_URL's role may not create roles, so it is taken as the application"
                        " role: set DATABASE_OWNER_URL, which migrates, too."
                    )
                return {}
            logins = provision.provision(
                url,
                database=provision.database_of(url),
                password_file=self.state.root / "database.env",
            )
        return {"DATABASE_URL": logins.application, "DATABASE_OWNER_URL": logins.owner}

    def manage(self, *arguments: str) -> None:
        """Run a management command. Raises SetUpError with its output."""
        done = subprocess.run(  # noqa: S603 (our own command)
            [sys.executable, "manage.py", *arguments],
            cwd=CHECKOUT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        (self.state.log / "setup.log").write_text(done.stdout)
        if done.returncode:
            raise SetUpError(f"manage.py {' '.join(arguments)} failed:\n{done.stdout[-3000:]}")


def run(state: State) -> int:
    """Set up and serve until a signal comes; answers the exit code."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _stop)
    # compiled modules make the next start quicker
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with state.lock():
        installation = Installation(state)
        # the lock is ours, so whatever still lives was left by a supervisor that was killed
        end(leftovers(f":{state.key}"), grace_s=30)
        _port_is_free(installation)
        supervisor = Supervisor(state)
        try:
            _start(installation, supervisor)
            print(_banner(installation), flush=True)
            while supervisor.is_running():
                time.sleep(0.5)
            raise SetUpError(f"supervisord ended.\n{last_lines(state.log / 'supervisord.log')}")
        except Stopped:
            print("\nStopping…", flush=True)
            return 0
        finally:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            supervisor.stop()
            for name in ("address", "environment"):
                (state.run / name).unlink(missing_ok=True)


def _start(installation: Installation, supervisor: Supervisor) -> None:
    state = installation.state
    stores = {"postgres": installation.postgres, "valkey": installation.valkey}
    programs = application_commands(state, host=installation.host, port=installation.port)
    for name, store in stores.items():
        if store:
            store.prepare()
            programs[name] = store.command()
    supervisor.start(programs)
    for name, store in stores.items():
        if store:
            supervisor.begin(name)
    for name, store in stores.items():
        if store:
            supervisor.wait_ready(name, store.is_ready, seconds=60)
    installation.settle()
    write_environment(installation)
    installation.manage("prepare", "--url", installation.url)
    for name in APPLICATION:
        supervisor.begin(name)
    supervisor.wait_ready("web", lambda: is_ready(installation.url), seconds=60)


def write_environment(installation: Installation) -> None:
    """Keep what the programs are told, for them and for other shells of the same person."""
    file = installation.state.run / "environment"
    file.touch(mode=0o600)
    names = (
        "DJANGO_SETTINGS_MODULE", "DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "HUB_STATE",
        "HUB_URL", "SECRET_KEY", "CREDENTIAL_HASH_KEY", "FIELD_ENCRYPTION_KEY", "WEBHOOK_SECRET",
    )  # fmt: skip
    values = installation.environment
    file.write_text("".join(f"{name}='{values[name]}'\n" for name in names if name in values))
    (installation.state.run / "address").write_text(installation.url)


def is_ready(url: str) -> bool:
    """Whether the web process says that it may serve."""
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=5) as answer:  # noqa: S310 (our own address)
            return bool(answer.status == 200)
    except OSError:
        return False


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stopped


def _port_is_free(installation: Installation) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((installation.host, int(installation.port)))
        except OSError as error:
            raise SetUpError(
                f"Port {installation.port} is taken; choose another: make run PORT=8001 ({error.strerror})"
            ) from error


def _banner(installation: Installation) -> str:
    demo = secrets_file.read(Path(installation.state.root) / "demo.env")
    return f"""
  Partner Hub is ready.

  Dashboard   {installation.url}/dashboard/
  Sign in     {demo.get("HUB_ADMIN_EMAIL")}  ·  {demo.get("HUB_ADMIN_PASSWORD")}
  Try it      curl -s -H "x-partner-api-key: {demo.get("HUB_KEY")}" {installation.url}/api/partner/v1/health
  Values      set -a; . var/demo.env   (README's examples use them)
  Logs        var/log/      Stop with Ctrl-C
"""
