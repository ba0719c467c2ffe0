"""The receiver, written to keep up with any sender: counts what is posted to it, and answers after a delay.

`python -m benchmarks.webhooks.receiver_program PORT HANGING`: listens on 127.0.0.1, and on as many further
loopback addresses (`hanging_host`) where it reads and never answers. `POST /reset` begins a count,
`GET /count` and `GET /received` tell of it; any other POST is a delivery.
"""

import asyncio
import base64
import gc
import json
import re
import sys
import time
from dataclasses import dataclass, field

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"
_SAMPLE_EVERY = 97


def hanging_host(number: int) -> str:
    """The loopback address of a hanging endpoint, counted from 0."""
    return f"127.0.{1 + number // 250}.{1 + number % 250}"


@dataclass
class _Count:
    """What came since the last reset; `pattern` finds a delivery's id in its head or body."""

    pattern: re.Pattern[bytes] = re.compile(rb"$^")
    delay_s: float = 0.0
    requests: int = 0
    unnamed: int = 0
    hanging: int = 0
    arrived: dict[bytes, float] = field(default_factory=dict)
    sample: list[bytes] = field(default_factory=list)

    def add(self, request: bytes) -> None:
        self.requests += 1
        found = self.pattern.search(request)
        if found is None:
            self.unnamed += 1
            return
        self.arrived.setdefault(found[1], time.time())
        if self.requests % _SAMPLE_EVERY == 1:
            self.sample.append(request)

    def figures(self) -> dict[str, object]:
        return {"requests": self.requests, "distinct": len(self.arrived), "hanging": self.hanging}

    def all(self) -> dict[str, object]:
        return self.figures() | {
            "unnamed": self.unnamed,
            "arrived": {key.decode(): at for key, at in self.arrived.items()},
            "sample": [base64.b64encode(request).decode() for request in self.sample],
        }


class Connection(asyncio.Protocol):
    """One connection with requests one after the other; their bodies have a Content-Length."""

    count = _Count()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._unread = b""

    def data_received(self, data: bytes) -> None:
        unread = self._unread + data
        while (head := unread.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(unread, 0, head)
            end = head + 4 + (int(length[1]) if length else 0)
            if len(unread) < end:
                break
            self._request(unread[:end], head + 4)
            unread = unread[end:]
        self._unread = unread

    def _request(self, request: bytes, body: int) -> None:
        count = Connection.count
        if request.startswith((b"POST /reset ", b"GET ")):
            self._control(request, body)
            return
        count.add(request)
        if count.delay_s:
            self._loop.call_later(count.delay_s, self._transport.write, _OK)
        else:
            self._transport.write(_OK)

    def _control(self, request: bytes, body: int) -> None:
        answer: dict[str, object] = {}
        if request.startswith(b"POST"):
            asked = json.loads(request[body:])
            Connection.count = _Count(re.compile(asked["pattern"].encode(), re.IGNORECASE), asked["delay_s"])
        elif request.startswith(b"GET /received "):
            answer = Connection.count.all()
        else:
            answer = Connection.count.figures()
        text = json.dumps(answer).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(text)
        self._transport.write(head + text)


class HangingConnection(asyncio.Protocol):
    """Takes what comes and says nothing."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        Connection.count.hanging += 1


async def main(port: int, hanging: int) -> None:
    loop = asyncio.get_running_loop()
    gc.disable()  # nothing here is cyclic, and a collection would be a pause
    server = await loop.create_server(Connection, "127.0.0.1", port, backlog=4096)
    if hanging:
        hosts = [hanging_host(number) for number in range(hanging)]
        await loop.create_server(HangingConnection, hosts, port, backlog=64)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
