import pytest

from tests.factories import make_agent, make_company, make_key
from tests.pipeline.walking import Seller


@pytest.fixture
def seller(key) -> Seller:
    return Seller(key)


@pytest.fixture
def stranger() -> Seller:
    """Another organization's."""
    return Seller(make_key())


@pytest.fixture
def agents(organization):
    """Three agents of one company, by name."""
    company = make_company(organization)
    return [make_agent(company, name=name) for name in ("Ann", "Ben", "Cid")]
