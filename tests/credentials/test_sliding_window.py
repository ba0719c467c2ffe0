"""No interval as long as the window admits more than the limit, whoever counts.

The rules run for seconds of real time with their minute shortened to half a second, asked by several
threads in bursts; each admission's time is that of the counter's own clock.
"""

import random
import secrets
import threading
import time
from collections.abc import Callable

import pytest
from django.db import connection

from credentials import limits
from tests.conftest import owner_connection

LIMIT = 12
WINDOW_US = 500_000

# TIME stands still while a script runs, so this is the very time that the script counted with
TIMED = """
local function decide() %s end
local verdict, t = decide(), redis.call('TIME')
return {verdict[1], t[1] * 1000000 + t[2]}
"""
CALENDAR = """
local t = redis.call('TIME')
local key = KEYS[2] .. math.floor((t[1] * 1000000 + t[2]) / 500000)
if redis.call('INCR', key) > tonumber(ARGV[2]) then return {-1} end
return {1}
"""


def script(text: str) -> Callable[[], tuple[int, int]]:
    ask = limits.store.register_script(TIMED % text)
    subject = secrets.token_hex(6)
    keys = [f"version:{subject}", subject, f"mark:{subject}"]
    return lambda: ask(keys=keys, args=["", LIMIT, 0, 0, 0, secrets.token_hex(6)])


@pytest.fixture
def function():
    with owner_connection() as owner:
        (text,) = owner.execute(
            "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = 'hub_admit'"
        ).fetchone()
        assert text.count("interval '1 minute'") == 3
        quick = text.replace("interval '1 minute'", "interval '500 milliseconds'")
        owner.execute(quick.replace("hub_admit(", "hub_admit_quick(", 1))
        yield "hub_admit_quick"
        owner.execute("DROP FUNCTION hub_admit_quick")


def admissions(ask: Callable[[], tuple[int, int]], *, seconds: float = 2.5) -> list[int]:
    """The times, in microseconds, of what four threads got admitted."""
    times: list[int] = []
    ends = time.monotonic() + seconds

    def press(seed: int) -> None:
        chance = random.Random(seed)
        while time.monotonic() < ends:
            for _ in range(chance.randrange(1, 12)):
                outcome, at_us = ask()
                if outcome == limits.ADMITTED:
                    times.append(at_us)
            time.sleep(chance.random() * 0.15)
        connection.close()

    threads = [threading.Thread(target=press, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(times)


def fullest(times: list[int]) -> int:
    """The most admissions that any interval of the window's length holds."""
    return max(
        sum(first <= other < first + WINDOW_US for other in times[index:])
        for index, first in enumerate(times)
    )


def test_no_interval_admits_more_than_the_limit_by_the_stores_script():
    text = limits._SCRIPT.replace("60e6", f"{WINDOW_US}").replace("122000", "2000").replace("61000", "1000")
    times = admissions(script(text))
    assert len(times) >= 4 * LIMIT
    assert fullest(times) == LIMIT


def test_no_interval_admits_more_than_the_limit_by_the_databases_function(function):
    subject = secrets.token_hex(6)

    def ask() -> tuple[int, int]:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT outcome, at_us FROM {function}(%s, %s, 0, 0, 0, NULL)", [subject, LIMIT])
            return cursor.fetchone()

    times = admissions(ask)
    assert len(times) >= 4 * LIMIT
    assert fullest(times) == LIMIT


def test_calendar_windows_would_be_found_out():
    """The control: a counter that starts over at each window lets nearly twice as many through."""
    assert fullest(admissions(script(CALENDAR))) > LIMIT
