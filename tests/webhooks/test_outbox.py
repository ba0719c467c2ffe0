"""Events: committed with their change, fanned out once to those who want them, and seen by their
tenant.
"""

import contextlib
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from kombu.exceptions import OperationalError

from config import tenancy
from credentials.store import store
from tests.factories import SANDBOX, make_client, make_organization
from tests.webhooks.receiver import status
from tests.webhooks.rows import all_deliveries, attempts_of, emit, make_callback, make_subscription
from webhooks import tasks
from webhooks.dispatcher import drain
from webhooks.models import Attempt, Delivery, Event, Subscription
from webhooks.registry import EVENT_TYPES, event_type
from webhooks.services import callback_schedule, events_fan_out

URL = "https://receiver.example/hooks"


def messages_waiting():
    return store.llen("default")


def events():
    with tenancy.operator():
        return list(Event.objects.order_by("created_at"))


def test_an_event_vanishes_with_the_change_that_failed():
    client = make_client()
    with contextlib.suppress(ZeroDivisionError), tenancy.tenant(client.organization_id, SANDBOX):
        emit(client)
        callback_schedule(
            organization_id=client.organization_id,
            environment=SANDBOX,
            client_id=client.id,
            url=URL,
            event_type="job.completed",
            webhook_id="1",
            payload={},
        )
        1 / 0  # noqa: B018
    assert events() == []
    assert all_deliveries() == []
    assert messages_waiting() == 0
    emit(client)  # the refused one has not used up the wake-up of the next
    assert messages_waiting() == 1


def test_an_event_commits_with_its_change_and_wakes_a_dispatcher_afterwards():
    client = make_client()
    with tenancy.tenant(client.organization_id, SANDBOX):
        emit(client)
        assert messages_waiting() == 0
    (event,) = events()
    assert (event.type, event.subject_id, event.client_id) == (
        "client.changed",
        str(client.id),
        client.id,
    )
    assert event.data["name"] == client.name
    assert messages_waiting() == 1


def test_many_changes_wake_one_dispatcher_until_it_starts():
    client = make_client()
    for _ in range(5):
        emit(client)
    assert messages_waiting() == 1
    tasks.dispatch()
    emit(client)
    assert messages_waiting() == 2


def test_the_sweep_finds_what_no_message_speaks_of(receiver):
    client = make_client()
    make_subscription(receiver.url, client=client)
    emit(client)
    store.flushdb()
    tasks.sweep()
    assert messages_waiting() == 1
    tasks.dispatch()
    assert len(receiver.received) == 1
    store.flushdb()
    tasks.sweep()
    assert messages_waiting() == 0


def test_an_event_is_sent_with_id_type_time_and_data(receiver):
    client = make_client()
    make_subscription(receiver.url, client=client)
    emit(client)
    drain()
    (event,) = events()
    (received,) = receiver.received
    assert json.loads(received.body) == {
        "id": str(event.id),
        "type": "client.changed",
        "timestamp": event.created_at.isoformat().replace("+00:00", "Z"),
        "data": {
            "id": str(client.id),
            "name": client.name,
            "createdAt": client.created_at.isoformat().replace("+00:00", "Z"),
        },
    }
    assert received.id == received.headers["webhook-id"] == str(event.id)
    assert event.dispatched_at is not None


@pytest.mark.parametrize(
    ("wanted", "made"),
    [
        (["client.changed"], 1),
        (["client.*"], 1),
        (["*"], 1),
        (["client.*", "client.changed"], 1),
        (["client"], 0),
        (["client.change"], 0),
        (["lead.*"], 0),
        ([], 0),
    ],
)
def test_a_subscription_gets_the_types_it_named(wanted, made):
    client = make_client()
    make_subscription(URL, client=client, event_types=wanted)
    emit(client)
    assert events_fan_out() == 1
    assert len(all_deliveries()) == made


def test_only_enabled_subscriptions_of_the_client_in_its_world_get_an_event():
    organization = make_organization()
    client, neighbour = make_client(organization), make_client(organization)
    stranger = make_client()
    production = make_client(organization, environment="production")
    mine = make_subscription(URL, client=client)
    paused = make_subscription(URL, client=client, status=Subscription.Status.PAUSED)
    make_subscription(URL, client=client, status=Subscription.Status.DISABLED)
    for other in (neighbour, stranger, production):
        make_subscription(URL, client=other)
    emit(client)
    events_fan_out()
    assert {delivery.subscription_id for delivery in all_deliveries()} == {mine.id, paused.id}


