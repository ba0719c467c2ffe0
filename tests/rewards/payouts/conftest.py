"""Two people, and a shop whose user can be paid."""

import pytest

from tests.factories import make_user


@pytest.fixture
def people():
    return make_user().user, make_user().user


@pytest.fixture
def shop(shop):
    shop.payee()
    return shop
