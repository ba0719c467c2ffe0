"""Samples where a WSGI application spends a request: a signal notes the Python stack, again and again.

`python -m benchmarks.sampling APPLICATION PATH HEADERS COUNT CLOCK`; CLOCK is `cpu` (time on the processor,
which is what bounds the rate) or `wall` (waiting for the stores too). Prints the noted stacks as JSON,
innermost function first. What C code takes counts for the Python function that called it.
"""

import json
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

from benchmarks.in_process import WARM_UP, attribute_of, call, calls

# The kernel's tick may be longer: CPU time is sampled every 1 to 10 ms.
_EVERY_S = 0.001
_TIMERS = {
    "cpu": (signal.ITIMER_PROF, signal.SIGPROF),
    "wall": (signal.ITIMER_REAL, signal.SIGALRM),
}
Stack = tuple[str, ...]
_stacks: Counter[Stack] = Counter()


def _note(number: int, frame: FrameType | None) -> None:
    stack = []
    while frame is not None and frame.f_code is not call.__code__:
        code = frame.f_code
        stack.append(f"{code.co_filename}:{code.co_qualname}")
        frame = frame.f_back
    _stacks[tuple(stack)] += 1


def main(name: str, path: str, headers: Path, count: int, clock: str) -> None:
    application = attribute_of(name)
    lines = headers.read_text().splitlines() or [""]
    calls(application, path, lines, WARM_UP)
    timer, number = _TIMERS[clock]
    signal.signal(number, _note)
    signal.setitimer(timer, _EVERY_S, _EVERY_S)
    calls(application, path, lines, count)
    signal.setitimer(timer, 0)
    json.dump([[stack, times] for stack, times in _stacks.items()], sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
