"""`python -m benchmarks`: run the benchmarks of docs/performance.md, and write their results there."""

import argparse
import signal
import sys
from types import FrameType

from benchmarks import contenders, report
from benchmarks.load import wrk_path
from benchmarks.rounds import rounds_run
from benchmarks.stores import Stores
from config.embedded.state import SetUpError


def table(arguments: argparse.Namespace) -> None:
    """The governed request beside its peers."""
    with Stores() as stores:
        hub = contenders.hub_create(stores)
        contenders.peers_create(stores, hub)
        chosen = contenders.all_of(stores, hub)
        if arguments.only:
            chosen = [contender for contender in chosen if contender.name in arguments.only.split(",")]
        outcomes = rounds_run(stores, chosen, rounds=arguments.rounds, seconds=arguments.seconds)
        report.table_report(
            outcomes, rounds=arguments.rounds, seconds=arguments.seconds, write=arguments.write
        )


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
