"""What is old goes; what still has to be sent stays, however old."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from config import tenancy
from config.partitions import partitions_prepare
from partners.models import AuditEntry
from tests.conftest import owner_connection
from tests.factories import make_client, make_organization
from tests.webhooks.receiver import status
from tests.webhooks.rows import (
    all_deliveries,
    attempts_of,
    claim,
    delivery_now,
    emit,
    make_callback,
    make_subscription,
)
from webhooks import tasks
from webhooks.dispatcher import drain
from webhooks.models import Attempt, Delivery, Event, Subscription
from webhooks.services.deliveries import Outcome, attempts_settle
from webhooks.services.upkeep import history_clean_up


def age(**by):
    """Make every event and delivery look older."""
    with tenancy.operator():
        for model in (Event, Delivery):
            model.objects.update(created_at=timezone.now() - timedelta(**by))


def test_old_settled_deliveries_and_their_events_are_removed(settings, receiver):
    client = make_client()
    make_subscription(receiver.url, client=client)
    emit(client)
    drain()
    waiting = make_callback("https://receiver.example/")
    age(days=settings.LOG_RETENTION_DAYS + 1)
    emit(client)
    drain()
    waiting_still = make_callback("https://receiver.example/")
    tasks.clean_up()
    kept = all_deliveries()
    assert {waiting.id, waiting_still.id} <= {delivery.id for delivery in kept}
    assert sorted(delivery.status for delivery in kept) == ["DELIVERED", "PENDING", "RETRYING"]
    with tenancy.operator():
        assert Event.objects.count() == 1


def test_an_event_stays_while_a_delivery_of_it_is_open(receiver):
    client = make_client()
    receiver.answers = [status(500)]
    make_subscription(receiver.url, client=client)
    emit(client)
    drain()
    age(days=400)
    assert history_clean_up(before=timezone.now()) == 0
    with tenancy.operator():
        assert Event.objects.count() == 1


def test_attempts_go_by_the_day(receiver):
    delivery = make_callback(receiver.url)
    drain()
    history_clean_up(before=timezone.now())
    assert len(attempts_of(delivery)) == 1
    try:
        history_clean_up(before=timezone.now() + timedelta(days=1))
        assert attempts_of(delivery) == []
    finally:
        partitions_prepare()


def test_the_log_has_partitions_around_today():
    partitions_prepare()
    days = [timezone.now() + timedelta(days=days) for days in (-1, 0, 3)]
    with owner_connection() as owner:
        for day in days:
            name = f"webhook_logs_{day:%Y%m%d}"
            assert owner.execute("SELECT to_regclass(%s)", [name]).fetchone() != (None,), name


def test_the_scheduled_retry_counts(receiver):
    failed = make_callback(receiver.url, status="FAILED", attempt_count=3, response_code=500)
    make_callback(receiver.url, status="FAILED", attempt_count=3, response_code=500)
    with tenancy.operator():
        Delivery.objects.exclude(id=failed.id).update(updated_at=timezone.now() - timedelta(days=2))
    assert tasks.retry_failed() == {"total": 1, "successful": 1, "failed": 0}
    assert delivery_now(failed).status == "DELIVERED"
    assert tasks.retry_failed() == {"total": 0, "successful": 0, "failed": 0}


def test_a_paused_subscriptions_old_deliveries_go_too(receiver):
    client = make_client()
    subscription = make_subscription(receiver.url, client=client)
    receiver.answers = [status(500)]
    emit(client)
    drain()
    age(days=400)
    with tenancy.operator():
        Subscription.objects.filter(id=subscription.id).update(status="PAUSED")
    history_clean_up(before=timezone.now())
    assert all_deliveries() == []


def test_an_organizations_webhooks_are_erased_and_nobody_elses(receiver, capsys):
    organization = make_organization()
    client, stranger = make_client(organization), make_client()
    for each in (client, stranger):
        make_subscription(receiver.url, client=each)
        emit(each)
        make_callback(receiver.url, client=each)
    drain()
    emit(client)
    waiting = make_callback(receiver.url, client=client)
    (taken,) = claim(1)
    slug = organization.slug
    with pytest.raises(CommandError, match="repeat"):
        call_command("erase_webhooks", slug, yes="another")
    with pytest.raises(CommandError, match="no organization"):
        call_command("erase_webhooks", "nobody", yes="nobody")
    call_command("erase_webhooks", slug, yes=slug)
    assert capsys.readouterr().out == "events: 2, deliveries: 3, attempts: 2\n"
    assert attempts_of(waiting) == []
    with tenancy.operator():
        for model in (Event, Delivery, Attempt):
            assert set(model.objects.values_list("organization_id", flat=True)) == {stranger.organization_id}
        assert Subscription.objects.filter(client=client).exists()
        entry = AuditEntry.objects.get(action="webhooks.erased")
    assert (entry.organization_id, entry.after["deliveries"]) == (client.organization_id, 3)
    late = Outcome(delivery=taken, started_at=timezone.now(), latency_ms=1, http_status=200)
    assert attempts_settle(outcomes=[late]) == 0
    assert attempts_of(waiting) == []
