"""Where the time of one request goes: `python -m benchmarks.profile [--clock wall] [--ungoverned]`.

Runs the list of 20 leads in one process against throw-away stores and prints the shares of layers and
functions, in per cent of the samples. `self`: in the function or in C code that it called; `with`: with
everything below it.
"""

import argparse
import json
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.contenders import Contender, run_python
from benchmarks.hub import Hub, ours
from benchmarks.stores import Stores
from config.embedded.state import CHECKOUT

# By the start of a file's path in the checkout or among the installed packages; the first that fits.
LAYERS = {
    "/benchmarks/": "the benchmark itself",
    "/credentials/usage.py": "governing: log row",
    "/credentials/limits.py": "governing: limit",
    "/credentials/viewsets.py": "our view",
    "/credentials/": "governing: credential, scope, headers",
    "/leads/": "our view",
    "/config/tenancy.py": "row-level security's context",
    "/config/": "our view",
    "/redis/": "redis client",
    "/hiredis/": "redis client",
    "/rest_framework/": "Django REST framework",
    "/psycopg_pool/": "connection pool",
    "/psycopg/": "psycopg",
    "/django/db/": "Django: database",
    "/django/": "Django: request, response, addresses",
    "/asgiref/": "Django: request, response, addresses",
    "/structlog/": "structlog",
}


def profile(*, requests: int, clock: str, ungoverned: bool, top: int) -> None:
    """Print layers and functions."""
    with Stores() as stores:
        hub = Hub(stores)
        governed, _, bare = ours(hub, hub.tenant_create(keys=20))
        stacks = _sample(bare if ungoverned else governed, requests, clock)
    total = sum(stacks.values())
    layers: Counter[str] = Counter()
    alone: Counter[str] = Counter()
    within: Counter[str] = Counter()
    for stack, times in stacks.items():
        if stack:
            layers[_layer(stack)] += times
            alone[stack[0]] += times
        for function in set(stack):
            within[function] += times
    print(f"\n{requests:,} requests, {total:,} samples of the {clock} clock\n\n  self  layer")
    for layer, times in layers.most_common():
        print(f"{times / total:6.1%}  {layer}")
    for title, order in (("self", alone), ("with", within)):
        print(f"\n  self    with  function, by {title}")
        for function, _ in order.most_common(top):
            print(f"{alone[function] / total:6.1%}  {within[function] / total:6.1%}  {_short(function)}")


def _sample(contender: Contender, requests: int, clock: str) -> dict[tuple[str, ...], int]:
    with tempfile.TemporaryDirectory(prefix="hub-bench-") as directory:
        headers = Path(directory, "headers")
        headers.touch(mode=0o600)
        headers.write_text("".join(f"{header}\n" for header in contender.headers))
        arguments = (contender.program.wsgi, contender.path, str(headers), str(requests), clock)
        environment = contender.program.environment | {"USAGE_SHIP_EVERY_S": "0"}
        printed = run_python("-m", "benchmarks.sampling", *arguments, environment=environment)
    return {tuple(stack): times for stack, times in json.loads(printed)}


def _layer(stack: tuple[str, ...]) -> str:
    """The layer of the innermost function that is not the standard library's."""
    for function in stack:
        library = function.rpartition("/site-packages")[2] if "/site-packages/" in function else ""
        if library or function.startswith(str(CHECKOUT)):
            path = library or function.removeprefix(str(CHECKOUT))
            return next((layer for part, layer in LAYERS.items() if path.startswith(part)), "other libraries")
    return "the benchmark itself"


def _short(function: str) -> str:
    return function.rpartition("site-packages/")[2].removeprefix(f"{CHECKOUT}/")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile", description=__doc__)
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--clock", choices=("cpu", "wall"), default="cpu")
    parser.add_argument("--ungoverned", action="store_true", help="with governing switched off")
    parser.add_argument("--top", type=int, default=30)
    given = parser.parse_args()
    profile(requests=given.requests, clock=given.clock, ungoverned=given.ungoverned, top=given.top)
