"""A local server that behaves as Stripe's transfers API does, also towards the same key twice.

It keeps its transfers in a file, so that it is asked by several processes and outlives none of them. A sender
may be killed at the worst moment: when the transfer is made and the answer is on its way.
"""

import json
import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "sk_test_123"


class StripeServer:
    """`transfers` are those that were made. `answers` are statuses to give first, None to hang up after it.

    `kill` is the id of a process that is killed once its transfer is made, before it hears of it.
    """

    def __init__(self) -> None:
        self.transfers: list[dict[str, Any]] = []
        self.requests: list[tuple[str, str]] = []
        self.answers: list[int | None] = []
        self.kill: int | None = None
        self.forgets_keys = False
        self._by_key: dict[str, tuple[dict[str, list[str]], dict[str, Any]]] = {}
        self._lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                server._post(self, parse_qs(body))

            def do_GET(self) -> None:
                server._get(self, parse_qs(urlsplit(self.path).query))

            def log_message(self, *_: Any) -> None:
                """Nothing: the tests look at `requests`."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def _post(self, handler: BaseHTTPRequestHandler, form: dict[str, list[str]]) -> None:
        key = handler.headers.get("Idempotency-Key", "")
        self.requests.append(("POST", key))
        if handler.headers.get("Authorization") != f"Bearer {KEY}":
            return self._answer(handler, 401, {"error": {"message": "Invalid API Key provided"}})
        assert handler.path == "/v1/transfers"
        assert handler.headers["Content-Type"] == "application/x-www-form-urlencoded"
        assert {"amount", "currency", "destination", "transfer_group"} <= form.keys()
        status = self.answers.pop(0) if self.answers else 200
        if status is not None and status != 200:
            return self._answer(handler, status, {"error": {"message": "No such destination"}})
        with self._lock:
            known = None if self.forgets_keys else self._by_key.get(key)
            if known and known[0] != form:
                return self._answer(handler, 400, {"error": {"type": "idempotency_error"}})
            made = known[1] if known else self._make(key, form)
        if status is None:
            if self.kill:
                os.kill(self.kill, signal.SIGKILL)
            handler.connection.close()
            return None
        return self._answer(handler, 200, made)

    def _make(self, key: str, form: dict[str, list[str]]) -> dict[str, Any]:
        made = {
            "id": f"tr_{len(self.transfers) + 1}",
            "object": "transfer",
            "amount": int(form["amount"][0]),
            "currency": form["currency"][0],
            "destination": form["destination"][0],
            "transfer_group": form["transfer_group"][0],
        }
        self.transfers.append(made)
        self._by_key[key] = (form, made)
        return made

    def _get(self, handler: BaseHTTPRequestHandler, query: dict[str, list[str]]) -> None:
        group = query["transfer_group"][0]
        self.requests.append(("GET", group))
        found = [one for one in self.transfers if one["transfer_group"] == group]
        self._answer(handler, 200, {"object": "list", "data": found, "has_more": False})

    def _answer(self, handler: BaseHTTPRequestHandler, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)
