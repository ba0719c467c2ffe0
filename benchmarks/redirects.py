"""Redirects of a smart link beside the floor: the same server with a fixed redirect, and no work."""

import json
import statistics
import time
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.contenders import Program, run_python
from benchmarks.hub import Hub
from benchmarks.load import Measured, load
from benchmarks.peer_programs import peer_environment
from benchmarks.processes import Server, granian
from benchmarks.report import Target, publish, ratio, spread, verdicts
from benchmarks.rounds import CONNECTIONS
from benchmarks.stores import Stores
from config.embedded.state import SetUpError

LEAST_OF_FLOOR, MOST_P50_MS = 0.6, 5.0
# Clicks are shipped every other second: what a run caused is counted with it.
_SETTLE_S = 4.0
_BROWSERS = [
    f"User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/{n}.0.0.0 Safari/537.36"
    for n in range(100, 150)
]


@dataclass
class _Measured:
    title: str
    server: Server
    path: str
    loaded: list[Measured] = field(default_factory=list)
    alone: list[Measured] = field(default_factory=list)
    server_ms: list[float] = field(default_factory=list)
    store_ms: list[float] = field(default_factory=list)

    def measure(self, stores: Stores, seconds: float) -> None:
        """One round. Raises SetUpError for a request without its redirect."""
        url = self.server.url + self.path
        server_before, stores_before = self.server.cpu(), stores.cpu()
        found = load(url, headers=_BROWSERS, connections=CONNECTIONS, seconds=seconds)
        time.sleep(_SETTLE_S)
        if found.refused or found.broken:
            raise SetUpError(f"{self.title}: {found}")
        self.loaded.append(found)
        self.server_ms.append((self.server.cpu().total - server_before.total) * 1000 / found.requests)
        self.store_ms.append((stores.cpu().total - stores_before.total) * 1000 / found.requests)
        self.alone.append(load(url, headers=_BROWSERS, connections=1, seconds=2))

    @property
    def rates(self) -> list[float]:
        return [one.rate for one in self.loaded]


def redirects(*, rounds: int, seconds: float, write: bool) -> None:
    """Measure both in interleaved rounds, see that every click arrived, and report."""
    with Stores() as stores, ExitStack() as running:
        hub = Hub(stores)
        made = json.loads(run_python("-m", "benchmarks.smart_link", environment=hub.environment))
        floor = Program(
            "floor_redirect",
            lambda port: granian("floor.redirect:application", port=port),
            peer_environment(stores, FLOOR_LOCATION=made["location"]),
        )
        contenders = [
            _Measured(title, running.enter_context(program.server(stores)), path)
            for title, program, path in (
                ("**ours: a smart link**", hub.program(), f"/r/{made['code']}"),
                ("floor: the server with a fixed redirect", floor, "/r/floor"),
            )
        ]
        before = 0
        for contender in contenders:
            warm = load(
                contender.server.url + contender.path, headers=_BROWSERS, connections=CONNECTIONS, seconds=2
            )
            before += warm.requests if contender is contenders[0] else 0
        for number in range(rounds):
            for contender in contenders[number % 2 :] + contenders[: number % 2]:
                contender.measure(stores, seconds)
                print(f"  round {number + 1}  {contender.title:40} {contender.rates[-1]:9,.0f}/s", flush=True)
        ours, bare = contenders
        answered = before + sum(one.requests for one in [*ours.loaded, *ours.alone])
        time.sleep(_SETTLE_S)
        with stores.superuser("bench_hub") as connection:
            row = connection.execute("SELECT sum(clicks) FROM rewards_clicks_daily").fetchone()
        counted = int(row[0] or 0) if row else 0
    lines = [
        f"{rounds} rounds of {seconds:g} s each, interleaved, {CONNECTIONS} connections, one link; medians",
        "with smallest and largest round. Server CPU is all of it: the redirect, and shipping its click.",
        "",
        "| | requests a second | ours is … times | p50 / p99 ms | p50 ms, 1 connection | server CPU ms"
        " | stores' CPU ms |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in contenders:
        p50, p99 = (
            statistics.median(getattr(m, name) for m in one.loaded) / 1000 for name in ("p50_us", "p99_us")
        )
        lines.append(
            f"| {one.title} | {spread(one.rates)} | {'' if one is ours else ratio(ours.rates, one.rates)}"
            f" | {p50:.2f} / {p99:.1f} | {statistics.median(m.p50_us for m in one.alone) / 1000:.2f}"
            f" | {spread(one.server_ms, '.3f')} | {statistics.median(one.store_ms):.3f} |"
        )
    share = statistics.median(ours.rates) / statistics.median(bare.rates)
    cpu = statistics.median(bare.server_ms) / statistics.median(ours.server_ms)
    p50_ms = statistics.median(one.p50_us for one in ours.alone) / 1000
    lines += [
        "",
        *verdicts(
            [
                Target("of the floor's redirects", share, LEAST_OF_FLOOR),
                Target("of the floor, by server CPU", cpu, LEAST_OF_FLOOR),
                Target("p50, one connection", p50_ms, MOST_P50_MS, at_most=True, unit=" ms"),
            ]
        ),
        "",
        # wrk leaves requests under way when its time is over: they are redirected and counted, but not by it
        f"Answered: {answered:,}; counted as clicks: {counted:,}"
        f" ({counted - answered:+,}: what was under way when the load stopped).",
    ]
    publish("redirects", lines, write=write)
