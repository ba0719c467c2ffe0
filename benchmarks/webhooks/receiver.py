"""The receiver's process, and asking it what it got."""

import base64
import json
import sys
import time
import urllib.request
from dataclasses import dataclass
from typing import Any

from benchmarks.processes import Process, Server, clean_environment, free_port
from benchmarks.stores import Stores
from config.embedded.state import SetUpError

_STALLED_S = 60
_ASK_EVERY_S = 0.1


@dataclass(frozen=True)
class Request:
    """A delivery as it came over the wire; header names in lower case."""

    headers: dict[str, str]
    body: bytes

    @classmethod
    def parse(cls, raw: bytes) -> "Request":
        head, _, body = raw.partition(b"\r\n\r\n")
        lines = [line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:]]
        return cls({name.lower(): value.strip() for name, _, value in lines}, body)


@dataclass(frozen=True)
class Received:
    """What came since the last reset: ids with when each came first (unix seconds), and some requests."""

    requests: int
    arrived: dict[str, float]
    sample: list[Request]

    @property
    def times(self) -> list[float]:
        return sorted(self.arrived.values())


class Receiver(Server):
    """A context: the receiver, listening."""

    def __init__(self, stores: Stores, *, hanging: int = 0) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "benchmarks.webhooks.receiver_program", str(self.port), str(hanging)]
        super().__init__(
            "receiver", command, port=self.port, environment=clean_environment(), log=stores.state.log
        )
        self.hook = f"{self.url}/hooks"

    def reset(self, *, pattern: str, delay_s: float = 0.0) -> None:
        """Begin a count. `pattern` is a regular expression whose first group is a delivery's id."""
        body = json.dumps({"pattern": pattern, "delay_s": delay_s}).encode()
        request = urllib.request.Request(f"{self.url}/reset", body)  # noqa: S310 (our own address)
        with urllib.request.urlopen(request, timeout=10):  # noqa: S310
            pass

    def count(self) -> dict[str, int]:
        """How many requests came, how many different ids, how many connections hang."""
        return self._ask("count")

    def received(self) -> Received:
        """All that came. Raises SetUpError when a delivery had no id."""
        found = self._ask("received")
        if found["unnamed"]:
            raise SetUpError(f"{found['unnamed']} deliveries had no id.")
        sample = [Request.parse(base64.b64decode(raw)) for raw in found["sample"]]
        return Received(found["requests"], found["arrived"], sample)

    def wait_for(self, count: int, *, sender: Process) -> None:
        """Until so many different ids came. Raises SetUpError when nothing more comes for a minute."""
        last, since = -1, time.monotonic()
        while (distinct := self.count()["distinct"]) < count:
            sender.alive()
            if distinct > last:
                last, since = distinct, time.monotonic()
            elif time.monotonic() > since + _STALLED_S:
                raise SetUpError(f"{sender.name} delivered {distinct} of {count} and then nothing more.")
            time.sleep(_ASK_EVERY_S)

    def _ask(self, what: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/{what}", timeout=60) as answer:  # noqa: S310
            return json.load(answer)
