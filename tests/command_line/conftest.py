import pytest

from tests.command_line.hub import Hub


@pytest.fixture
def hub(capsys):
    return Hub(capsys)
