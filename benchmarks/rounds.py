"""Interleaved rounds: A B C, A B C, so that a slow minute of the machine meets every contender."""

import time
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.contenders import Contender
from benchmarks.load import Measured, load
from benchmarks.processes import Server
from benchmarks.stores import Stores
from config.embedded.state import SetUpError

CONNECTIONS = 16
# The hub ships its log rows each second: what a run caused is counted with it.
_SETTLE_S = 1.5


@dataclass
class Outcome:
    """What one contender did, a value for each round."""

    contender: Contender
    loaded: list[Measured] = field(default_factory=list)
    alone: list[Measured] = field(default_factory=list)
    server_cpu_ms: list[float] = field(default_factory=list)
    store_cpu_ms: list[float] = field(default_factory=list)
    instructions: int = 0

    @property
    def rates(self) -> list[float]:
        return [measured.rate for measured in self.loaded]


def rounds_run(stores: Stores, contenders: list[Contender], *, rounds: int, seconds: float) -> list[Outcome]:
    """Start every server, check every answer, and measure in rounds.

    Raises SetUpError when a contender answers anything but what it should.
    """
    outcomes = [Outcome(contender) for contender in contenders]
    with ExitStack() as stack:
        servers: dict[str, Server] = {}
        for contender in contenders:
            if contender.program.name not in servers:
                servers[contender.program.name] = stack.enter_context(contender.program.server(stores))
        rows = None
        for contender in contenders:
            server = servers[contender.program.name]
            if contender.status == 429:
                load(server.url + contender.path, headers=contender.headers, connections=1, seconds=1)
            # the floor's body is a stored answer of the hub's, so every 200 has the same rows
            rows = contender.check(server.url, rows) or rows
            _warm(contender, server)
        for number in range(rounds):
            # another one first each time, so that nobody always follows the same neighbour
            turn = number % len(outcomes)
            for outcome in outcomes[turn:] + outcomes[:turn]:
                _measure(outcome, servers[outcome.contender.program.name], stores, seconds)
                print(
                    f"  round {number + 1}  {outcome.contender.name:12} {outcome.rates[-1]:9,.0f}/s",
                    flush=True,
                )
        for outcome in outcomes:
            if outcome.contender.status == 200:
                outcome.contender.check(servers[outcome.contender.program.name].url, rows)
    return outcomes


def _warm(contender: Contender, server: Server) -> None:
    """Until each process has seen (nearly) every key, or ten seconds have passed."""
    answered, deadline = 0, time.monotonic() + 10
    while answered < 8 * len(contender.headers) and time.monotonic() < deadline:
        url, headers = server.url + contender.path, contender.headers
        answered += load(url, headers=headers, connections=CONNECTIONS, seconds=2).requests


def _measure(outcome: Outcome, server: Server, stores: Stores, seconds: float) -> None:
    url, headers = server.url + outcome.contender.path, outcome.contender.headers
    load(url, headers=headers, connections=CONNECTIONS, seconds=1)
    time.sleep(_SETTLE_S)
    server_before, stores_before = server.cpu(), stores.cpu()
    measured = load(url, headers=headers, connections=CONNECTIONS, seconds=seconds)
    time.sleep(_SETTLE_S)
    _answered(outcome.contender, measured)
    outcome.loaded.append(measured)
    server_s = server.cpu().total - server_before.total
    store_s = stores.cpu().total - stores_before.total
    outcome.server_cpu_ms.append(server_s * 1000 / measured.requests)
    outcome.store_cpu_ms.append(store_s * 1000 / measured.requests)
    outcome.alone.append(load(url, headers=headers, connections=1, seconds=2))


def _answered(contender: Contender, measured: Measured) -> None:
    refused = measured.refused
    # a key of one request a minute is admitted once in a while
    as_asked = measured.requests - refused <= 2 if contender.status == 429 else refused == 0
    if measured.broken or not as_asked:
        raise SetUpError(
            f"{contender.name}: of {measured.requests} requests {refused} were refused,"
            f" {measured.broken} had no answer."
        )
