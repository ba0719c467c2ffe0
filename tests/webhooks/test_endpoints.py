"""Endpoints that fail for too long are disabled, and people are told."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from config import tenancy
from partners.models import AuditEntry, Membership
from tests.factories import make_client, make_user
from tests.webhooks.receiver import status
from tests.webhooks.rows import all_deliveries, emit, let_waits_pass, make_subscription
from webhooks import tasks
from webhooks.dispatcher import drain
from webhooks.models import Delivery, Subscription
from webhooks.services.endpoints import DISABLE_AFTER_ATTEMPTS


def now(subscription):
    with tenancy.operator():
        return Subscription.objects.get(id=subscription.id)


@pytest.fixture
def failing(receiver):
    """A subscription that has failed for five days and needs one failure more, and its client."""
    client = make_client()
    subscription = make_subscription(
        receiver.url,
        client=client,
        failing_since=timezone.now() - timedelta(days=5),
        failing_attempts=DISABLE_AFTER_ATTEMPTS - 1,
    )
    receiver.answers = [status(503)]
    return subscription, client


def test_the_first_failure_is_remembered_until_a_success(receiver):
    client = make_client()
    subscription = make_subscription(receiver.url, client=client)
    receiver.answers = [status(500), status(500), status(200)]
    emit(client)
    drain()
    first = now(subscription)
    assert (first.failing_since is not None, first.failing_attempts) == (True, 1)
    let_waits_pass()
    drain()
    second = now(subscription)
    assert (second.failing_since, second.failing_attempts) == (first.failing_since, 2)
    let_waits_pass()
    drain()
    third = now(subscription)
    assert (third.status, third.failing_since, third.failing_attempts) == ("ACTIVE", None, 0)


def test_five_days_of_failures_disable_it_and_cancel_what_waits(receiver, failing):
    subscription, client = failing
    emit(client)
    drain()
    disabled = now(subscription)
    assert (disabled.status, disabled.disabled_reason) == ("DISABLED", "failing")
    assert disabled.disabled_at is not None
    assert [delivery.status for delivery in all_deliveries()] == ["CANCELED"]
    emit(client)
    drain()
    assert len(receiver.received) == 1
    with tenancy.operator():
        entry = AuditEntry.objects.get(action="subscription.disabled")
    assert (entry.actor, entry.target_id) == ("webhook dispatcher", str(subscription.id))
    assert entry.after == {"status": "DISABLED", "disabled_reason": "failing"}


@pytest.mark.parametrize(
    "changed", [{"failing_since": timezone.now() - timedelta(days=4)}, {"failing_attempts": 5}]
)
def test_neither_a_shorter_time_nor_a_few_failures_disable_it(receiver, failing, changed):
    subscription, client = failing
    with tenancy.operator():
        Subscription.objects.filter(id=subscription.id).update(**changed)
    emit(client)
    drain()
    assert now(subscription).status == "ACTIVE"


def test_the_time_is_a_setting(settings, receiver):
    settings.WEBHOOK_DISABLE_AFTER_S = 0
    client = make_client()
    subscription = make_subscription(receiver.url, client=client)
    receiver.answers = [status(500)]
    for _ in range(DISABLE_AFTER_ATTEMPTS):
        emit(client)
    drain()
    assert now(subscription).disabled_reason == "failing"


def test_the_hubs_own_faults_do_not_count(receiver, failing):
    subscription, client = failing
    with tenancy.operator():
        Subscription.objects.filter(id=subscription.id).update(secret_sealed=b"x" * 40)
    emit(client)
    drain()
    assert now(subscription).status == "ACTIVE"


def test_owners_and_managers_are_told_once_each_by_a_task(receiver, failing):
    subscription, client = failing
    told = []
    for role in ("owner", "manager", "member"):
        person = make_user()
        with tenancy.operator():
            Membership.objects.create(organization_id=client.organization_id, user=person.user, role=role)
        told += [person.user.email] if role != "member" else []
    emit(client)
    drain()
    assert mail.outbox == []
    tasks.tell_disabled()
    tasks.tell_disabled()
    assert sorted(message.to[0] for message in mail.outbox) == sorted(told)
    assert all(subscription.url in message.body for message in mail.outbox)
    assert now(subscription).is_notice_due is False


def test_a_name_of_several_lines_breaks_no_notice(receiver, failing):
    _, client = failing
    person = make_user()
    with tenancy.operator():
        Membership.objects.create(organization_id=client.organization_id, user=person.user, role="owner")
        type(client).objects.filter(id=client.id).update(name="Evil\r\nBcc: all@hub.example")
    emit(client)
    drain()
    tasks.tell_disabled()
    assert mail.outbox[0].recipients() == [person.user.email]


def test_410_disables_at_once_with_its_reason(receiver):
    client = make_client()
    subscription = make_subscription(receiver.url, client=client)
    receiver.answers = [status(410)]
    emit(client)
    drain()
    disabled = now(subscription)
    assert (disabled.status, disabled.disabled_reason, disabled.is_notice_due) == ("DISABLED", "gone", True)


def test_what_was_under_way_when_it_was_disabled_is_canceled_once_it_fails(receiver, failing):
    _, client = failing
    for _ in range(3):
        emit(client)
    drain()
    assert {delivery.status for delivery in all_deliveries()} == {"CANCELED"}
    with tenancy.operator():
        assert not Delivery.objects.open().exists()
