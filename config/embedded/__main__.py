"""`python -m config.embedded run|stop|status|env|with`."""

import argparse
import os
import signal
import subprocess
import sys
import time

import psutil

from config.embedded import testing
from config.embedded.program import MARK
from config.embedded.runner import is_ready, run
from config.embedded.state import CHECKOUT, SetUpError, State


def status(state: State) -> int:
    """Print where this checkout serves; 0 when it is ready, 3 when not."""
    address = state.run / "address"
    url = address.read_text() if address.exists() else ""
    ready = bool(url) and is_ready(url)
    print(f"ready at {url}" if ready else "not running")
    return 0 if ready else 3


def stop(state: State) -> int:
    """Stop a running `make run` of this checkout and wait for its end."""
    mark = f"supervisord:{state.key}"
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.parent():
                runner = process.parent()
                runner.send_signal(signal.SIGTERM)
                runner.wait(timeout=90)
                print("stopped")
                return 0
        except (psutil.Error, OSError):
            continue
    print("not running")
    return 0


def environment(state: State) -> int:
    """Print the exports that let another shell use psql and manage.py on the running stores."""
    file = state.run / "environment"
    if not file.exists():
        print("not running: start it with make run", file=sys.stderr)
        return 3
    print("".join(f"export {line}\n" for line in file.read_text().splitlines()), end="")
    return 0


def with_test_stores(command: list[str]) -> int:
    """Run a command against throw-away stores with an empty database."""
    try:
        os.environ.update(testing.start_test_stores())
        testing.create_database("hub_check")
        os.environ.update(testing.environment(database="hub_check", redis_database=0))
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
        return subprocess.run(command, cwd=CHECKOUT, check=False).returncode  # noqa: S603 (the caller's)
    finally:
        testing.stop_test_stores()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m config.embedded")
    parser.add_argument("verb", choices=("run", "stop", "status", "env", "with"))
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    state = State(CHECKOUT / "var")
    started = time.monotonic()
    try:
        if arguments.verb == "with":
            return with_test_stores([word for word in arguments.command if word != "--"])
        verbs = {"run": run, "stop": stop, "status": status, "env": environment}
        return verbs[arguments.verb](state)
    except SetUpError as error:
        print(f"\n  {error}\n", file=sys.stderr)
        return 1
    finally:
        if arguments.verb == "run":
            print(f"(ran for {time.monotonic() - started:.0f} s)")


if __name__ == "__main__":
    sys.exit(main())
