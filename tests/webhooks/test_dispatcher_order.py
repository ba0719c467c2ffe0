"""Ordered subscriptions: one delivery at a time, oldest first, whatever fails and whoever dispatches."""

import random
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from django.utils import timezone

from config import tenancy
from tests.factories import ACTOR, make_client
from tests.processes import Process, wait_until
from tests.webhooks.receiver import status
from tests.webhooks.rows import all_deliveries, claim, emit, make_subscription
from webhooks.dispatcher import drain
from webhooks.models import Delivery, Subscription
from webhooks.services import events_fan_out
from webhooks.services.deliveries import delivery_resend


def ordered(receiver, **given):
    """An ordered subscription's client, whose events are numbered by their subjects."""
    client = make_client()
    make_subscription(receiver.url, client=client, is_ordered=True, **given)
    return client


def emit_many(client, number):
    return [str(emit(client).id) for _ in range(number)]


def test_deliveries_come_one_at_a_time_in_the_order_of_their_events(receiver):
    client = ordered(receiver)
    under_way = []

    def answer(handler):
        under_way.append(1)
        assert len(under_way) == 1
        time.sleep(random.uniform(0, 0.01))
        under_way.pop()
        status(200)(handler)

    receiver.answers = [answer]
    ids = emit_many(client, 30)
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda _: drain(), range(3)))
    drain()
    assert [received.id for received in receiver.received] == ids
    assert {delivery.status for delivery in all_deliveries()} == {"DELIVERED"}


def test_a_failing_one_holds_back_its_followers_until_it_is_settled(receiver):
    client = ordered(receiver, max_retries=1)
    first, second = emit_many(client, 2)
    receiver.answers = [status(500)]
    drain()
    drain()
    assert [received.id for received in receiver.received] == [first]
    with tenancy.operator():  # its time comes, but not its turn
        Delivery.objects.filter(webhook_id=second).update(next_attempt_at=timezone.now() - timedelta(days=1))
    drain()
    assert [received.id for received in receiver.received] == [first]
    receiver.answers = [status(500), status(200)]
    with tenancy.operator():
        Delivery.objects.filter(webhook_id=first).update(next_attempt_at=timezone.now())
    drain()
    assert [received.id for received in receiver.received] == [first, first, second]
    assert [delivery.status for delivery in all_deliveries()] == ["FAILED", "DELIVERED"]


def test_a_canceled_one_holds_back_nobody(receiver):
    client = ordered(receiver)
    first, second = emit_many(client, 2)
    receiver.answers = [status(500), status(200)]
    drain()
    with tenancy.operator():
        Delivery.objects.filter(webhook_id=first).update(status="CANCELED")
    drain()
    assert [received.id for received in receiver.received] == [first, second]


def test_what_a_dead_dispatcher_held_comes_first_and_alone(receiver):
    client = ordered(receiver)
    first, second = emit_many(client, 2)
    events_fan_out()
    (taken,) = claim(10)
    assert taken.webhook_id == first
    assert drain() == 0
    expired = timezone.now() - timedelta(seconds=1)
    with tenancy.operator():
        Delivery.objects.filter(id=taken.id).update(lease_until=expired)
        Subscription.objects.update(held_until=expired)
    drain()
    assert [(received.id, received.attempt) for received in receiver.received] == [(first, 1), (second, 1)]


def test_one_sent_again_waits_for_the_one_that_is_being_sent(receiver):
    client = ordered(receiver)
    first, _ = emit_many(client, 2)
    events_fan_out()
    with tenancy.operator():
        Delivery.objects.filter(webhook_id=first).update(status="DELIVERED", attempt_count=1)
    assert len(claim(10)) == 1
    with tenancy.operator():
        delivery_resend(delivery_id=Delivery.objects.get(webhook_id=first).id, actor=ACTOR)
    assert claim(10) == []


def test_the_order_outlives_killed_workers(receiver):
    """kill -9 in mid-delivery: what was under way comes again, and nothing overtakes it."""
    client = ordered(receiver, timeout_s=1)
    receiver.answers = [receiver.hang]
    ids = emit_many(client, 3)
    worker = Process("tests.webhooks.dispatch_once")
    wait_until(lambda: receiver.received, seconds=30)
    worker.kill()
    receiver.answers = [status(200)]
    assert drain() == 0
    with tenancy.operator():
        Delivery.objects.update(lease_until=timezone.now())
        Subscription.objects.update(held_until=timezone.now())
    drain()
    assert [received.id for received in receiver.received] == [ids[0], *ids]


def test_the_unordered_do_not_wait_for_each_other(receiver):
    client = make_client()
    make_subscription(receiver.url, client=client)
    receiver.answers = [status(500), status(200)]
    emit_many(client, 2)
    drain()
    assert sorted(delivery.status for delivery in all_deliveries()) == ["DELIVERED", "RETRYING"]


def test_an_order_asked_for_later_holds_for_what_waits(receiver):
    client = make_client()
    subscription = make_subscription(receiver.url, client=client)
    ids = emit_many(client, 5)
    events_fan_out()
    with tenancy.operator():
        Subscription.objects.filter(id=subscription.id).update(is_ordered=True)
    drain()
    assert [received.id for received in receiver.received] == ids
