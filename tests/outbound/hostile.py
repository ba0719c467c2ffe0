"""A server that answers as it likes: each behaviour speaks bytes on the accepted connection."""

import gzip
import socket
import socketserver
import ssl
import struct
import threading
import zlib
from collections.abc import Callable
from typing import Any

import brotli

MEGABYTE = 2**20


class Conversation:
    """One accepted connection, its request already read."""

    def __init__(self, server: "HostileServer", connection: socket.socket) -> None:
        self._server, self._connection = server, connection
        self.stopping = server.stopping

    def say(self, data: bytes) -> None:
        """Raises OSError once the client has gone."""
        self._connection.sendall(data)
        self._server.said += len(data)

    def for_ever(self, data: bytes, every_s: float = 0) -> None:
        """Repeat `data` until the client goes or the test ends."""
        while not self.stopping.wait(every_s):
            self.say(data)

    def reset(self) -> None:
        """End with RST in place of FIN."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.close()


Behaviour = Callable[[Conversation], None]


class HostileServer:
    """Listens on this machine; keeps the raw requests it got and counts the bytes it said."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.behaviour: Behaviour = says(ok())
        self.requests: list[bytes] = []
        self.said = 0
        self.stopping = threading.Event()
        hostile = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                try:
                    connection = tls.wrap_socket(self.request, server_side=True) if tls else self.request
                    with connection:
                        while request := _request(connection):
                            hostile.requests.append(request)
                            hostile.behaviour(Conversation(hostile, connection))
                            if b"keep-alive" not in hostile.last_words:
                                break
                except OSError:
                    return

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self.last_words = b""
        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}/"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()


def _request(connection: socket.socket) -> bytes:
    """The next request, head and body; empty when the client has gone."""
    got = b""
    while b"\r\n\r\n" not in got:
        piece = connection.recv(65_536)
        if not piece:
            return b""
        got += piece
        if got[0] == 0x16:  # a TLS hello, and this server speaks none
            return got
    head, _, body = got.partition(b"\r\n\r\n")
    length = next(
        (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
    )
    while len(body) < length:
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


def ok(body: bytes = b"ok", *headers: str, status: str = "200 OK") -> bytes:
    """A whole and honest answer."""
    return head(f"Content-Length: {len(body)}", *headers, status=status) + body


def head(*headers: str, status: str = "200 OK") -> bytes:
    lines = (f"HTTP/1.1 {status}", *headers, "", "")
    return "\r\n".join(lines).encode("latin-1")


def says(data: bytes) -> Behaviour:
    """Say it and close."""
    return lambda peer: peer.say(data)


def goes_on(start: bytes, piece: bytes, every_s: float = 0) -> Behaviour:
    """Say `start`, then `piece` for ever."""

    def behaviour(peer: Conversation) -> None:
        peer.say(start)
        peer.for_ever(piece, every_s)

    return behaviour


def stops(start: bytes) -> Behaviour:
    """Say `start`, then nothing more, and hold the connection."""

    def behaviour(peer: Conversation) -> None:
        peer.say(start)
        peer.stopping.wait(60)

    return behaviour


def resets(start: bytes) -> Behaviour:
    def behaviour(peer: Conversation) -> None:
        peer.say(start)
        peer.reset()

    return behaviour


def bomb(coding: str) -> bytes:
    """An answer of a few hundred kilobytes that unpacks to 64 MB of zeros or more."""
    zeros = bytes(64 * MEGABYTE)
    packed: dict[str, Callable[[], Any]] = {
        "gzip": lambda: gzip.compress(zeros),
        "deflate": lambda: zlib.compress(zeros),
        "br": lambda: brotli.compress(zeros, quality=4),
        "gzip, gzip": lambda: gzip.compress(gzip.compress(zeros)),
        ", ".join(["gzip"] * 20): lambda: gzip.compress(zeros),
    }
    return ok(packed[coding](), f"Content-Encoding: {coding}")
