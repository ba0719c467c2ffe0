"""`python -m benchmarks`: run the benchmarks of docs/performance.md, and write their results there."""

import argparse
import signal
import sys
from types import FrameType

from benchmarks import peer_programs, report
from benchmarks.contenders import Contender
from benchmarks.hub import Hub, hub_create, ours
from benchmarks.load import wrk_path
from benchmarks.rounds import rounds_run
from benchmarks.stores import Stores
from config.embedded.state import SetUpError


def table(arguments: argparse.Namespace) -> None:
    """The governed request beside its peers."""
    with Stores() as stores:
        print("Loading…", flush=True)
        hub = hub_create(stores)
        chosen = contenders(stores, hub, set(arguments.only.split(",") if arguments.only else ()))
        outcomes = rounds_run(stores, chosen, rounds=arguments.rounds, seconds=arguments.seconds)
        report.table_report(
            outcomes, rounds=arguments.rounds, seconds=arguments.seconds, write=arguments.write
        )


def contenders(stores: Stores, hub: Hub, only: set[str]) -> list[Contender]:
    """Those that take part; with `only`, those of these names."""
    found = ours(hub)
    peer_programs.peers_create(stores, hub)
    if not only or {"p1_gunicorn", "p1_granian"} & only:
        found += peer_programs.p1(stores, hub)
    if not only or "p2" in only:
        try:
            found.append(peer_programs.p2(stores, hub))
        except SetUpError as error:
            print(f"P2 is left out. {error}", file=sys.stderr)
    with found[0].program.server(stores) as server:
        body = found[0].body(server.url)
    found += [peer_programs.bare_drf(stores, hub), peer_programs.floor(stores, hub, body)]
    return [contender for contender in found if not only or contender.name in only]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("what", nargs="?", default="table", choices=("table",))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6, help="load of one contender in one round")
    parser.add_argument("--only", help="contenders' names, separated by commas")
    parser.add_argument("--write", action="store_true", help="write the results into docs/performance.md")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGHUP, _stop)
    try:
        wrk_path()
        {"table": table}[arguments.what](arguments)
    except SetUpError as error:
        print(f"\n  {error}\n", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130
    return 0


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
