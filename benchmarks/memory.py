"""The memory of a web process while it answers."""

from benchmarks.hub import Hub
from benchmarks.load import load
from benchmarks.report import publish
from benchmarks.rounds import CONNECTIONS
from benchmarks.stores import Stores

# What may come on top after the warm-up: allocator and cache noise, no leak.
_ALLOWED = 1.05


def memory(*, requests: int, seconds: float, write: bool) -> None:
    """Read the resident memory of one web process over many requests, and report."""
    warm_up = requests // 10
    with Stores() as stores:
        hub = Hub(stores)
        tenant = hub.tenant_create()
        with hub.program(workers=1).server(stores) as server:
            answered = 0
            found: list[tuple[int, int]] = []
            while answered < warm_up + requests:
                if answered >= warm_up + requests * len(found) / 10:
                    found.append((answered, server.resident_bytes()))
                    print(f"  {answered:8,} requests  {found[-1][1] / 1e6:.1f} MB", flush=True)
                measured = load(
                    server.url + tenant.path, headers=tenant.headers, connections=CONNECTIONS, seconds=seconds
                )
                if measured.refused or measured.broken:
                    raise SystemExit(f"not answered: {measured}")
                answered += measured.requests
            found.append((answered, server.resident_bytes()))
    first, last = found[0], found[-1]
    ratio = last[1] / first[1]
    lines = [
        "| requests answered | resident memory, MB |",
        "| --- | --- |",
        *(f"| {count:,} | {resident / 1e6:.1f} |" for count, resident in found),
        "",
        f"Over {last[0] - first[0]:,} requests it grew by {ratio - 1:.1%}"
        f" ({'flat' if ratio <= _ALLOWED else '**not flat**'}).",
    ]
    publish("memory", lines, write=write)