def test_an_event_of_no_client_goes_to_every_client_of_the_organization():
    organization = make_organization()
    client, neighbour = make_client(organization), make_client(organization)
    production = make_client(organization, environment="production")
    for each in (client, neighbour, production, make_client()):
        make_subscription(URL, client=each)
    emit(client, client_id=None)
    events_fan_out()
    assert {delivery.client_id for delivery in all_deliveries()} == {client.id, neighbour.id}


def test_the_retry_settings_of_the_subscription_hold():
    client = make_client()
    make_subscription(URL, client=client, max_retries=7, retry_delay_s=5, backoff_multiplier=1.5, timeout_s=9)
    emit(client)
    events_fan_out()
    (delivery,) = all_deliveries()
    assert (delivery.max_attempts, delivery.retry_delay_s) == (8, 5)
    assert (delivery.backoff_multiplier, delivery.timeout_s) == (1.5, 9)


def test_a_subscriptions_own_secret_signs(receiver):
    client = make_client()
    make_subscription(receiver.url, client=client)
    make_callback(receiver.url, client=client, payload={})
    emit(client)
    drain()
    keys = {received.headers["x-partner-signature"] for received in receiver.received}
    assert len(keys) == 2


def test_dispatchers_at_once_fan_an_event_out_once():
    client = make_client()
    make_subscription(URL, client=client)
    for _ in range(40):
        emit(client)

    def fan_out(_):
        try:
            return sum(iter(lambda: events_fan_out(limit=5), 0))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(fan_out, range(4))) == 40
    deliveries = all_deliveries()
    assert len({delivery.event_id for delivery in deliveries}) == len(deliveries) == 40


def test_another_tenant_sees_no_row(receiver):
    receiver.answers = [status(500)]
    client, stranger = make_client(), make_client()
    make_subscription(receiver.url, client=client)
    emit(client)
    drain()
    (delivery,) = all_deliveries()
    assert len(attempts_of(delivery)) == 1
    models = (Event, Subscription, Delivery, Attempt)
    with tenancy.tenant(client.organization_id, SANDBOX):
        assert [model.objects.count() for model in models] == [1, 1, 1, 1]
    for organization_id, environment in (
        (stranger.organization_id, SANDBOX),
        (client.organization_id, "production"),
    ):
        with tenancy.tenant(organization_id, environment):
            assert [model.objects.count() for model in models] == [0, 0, 0, 0]
    with transaction.atomic():
        assert [model.objects.count() for model in models] == [0, 0, 0, 0]


def test_a_delivery_cannot_refer_to_another_tenants_client():
    client, stranger = make_client(), make_client()
    with pytest.raises(DatabaseError, match="tenant_fk"):
        make_callback(URL, client=client, client_id=stranger.id)


@pytest.mark.parametrize("statement", ["UPDATE webhook_logs SET success = true", "DELETE FROM webhook_logs"])
def test_the_log_of_attempts_cannot_be_changed(statement):
    with (
        pytest.raises(DatabaseError, match="permission denied"),
        tenancy.operator(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_a_type_is_declared_once():
    name, declared = next(iter(EVENT_TYPES.items()))
    with pytest.raises(ValueError, match="twice"):
        event_type(name, summary="", scope=declared.scope, payload=declared.payload)


def test_without_redis_the_event_commits_and_the_sweep_finds_it_later(monkeypatch, receiver):
    def no_broker(**_):
        raise OperationalError

    client = make_client()
    make_subscription(receiver.url, client=client)
    with monkeypatch.context() as outage:
        outage.setattr(tasks.dispatch, "apply_async", no_broker)
        outage.setattr(cache, "add", no_cache)
        emit(client)
    assert messages_waiting() == 0
    tasks.sweep()
    assert messages_waiting() == 1
    tasks.dispatch()
    assert len(receiver.received) == 1


def no_cache(*_, **__):
    """What config.cache answers while its store is away."""
    return False
