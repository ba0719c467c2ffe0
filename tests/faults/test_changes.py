"""Every change of a key holds in every process: not within a second, but from the next request on."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from config import tenancy
from credentials.models import ApiKey
from credentials.scopes import Scope
from credentials.services.keys import key_change_status, key_rotate
from credentials.snapshots import changing
from tests.factories import ACTOR, make_key
from tests.faults.http import BASE, Answer, health, send
from tests.processes import wait_until


@pytest.fixture
def warm(pair, organization):
    """A key that both processes have cached."""
    key = make_key(organization)
    assert [health(web, key).status for web in (*pair, *pair)] == [200] * 4
    return key


def service(act: Callable[..., Any], **given: Any) -> Callable[[Any], None]:
    def change(key: Any) -> None:
        with tenancy.operator():
            act(key_id=key.key.id, actor=ACTOR, **given)

    return change


def columns(**values: Any) -> Callable[[Any], None]:
    """A change of the row as every service makes it."""

    def change(key: Any) -> None:
        with tenancy.operator():
            row = ApiKey.objects.select_for_update().get(id=key.key.id)
            with changing(row):
                for name, value in values.items():
                    setattr(row, name, value)
                row.save()

    return change


def leads(web, key) -> Answer:
    path = f"{BASE}/leads?organizationId={key.key.organization_id}"
    return send(web, "GET", path, headers={"x-partner-api-key": key.raw})


@pytest.mark.parametrize(
    ("change", "status"),
    [
        pytest.param(service(key_change_status, status="revoked"), 401, id="revoked"),
        pytest.param(service(key_change_status, status="suspended"), 401, id="suspended"),
        pytest.param(service(key_rotate), 401, id="rotated without grace"),
        pytest.param(service(key_rotate, grace_s=60), 200, id="rotated with grace"),
        pytest.param(columns(expires_at=timezone.now()), 401, id="expired"),
        pytest.param(columns(scopes=[Scope.JOBS_READ]), 403, id="scope taken away"),
        pytest.param(columns(ip_allowlist=["203.0.113.7/32"]), 403, id="address not on the list"),
    ],
)
def test_a_change_holds_in_every_process_at_the_next_request(pair, warm, change, status):
    change(warm)
    assert [leads(web, warm).status for web in pair] == [status] * 2


def test_a_resumed_key_is_admitted_by_every_process_again(pair, warm):
    service(key_change_status, status="suspended")(warm)
    assert [health(web, warm).status for web in pair] == [401, 401]
    service(key_change_status, status="active")(warm)
    assert [health(web, warm).status for web in pair] == [200, 200]


def test_a_lowered_limit_holds_in_every_process_and_counts_what_was_before(pair, warm):
    columns(requests_per_minute=5)(warm)
    answers = [health(web, warm) for web in (*pair, *pair)]
    assert [answer.status for answer in answers] == [200, 429, 429, 429]
    assert {answer.headers["x-ratelimit-limit"] for answer in answers} == {"5"}


def test_a_key_ends_at_its_expiry_in_every_process(pair, organization):
    key = make_key(organization, expires_at=timezone.now() + timedelta(seconds=3))
    assert [health(web, key).status for web in pair] == [200, 200]
    ends = key.key.expires_at + timedelta(milliseconds=50)
    wait_until(lambda: timezone.now() > ends, seconds=5, every=0.05)
    assert [health(web, key).status for web in pair] == [401, 401]


def test_a_rotations_grace_ends_in_every_process(pair, warm):
    service(key_rotate, grace_s=2)(warm)
    assert [health(web, warm).status for web in pair] == [200, 200]
    ends = timezone.now() + timedelta(seconds=2.1)
    wait_until(lambda: timezone.now() > ends, seconds=5, every=0.05)
    assert [health(web, warm).status for web in pair] == [401, 401]


def test_the_processes_do_cache_what_is_not_announced(pair, warm):
    """The control: a row changed past the services is not noticed, so the tests above show the telling."""
    with tenancy.operator():
        ApiKey.objects.filter(id=warm.key.id).update(status="revoked")
    assert [health(web, warm).status for web in pair] == [200, 200]
