"""The callers of every endpoint."""

import pytest

from credentials.limits import Limits
from tests.input.routes import Callers


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Callers:
    """Calls any endpoint as somebody who may."""
    # people are counted by the minute like anybody: hundreds of calls are this test's business
    monkeypatch.setattr("credentials.authentication.ANONYMOUS", Limits(per_minute=100_000))
    return Callers()
