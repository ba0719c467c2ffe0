"""How the list's cost grows with a tenant's rows and with the depth of the page."""

import json
import statistics
import urllib.parse
import urllib.request

from benchmarks.hub import Hub, Tenant
from benchmarks.load import load
from benchmarks.report import publish, spread
from benchmarks.stores import Stores

SMALL, LARGE = 1_000, 1_000_000
PAGE = 20
DEEP = LARGE // PAGE
# The issue's: flat within this.
_ALLOWED = 1.20


def growth(*, rounds: int, seconds: float, write: bool) -> None:
    """Measure three pages in interleaved rounds over one connection, and report."""
    with Stores() as stores:
        hub = Hub(stores)
        print(f"Loading {LARGE:,} rows…", flush=True)
        small = hub.tenant_create("Small", leads=SMALL)
        large = hub.tenant_create("Large", leads=LARGE)
        with hub.program(workers=1).server(stores) as server:
            deep = large.path + f"&cursor={urllib.parse.quote(_cursor(server.url, large))}"
            pages = {
                f"{SMALL:,} rows, page 1": (small, small.path),
                f"{LARGE:,} rows, page 1": (large, large.path),
                f"{LARGE:,} rows, page {DEEP:,} by cursor": (large, deep),
            }
            for tenant, path in pages.values():
                load(server.url + path, headers=tenant.headers, connections=1, seconds=3)
            found: dict[str, list[float]] = {title: [] for title in pages}
            for number in range(rounds):
                for title, (tenant, path) in pages.items():
                    measured = load(server.url + path, headers=tenant.headers, connections=1, seconds=seconds)
                    if measured.refused or measured.broken:
                        raise SystemExit(f"{title}: {measured}")
                    found[title].append(measured.p50_us / 1000)
                    print(f"  round {number + 1}  {title:40} {found[title][-1]:.2f} ms", flush=True)
    base = statistics.median(next(iter(found.values())))
    lines = [
        f"One connection, one web process, {rounds} rounds of {seconds:g} s each, interleaved.",
        "",
        "| page of 20 leads | p50 ms | times the first | |",
        "| --- | --- | --- | --- |",
    ]
    for title, values in found.items():
        ratio = statistics.median(values) / base
        verdict = "flat" if ratio <= _ALLOWED else f"**not within {_ALLOWED - 1:.0%}**"
        if title.startswith(f"{SMALL:,} "):
            verdict = ""
        lines.append(f"| {title} | {spread(values, '.2f')} | {ratio:.2f} | {verdict} |")
    publish("growth", lines, write=write)


def _cursor(url: str, tenant: Tenant) -> str:
    """The cursor of the last page, which the page before it answers."""
    name, _, key = tenant.headers[0].partition(": ")
    address = f"{url}{tenant.path}&limit={PAGE}&page={DEEP - 1}"
    request = urllib.request.Request(address, headers={name: key})  # noqa: S310 (our own address)
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        cursor: str = json.load(answer)["pagination"]["nextCursor"]
    return cursor
