"""The contenders' processes."""

from pathlib import Path

import pytest

from benchmarks.processes import celery_beat, celery_worker, granian
from config.embedded.state import State
from config.embedded.supervision import application_commands


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What `make run` starts."""
    for name in ("WEB_WORKERS", "WEB_THREADS"):
        monkeypatch.delenv(name, raising=False)
    return application_commands(State(tmp_path), host="127.0.0.1", port="8000")


def test_every_contender_on_our_server_is_served_as_make_run_serves_the_hub(programs: dict[str, list[str]]):
    assert programs["web"][-len(granian("", port=8000)) :] == granian("config.wsgi:application", port=8000)


def test_the_benchmarks_worker_and_scheduler_are_those_of_make_run(programs: dict[str, list[str]]):
    worker = celery_worker(processes=2)
    name = 2  # "-n" and a name at the end
    assert programs["worker"][-len(worker) - name : -name] == worker
    assert programs["scheduler"][-len(celery_beat()) :] == celery_beat()
