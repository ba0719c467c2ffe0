"""A rate per endpoint holds over all dispatchers."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from config import tenancy
from tests.factories import make_client
from tests.webhooks.rows import all_deliveries, claim, emit, make_subscription
from webhooks import dispatcher
from webhooks.dispatcher import drain
from webhooks.models import Attempt, Subscription
from webhooks.services import events_fan_out
from webhooks.services.claims import deliveries_release


def started_at():
    with tenancy.operator():
        return sorted(Attempt.objects.values_list("created_at", flat=True))


def test_no_second_sees_more_attempts_than_the_rate(receiver):
    client = make_client()
    make_subscription(receiver.url, client=client, rate_per_second=10)
    for _ in range(25):
        emit(client)
    with ThreadPoolExecutor(3) as threads:
        assert sum(threads.map(lambda _: drain(), range(3))) == 25
    moments = started_at()
    assert len(moments) == 25
    assert all(
        (later - first).total_seconds() > 1 for first, later in zip(moments, moments[10:], strict=False)
    )
    assert (moments[-1] - moments[0]).total_seconds() < 8


def test_an_attempt_that_would_begin_late_is_given_back_and_made_in_a_later_second(receiver, monkeypatch):
    client = make_client()
    make_subscription(receiver.url, client=client, rate_per_second=20)
    for _ in range(3):
        emit(client)
    real, late = dispatcher.deliveries_claim, []

    def claim_late(**given):
        claimed = real(**given)
        for delivery in claimed.deliveries if not late else ():
            delivery.start_before = delivery.start_after - 1
            late.append(delivery)
        return claimed

    monkeypatch.setattr(dispatcher, "deliveries_claim", claim_late)
    assert drain() == 3
    assert late
    assert {delivery.attempt_count for delivery in all_deliveries()} == {1}


def test_what_is_given_back_is_due_as_before():
    client = make_client()
    make_subscription("https://a.example/", client=client, is_ordered=True)
    emit(client)
    events_fan_out()
    (taken,) = claim(1)
    assert claim(1) == []
    deliveries_release(claimed=[taken])
    assert [again.id for again in claim(1)] == [taken.id]


def test_a_pace_and_an_order_hold_together(receiver):
    client = make_client()
    make_subscription(receiver.url, client=client, is_ordered=True, rate_per_second=20)
    ids = [str(emit(client).id) for _ in range(6)]
    drain()
    assert [received.id for received in receiver.received] == ids
    assert all((later - first).total_seconds() > 0.04 for first, later in pairwise(started_at()))


def test_a_paused_subscription_gets_nothing_until_it_is_active_again(receiver):
    client = make_client()
    subscription = make_subscription(receiver.url, client=client)
    emit(client)
    events_fan_out()
    for state, received in (("PAUSED", 0), ("ACTIVE", 1)):
        with tenancy.operator():
            Subscription.objects.filter(id=subscription.id).update(status=state)
        drain()
        assert len(receiver.received) == received
