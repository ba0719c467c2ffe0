"""Contract D: deliveries that are sent again, one by one and by replay."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.webhooks.receiver import status
from tests.webhooks.subscriptions.conftest import create
from webhooks.dispatcher import drain
from webhooks.services.replays import replays_continue


def test_resending_keeps_id_and_body(owner, webhooks, lead_made, receiver):
    made = create(owner, webhooks, receiver.url)
    lead_made()
    drain()
    deliveries = f"{webhooks}/{made['id']}/deliveries"
    (delivery,) = owner("get", deliveries).json()["data"]
    assert owner("post", f"{deliveries}/{delivery['id']}/resend", {}).status_code == 202
    drain()
    first, second = receiver.received
    assert (first.id, first.body, first.attempt) == (second.id, second.body, second.attempt - 1)


def test_a_replay_sends_the_failed_ones_again(owner, webhooks, lead_made, receiver):
    made = create(owner, webhooks, receiver.url, retryConfig={"maxRetries": 0})
    receiver.answers = [status(500), status(500), status(200)]
    for _ in range(3):
        lead_made()
    drain()
    failed = owner("get", f"{webhooks}/{made['id']}/deliveries", status="FAILED").json()["data"]
    assert len(failed) == 2
    since = (timezone.now() - timedelta(hours=1)).isoformat()
    replays = f"{webhooks}/{made['id']}/replays"
    answer = owner("post", replays, {"since": since})
    replay = answer.json()
    assert (answer.status_code, replay["status"], replay["total"], replay["only"]) == (
        202,
        "RUNNING",
        2,
        "failed",
    )
    assert owner("post", replays, {"since": since}).json()["error"] == "REPLAY_RUNNING"
    replays_continue()
    ended = owner("get", f"{replays}/{replay['id']}").json()
    assert (ended["status"], ended["replayed"]) == ("COMPLETED", 2)
    receiver.received.clear()
    drain()
    assert {one.id for one in receiver.received} == {one["webhookId"] for one in failed}
    assert owner("get", f"{webhooks}/{made['id']}/deliveries", status="FAILED").json()["data"] == []


def test_a_replay_of_all_goes_on_after_a_crash_between_batches(
    owner, webhooks, lead_made, receiver, monkeypatch
):
    monkeypatch.setattr("webhooks.services.replays.BATCH", 2)
    made = create(owner, webhooks, receiver.url)
    for _ in range(5):
        lead_made()
    drain()
    receiver.received.clear()
    since = (timezone.now() - timedelta(hours=1)).isoformat()
    replays = f"{webhooks}/{made['id']}/replays"
    replay = owner("post", replays, {"since": since, "only": "all"}).json()
    with monkeypatch.context() as crash:
        crash.setattr("webhooks.services.replays.dispatcher_wake", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            replays_continue()
    assert owner("get", f"{replays}/{replay['id']}").json()["replayed"] == 0
    replays_continue()
    drain()
    assert len({one.id for one in receiver.received}) == len(receiver.received) == 5
    assert owner("get", f"{replays}/{replay['id']}").json()["replayed"] == 5


def test_a_canceled_replay_takes_no_more(owner, webhooks, lead_made, receiver):
    made = create(owner, webhooks, receiver.url)
    lead_made()
    drain()
    since = (timezone.now() - timedelta(hours=1)).isoformat()
    replays = f"{webhooks}/{made['id']}/replays"
    replay = owner("post", replays, {"since": since, "only": "all"}).json()
    assert owner("delete", f"{replays}/{replay['id']}").json()["status"] == "CANCELED"
    replays_continue()
    drain()
    assert len(receiver.received) == 1


def test_a_replay_ends_when_its_endpoint_is_disabled(owner, webhooks, lead_made, receiver):
    made = create(owner, webhooks, receiver.url)
    lead_made()
    drain()
    path = f"{webhooks}/{made['id']}"
    since = (timezone.now() - timedelta(hours=1)).isoformat()
    replay = owner("post", f"{path}/replays", {"since": since, "only": "all"}).json()
    assert owner("put", path, {"status": "DISABLED"}).json()["status"] == "DISABLED"
    replays_continue()
    ended = owner("get", f"{path}/replays/{replay['id']}").json()
    assert (ended["status"], ended["replayed"]) == ("CANCELED", 0)
    owner("put", path, {"status": "ACTIVE"})
    drain()
    assert len(receiver.received) == 1
