"""A partner's receiver: a real HTTP server in threads, whose answers a test scripts."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Received:
    headers: dict[str, str]
    body: bytes

    @property
    def attempt(self) -> int:
        return int(self.headers["x-webhook-attempt"])

    @property
    def id(self) -> str:
        return self.headers["x-webhook-id"]


def status(code: int, body: bytes = b"", **headers: str) -> Callable[[Any], None]:
    """Answer with a status, and headers given as keywords (`retry_after="5"`)."""

    def answer(handler: Any) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


class Receiver:
    """Keeps what it receives; answers with the next of `answers`, the last of them for ever."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: list[Callable[[Any], None]] = [status(200, b"ok")]
        self.stopping = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.received.append(Received(headers, body))
                answers = receiver.answers
                try:
                    (answers.pop(0) if len(answers) > 1 else answers[0])(self)
                except OSError:
                    self.close_connection = True

            do_GET = do_POST

            def log_message(self, *_: Any) -> None: ...

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 512

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/hooks"

    def hang(self, handler: Any) -> None:
        """Say nothing until the test ends."""
        self.stopping.wait(60)

    def drip(self, handler: Any) -> None:
        """Send a byte of the body now and then, for ever."""
        handler.send_response(200)
        handler.end_headers()
        while not self.stopping.wait(0.1):
            handler.wfile.write(b".")

    def drip_headers(self, handler: Any) -> None:
        """Send a header now and then, for ever."""
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not self.stopping.wait(0.1):
            handler.wfile.write(b"X: y\r\n")

    def endless_headers(self, handler: Any) -> None:
        """Send headers as fast as they are taken, for ever."""
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not self.stopping.is_set():
            handler.wfile.write(b"X-Filler: " + b"y" * 4000 + b"\r\n")

    def gigabyte(self, handler: Any) -> None:
        """Announce 1 GB and send it as fast as it is taken."""
        handler.send_response(200)
        handler.send_header("Content-Length", str(2**30))
        handler.end_headers()
        for _ in range(1024):
            handler.wfile.write(bytes(2**20))

    def close(self) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
