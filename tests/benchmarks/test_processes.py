"""The contenders' servers."""

from pathlib import Path

import pytest

from benchmarks.processes import granian
from config.embedded.state import State
from config.embedded.supervision import application_commands


def test_every_contender_on_our_server_is_served_as_make_run_serves_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in ("WEB_WORKERS", "WEB_THREADS"):
        monkeypatch.delenv(name, raising=False)
    web = application_commands(State(tmp_path), host="127.0.0.1", port="8000")["web"]
    assert web[-len(granian("", port=8000)) :] == granian("config.wsgi:application", port=8000)
