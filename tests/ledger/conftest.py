"""A tenant's books, posted to directly."""

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from config import tenancy
from ledger.models import AccountKey, Kind
from ledger.services.posting import Entry, Line, transactions_post
from partners.models import Organization
from tests.factories import SANDBOX

RECEIVABLE = AccountKey(Kind.NETWORK_RECEIVABLE, "EUR")
REVENUE = AccountKey(Kind.PLATFORM_REVENUE, "EUR")
CLIENT = uuid7()
USER = AccountKey(Kind.USER_PAYABLE, "EUR", CLIENT, "user-1")


def earned(amount: int, user: int = 0, **given: Any) -> Entry:
    """A commission, of which a part is a user's."""
    lines = [Line(RECEIVABLE, amount), Line(REVENUE, user - amount), Line(USER, -user)]
    return Entry(**{"kind": "conversion", "idempotency_key": secrets.token_hex(8), "lines": lines} | given)


@pytest.fixture
def post(organization: Organization) -> Callable[..., Any]:
    def build(*entries: Entry) -> Any:
        with tenancy.tenant(organization.id, SANDBOX):
            return transactions_post(organization_id=organization.id, environment=SANDBOX, entries=entries)

    return build
