"""Where a checkout keeps its servers, and as whom they run."""

import fcntl
import hashlib
import os
import pwd
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
# Linux allows 108 bytes for a socket's path, macOS 104, the file's name included.
_SOCKET_PATH_BYTES = 100


class SetUpError(Exception):
    """Something this machine lacks; the message names it and its remedy in one line."""


@dataclass(frozen=True)
class State:
    """One directory of servers: `var/` of a checkout, or a temporary one of a test run."""

    root: Path

    @cached_property
    def key(self) -> str:
        return hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]

    @cached_property
    def service_user(self) -> pwd.struct_passwd | None:
        """As whom PostgreSQL runs when we are root, which it refuses to run as."""
        if os.geteuid() != 0:
            return None
        name = os.environ.get("HUB_SERVICE_USER", "nobody")
        try:
            return pwd.getpwnam(name)
        except KeyError:
            raise SetUpError(
                f"There is no user {name!r} for PostgreSQL to run as; set HUB_SERVICE_USER to one."
            ) from None

    @cached_property
    def postgres(self) -> Path:
        """PostgreSQL's directory; elsewhere when its user cannot come through our folders."""
        here = self.root / "postgres"
        if here.is_symlink():
            return here.resolve()
        if here.exists() or self.service_user is None or _open_to_others(self.root):
            return here
        # a new place for each new var/: what a removed checkout left must not come back to life
        places = Path("/var/lib/partner-hub")
        places.mkdir(parents=True, exist_ok=True, mode=0o755)
        elsewhere = Path(tempfile.mkdtemp(prefix=f"{self.key}-", dir=places))
        here.symlink_to(elsewhere)
        return elsewhere

    @property
    def valkey(self) -> Path:
        return self.root / "valkey"

    @property
    def log(self) -> Path:
        return self.root / "log"

    @property
    def run(self) -> Path:
        return self.root / "run"

    def socket(self, directory: Path, name: str) -> Path:
        """`directory/name`, or a short path of our own where that is too long for a socket."""
        if len(os.fsencode(directory / name)) < _SOCKET_PATH_BYTES:
            return directory / name
        return Path(tempfile.gettempdir()) / f"hub-{os.geteuid()}-{self.key}-{directory.name}" / name

    @property
    def postgres_socket(self) -> Path:
        """The directory of PostgreSQL's socket."""
        return self.socket(self.postgres / "socket", ".s.PGSQL.5432").parent

    @property
    def valkey_socket(self) -> Path:
        return self.socket(self.valkey, "valkey.sock")

    @property
    def supervisor_socket(self) -> Path:
        return self.socket(self.run, "supervisor.sock")

    def make(self) -> None:
        """Create the directories. Raises SetUpError where that is not allowed."""
        try:
            # others may pass, so that PostgreSQL's user can; the directories inside are closed
            self.root.mkdir(parents=True, exist_ok=True, mode=0o711)
            self.root.chmod(0o711)
            for directory in (self.valkey, self.log, self.run):
                private(directory)
        except PermissionError as error:
            raise SetUpError(
                f"{self.root} cannot be written; run as its owner or change its permissions."
            ) from error

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the directory; a second holder is refused with SetUpError, a dead one is not in the way."""
        self.make()
        with (self.run / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise SetUpError(
                    "This checkout is running already; `make status` shows where, `make stop` ends it."
                ) from None
            yield


def private(directory: Path, owner: pwd.struct_passwd | None = None) -> None:
    """Make `directory` readable by its owner only. Raises SetUpError when somebody else has it."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    if directory.is_symlink() and directory.parent == Path(tempfile.gettempdir()):
        raise SetUpError(f"{directory} is a link; remove it.")
    if owner:
        os.chown(directory, owner.pw_uid, owner.pw_gid)
    directory.chmod(0o700)


def _open_to_others(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in path.parents)
