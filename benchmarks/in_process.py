"""Calls a WSGI application in this process, as a server would, so that valgrind or a profiler sees only it.

`python -m benchmarks.in_process APPLICATION PATH HEADERS COUNT`; HEADERS is a file of header lines that
take turns. Prints the statuses that were answered, with their number, as JSON. What BENCH_AFTER names
(`module:function`) is called at the end.
"""

import io
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from importlib import import_module
from itertools import cycle, islice
from pathlib import Path
from typing import Any

WARM_UP = 40


def attribute_of(name: str) -> Any:
    """What `module:attribute` names."""
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)


def environ_of(path: str, header: str) -> dict[str, Any]:
    """What granian hands to an application for a GET."""
    name, _, value = header.partition(": ")
    path, _, query = path.partition("?")
    environ = {
        "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_SOFTWARE": "Granian", "REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "127.0.0.1",
        "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr, "wsgi.run_once": False,
        "wsgi.multithread": True, "wsgi.multiprocess": True,
    }  # fmt: skip
    if name:
        environ["HTTP_" + name.upper().replace("-", "_")] = value
    return environ


def call(application: Callable[..., Iterable[bytes]], environ: dict[str, Any]) -> str:
    """One request; answers its status. The body is read and closed, as PEP 3333 asks of a server."""
    statuses: list[str] = []
    body = application(environ, lambda status, headers, exc_info=None: statuses.append(status))
    for _ in body:
        pass
    if hasattr(body, "close"):
        body.close()
    return statuses[0]


def calls(
    application: Callable[..., Iterable[bytes]], path: str, headers: list[str], count: int
) -> Counter[str]:
    """`count` requests in turn; answers the statuses."""
    turns = islice(cycle(headers), count)
    return Counter(call(application, environ_of(path, header)) for header in turns)


def main(name: str, path: str, headers: Path, count: int) -> None:
    application = attribute_of(name)
    lines = headers.read_text().splitlines() or [""]
    calls(application, path, lines, WARM_UP)
    json.dump(calls(application, path, lines, count), sys.stdout)
    if after := os.environ.get("BENCH_AFTER"):
        attribute_of(after)()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
