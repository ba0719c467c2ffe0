"""The results page: what `make bench` writes, and that it says plainly what was not met."""

from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.contenders import Contender, Program
from benchmarks.load import Measured
from benchmarks.rounds import Outcome


def outcome(name: str, rates: list[int], *, cpu_ms: float = 1.0, p99_us: int = 1_000) -> Outcome:
    program = Program(name, lambda port: [], {})
    loaded = [Measured(rate, 1.0, 0, 0, 500, p99_us, 500.0) for rate in rates]
    return Outcome(Contender(name, name, program, "/"), loaded, loaded, [cpu_ms], [cpu_ms])


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of docs/performance.md that is written instead of it."""
    copy = tmp_path / "performance.md"
    copy.write_text(report.PAGE.read_text())
    monkeypatch.setattr(report, "PAGE", copy)
    return copy


def test_a_target_is_met_only_from_its_number_on():
    of = {"governed": outcome("governed", [400]), "bare_drf": outcome("bare_drf", [100])}
    assert "| × bare DRF | at least 4 | 4.00 | met |" in report.targets(of)
    of["bare_drf"] = outcome("bare_drf", [101])
    assert "| × bare DRF | at least 4 | 3.96 | **not met** |" in report.targets(of)


def test_a_contender_that_did_not_run_has_no_target():
    assert len(report.targets({"governed": outcome("governed", [400])})) == 2


def test_less_server_cpu_than_governed_is_the_share_that_governing_leaves():
    of = {
        "governed": outcome("governed", [100], cpu_ms=2.0),
        "ungoverned": outcome("ungoverned", [100], cpu_ms=1.0),
    }
    assert "| of our ungoverned view, by server CPU | at least 0.75 | 0.50 | **not met** |" in report.targets(
        of
    )


def test_the_table_is_rewritten_between_its_markers_and_nothing_else(page: Path):
    before = page.read_text()
    outcomes = [outcome("governed", [90, 100, 120]), outcome("bare_drf", [50, 50, 60])]
    report.table_report(outcomes, rounds=3, seconds=1, write=True)
    once = page.read_text()
    assert "| bare_drf | 50 (50 to 60) | 2.00 (1.80 to 2.00) |" in once
    report.table_report(outcomes, rounds=3, seconds=1, write=True)
    assert page.read_text() == once
    for section in ("growth", "memory"):
        assert once.partition(f"<!-- {section}")[2] == before.partition(f"<!-- {section}")[2]


def test_without_write_the_page_stays(page: Path):
    before = page.read_text()
    report.table_report([outcome("governed", [100])], rounds=1, seconds=1, write=False)
    assert page.read_text() == before
