"""`python -m benchmarks`: run the benchmarks of docs/performance.md, and write their results there."""

import argparse
import signal
import sys
from types import FrameType

from benchmarks import instructions, peer_programs
from benchmarks.availability import availability
from benchmarks.contenders import Contender
from benchmarks.growth import growth
from benchmarks.hub import Hub, Tenant, ours
from benchmarks.jobs.run import PARTS as JOB_PARTS
from benchmarks.jobs.run import jobs
from benchmarks.ledger.run import ENTRIES, ledger
from benchmarks.load import wrk_path
from benchmarks.memory import memory
from benchmarks.redirects import redirects
from benchmarks.report import table_report
from benchmarks.rounds import rounds_run
from benchmarks.stores import Stores
from benchmarks.webhooks.run import PARTS as WEBHOOK_PARTS
from benchmarks.webhooks.run import webhooks
from config.embedded.state import SetUpError

PARTS = ("table", "growth", "availability", "memory", "redirects", "webhooks", "jobs", "ledger")
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def table(*, rounds: int, seconds: float, only: set[str], count: bool, write: bool) -> None:
    """The governed request beside its peers."""
    with Stores() as stores:
        print("Loading…", flush=True)
        hub = Hub(stores)
        chosen = contenders(stores, hub, hub.tenant_create(), only)
        outcomes = rounds_run(stores, chosen, rounds=rounds, seconds=seconds)
        for outcome in outcomes if count else ():
            outcome.instructions = instructions.instructions_of(outcome.contender)
            print(f"  {outcome.contender.name:12} {outcome.instructions:12,} instructions", flush=True)
    table_report(outcomes, rounds=rounds, seconds=seconds, write=write)


def contenders(stores: Stores, hub: Hub, tenant: Tenant, only: set[str]) -> list[Contender]:
    """Those that take part; with `only`, those of these names."""
    found = ours(hub, tenant)
    peer_programs.peers_create(stores, tenant)
    if not only or {"p1_gunicorn", "p1_granian"} & only:
        found += peer_programs.p1(stores, tenant)
    if not only or "p2" in only:
        try:
            found.append(peer_programs.p2(stores, tenant))
        except SetUpError as error:
            print(f"P2 is left out. {error}", file=sys.stderr)
    found.append(peer_programs.bare_drf(stores, tenant))
    with found[0].program.server(stores) as server:
        found.append(peer_programs.floor(stores, tenant, found[0].body(server.url)))
    return [contender for contender in found if not only or contender.name in only]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("what", nargs="*", help=f"{', '.join(PARTS)} or all (table)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6, help="load of one contender in one round")
    parser.add_argument("--requests", type=int, default=100_000, help="how many memory answers")
    parser.add_argument("--queued", type=int, default=100_000, help="how many deliveries webhooks queues")
    parser.add_argument("--entries", type=int, default=ENTRIES, help="of the ledger's large account")
    parser.add_argument("--only", default="", help="contenders and parts of one table, separated by commas")
    parser.add_argument("--no-instructions", action="store_true", help="do not count instructions")
    parser.add_argument("--write", action="store_true", help="write the results into docs/performance.md")
    arguments = parser.parse_args()
    what = set(arguments.what or ("table",))
    if "all" in what:
        what = set(PARTS)
    if not what <= set(PARTS):
        parser.error(f"choose among {', '.join(PARTS)} and all")
    only = {name for name in arguments.only.split(",") if name}
    for name, names in (("webhooks", WEBHOOK_PARTS), ("jobs", JOB_PARTS)):
        if name in what and not only <= names:
            parser.error(f"--only of {name}: {', '.join(sorted(names))}")
    for number in _SIGNALS:
        signal.signal(number, _stop)
    count = not arguments.no_instructions
    if count and "table" in what and not instructions.available():
        print("valgrind is missing: instructions are not counted.", file=sys.stderr)
        count = False
    rounds, seconds, write = arguments.rounds, arguments.seconds, arguments.write
    try:
        wrk_path()
        if "table" in what:
            table(rounds=rounds, seconds=seconds, only=only, count=count, write=write)
        if "growth" in what:
            growth(rounds=rounds, seconds=seconds, write=write)
        if "availability" in what:
            availability(rounds=rounds, seconds=seconds, write=write)
        if "memory" in what:
            memory(requests=arguments.requests, seconds=seconds, write=write)
        if "redirects" in what:
            redirects(rounds=rounds, seconds=seconds, write=write)
        if "webhooks" in what:
            webhooks(rounds=rounds, seconds=seconds, queued=arguments.queued, only=only, write=write)
        if "jobs" in what:
            jobs(rounds=rounds, seconds=seconds, only=only, write=write)
        if "ledger" in what:
            ledger(rounds=rounds, seconds=seconds, entries=arguments.entries, write=write)
    except SetUpError as error:
        print(f"\n  {error}\n", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130
    return 0


def _stop(number: int, frame: FrameType | None) -> None:
    for each in _SIGNALS:  # a second Ctrl-C must not cut the cleaning up short
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
