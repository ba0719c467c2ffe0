"""Instructions a request takes in the server's process, counted by valgrind: steadier than any clock.

The application runs without a server and is called a number of times, twice: the difference between the
two counts is what the additional requests took. Stores and kernel are not in it.
"""

import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from benchmarks.contenders import Contender
from config.embedded.state import CHECKOUT, SetUpError

FEW, MANY = 50, 250
_REFERENCES = re.compile(r"I\s+refs:\s+([\d,]+)")


def available() -> bool:
    """Whether valgrind is installed."""
    return shutil.which("valgrind") is not None


def instructions_of(contender: Contender) -> int:
    """Instructions of one request; 0 for a contender that is no WSGI application."""
    if not contender.program.wsgi:
        return 0
    return (_count(contender, MANY) - _count(contender, FEW)) // (MANY - FEW)


def _count(contender: Contender, requests: int) -> int:
    with tempfile.TemporaryDirectory(prefix="hub-bench-") as directory:
        headers = Path(directory, "headers")
        headers.touch(mode=0o600)
        # few keys, so that each is known after the warm-up
        headers.write_text("".join(f"{header}\n" for header in contender.headers[:20]))
        valgrind = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
        program = [contender.program.python, "-m", "benchmarks.in_process", contender.program.wsgi]
        done = subprocess.run(  # noqa: S603 (our own command)
            [*valgrind, *program, contender.path, str(headers), str(requests)],
            cwd=CHECKOUT,
            # one order of every set and dictionary, and log rows shipped by number, not by time
            env=contender.program.environment | {"PYTHONHASHSEED": "0", "USAGE_SHIP_EVERY_S": "0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    found = _REFERENCES.search(done.stderr)
    if done.returncode or found is None:
        raise SetUpError(f"{contender.name} failed under valgrind:\n{done.stderr[-2000:]}")
    answered = json.loads(done.stdout)
    if any(not status.startswith(str(contender.status)) for status in answered) and contender.status == 200:
        raise SetUpError(f"{contender.name} answered {answered} under valgrind.")
    return int(found.group(1).replace(",", ""))
