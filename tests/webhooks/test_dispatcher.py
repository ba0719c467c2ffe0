"""Deliveries against a real receiver: attempts, retries, leases, refusals, fairness."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.utils import timezone

from config import tenancy
from partners.models import AuditEntry
from tests.factories import ACTOR, make_client
from tests.webhooks.receiver import Receiver, status
from tests.webhooks.rows import (
    all_deliveries,
    attempts_of,
    claim,
    delivery_now,
    emit,
    let_waits_pass,
    make_callback,
    make_subscription,
)
from webhooks.dispatcher import drain
from webhooks.models import Delivery, Subscription
from webhooks.services.deliveries import Outcome, attempts_settle, delivery_resend, retry_wait


def test_a_callback_is_delivered_and_logged(receiver):
    receiver.answers = [status(201, b"thanks", x_trace="7")]
    job_id = uuid4()
    delivery = make_callback(
        receiver.url, webhook_id=str(job_id), async_job_id=job_id, payload={"b": 1, "a": "é"}
    )

    assert drain() == 1

    (received,) = receiver.received
    assert received.body == '{"a":"é","b":1}'.encode()
    assert (received.id, received.attempt) == (str(job_id), 1)
    assert received.headers["content-type"] == "application/json"
    assert received.headers["user-agent"] == "PartnerHub-Webhooks/1"
    settled = delivery_now(delivery)
    assert (settled.status, settled.response_code, settled.attempt_count) == ("DELIVERED", 201, 1)
    assert settled.delivered_at is not None
    assert settled.lease_token is None
    (attempt,) = attempts_of(delivery)
    assert (attempt.webhook_url, attempt.http_status, attempt.attempt_number) == (
        receiver.url,
        201,
        1,
    )
    assert (attempt.success, attempt.error_message, attempt.async_job_id) == (True, "", job_id)
    assert (attempt.request_body, attempt.response_body) == ('{"a":"é","b":1}', "thanks")
    assert attempt.response_headers["x-trace"] == "7"
    assert attempt.latency_ms > 0


def test_three_attempts_carry_one_id_and_rising_numbers_then_it_fails(receiver):
    receiver.answers = [status(500, b"broken")]
    delivery = make_callback(receiver.url)
    for _ in range(4):
        drain()
        let_waits_pass()

    assert [received.attempt for received in receiver.received] == [1, 2, 3]
    assert {received.id for received in receiver.received} == {delivery.webhook_id}
    assert len({received.body for received in receiver.received}) == 1
    settled = delivery_now(delivery)
    assert (settled.status, settled.attempt_count, settled.response_code) == ("FAILED", 3, 500)
    assert settled.last_error == "The receiver answered 500."
    logged = attempts_of(delivery)
    assert [(row.attempt_number, row.success, row.error_code) for row in logged] == [
        (number, False, "http_status") for number in (1, 2, 3)
    ]


def test_a_failed_attempt_waits_before_the_next(receiver):
    receiver.answers = [status(500), status(200)]
    delivery = make_callback(receiver.url)
    drain()
    waiting = delivery_now(delivery)
    assert waiting.status == "RETRYING"
    wait = waiting.next_attempt_at - timezone.now()
    assert timedelta(seconds=50) < wait < timedelta(seconds=67)
    assert drain() == 0
    let_waits_pass()
    drain()
    assert delivery_now(delivery).status == "DELIVERED"
    assert delivery_now(delivery).last_error == ""


@pytest.mark.parametrize(
    ("behaviour", "error_code"),
    [
        ("hang", "timeout"),
        ("drip", "timeout"),
        ("drip_headers", "timeout"),
        ("endless_headers", "protocol_error"),
    ],
)
def test_a_receiver_that_wastes_time_costs_its_timeout_and_no_more(receiver, behaviour, error_code):
    receiver.answers = [getattr(receiver, behaviour)]
    delivery = make_callback(receiver.url, timeout_s=1)
    started = time.monotonic()
    drain()
    assert time.monotonic() - started < 2.5
    assert [row.error_code for row in attempts_of(delivery)] == [error_code]
    assert delivery_now(delivery).status == "RETRYING"


def test_a_gigabyte_of_answer_is_cut_at_16_kb(receiver):
    receiver.answers = [receiver.gigabyte]
    delivery = make_callback(receiver.url, timeout_s=5)
    started = time.monotonic()
    drain()
    assert time.monotonic() - started < 2
    (attempt,) = attempts_of(delivery)
    assert (attempt.success, len(attempt.response_body)) == (True, 16_384)


def test_an_answer_of_any_bytes_can_be_logged(receiver):
    def answer(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Latin: caf\xe9\r\n")
        for number in range(3):
            handler.wfile.write(b"X-Long-%d: %s\r\n" % (number, b"y" * 8000))
        handler.wfile.write(b"Content-Length: 6\r\n\r\n\x00\xff\xed\xa0\x80!")

    receiver.answers = [answer]
    delivery = make_callback(receiver.url)
    drain()
    (attempt,) = attempts_of(delivery)
    assert attempt.success
    assert attempt.response_headers["x-latin"] == "caf\ufffd"
    assert "x-long-1" in attempt.response_headers
    assert "x-long-2" not in attempt.response_headers
    assert (attempt.response_body[0], attempt.response_body[-1]) == ("\ufffd", "!")


def test_a_redirect_is_a_failure_and_is_not_followed(receiver):
    receiver.answers = [status(302, Location=receiver.url + "/elsewhere"), status(200)]
    delivery = make_callback(receiver.url)
    drain()
    assert len(receiver.received) == 1
    (attempt,) = attempts_of(delivery)
    assert (attempt.success, attempt.http_status, attempt.error_code) == (
        False,
        302,
        "redirect_refused",
    )


def test_a_private_address_is_refused_at_the_dial_and_logged(settings, receiver):
    settings.OUTBOUND_ALLOW_LOOPBACK = False
    delivery = make_callback("https://127.0.0.1.nip.example/")
    private = make_callback("https://10.1.2.3/hooks")
    drain()
    assert [row.error_code for row in attempts_of(private)] == ["invalid_url"]
    assert [row.error_code for row in attempts_of(delivery)] == ["dns_failed"]
    assert receiver.received == []


def test_410_ends_the_delivery_at_once_and_disables_the_subscription(receiver):
    client = make_client()
    subscription = make_subscription(receiver.url, client=client)
    receiver.answers = [status(410)]
    emit(client)
    drain()
    later = make_subscription(receiver.url, client=client)
    with tenancy.operator():
        subscription.refresh_from_db()
        assert Subscription.objects.get(id=later.id).status == "ACTIVE"
    assert subscription.status == "DISABLED"
    (delivery,) = all_deliveries()
    assert (delivery.status, delivery.attempt_count) == ("FAILED", 1)


def test_410_cancels_what_else_waits_for_that_subscription(receiver):
    client = make_client()
    make_subscription(receiver.url, client=client)
    receiver.answers = [status(500), status(410)]
    emit(client)
    drain()
    emit(client)
    drain()
    assert [delivery.status for delivery in all_deliveries()] == ["CANCELED", "FAILED"]


def test_a_delivery_of_a_dead_worker_is_sent_again_as_the_same_attempt(receiver):
    delivery = make_callback(receiver.url)
    (taken,) = claim(10)
    assert taken.id == str(delivery.id)
    assert drain() == 0

    with tenancy.operator():
        Delivery.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert drain() == 1
    assert [(received.id, received.attempt) for received in receiver.received] == [(delivery.webhook_id, 1)]

    late = Outcome(
        delivery=taken,
        started_at=timezone.now(),
        latency_ms=1,
        http_status=500,
        error_code="http_status",
    )
    assert attempts_settle(outcomes=[late]) == 0
    assert delivery_now(delivery).status == "DELIVERED"
    assert len(attempts_of(delivery)) == 1


def test_two_dispatchers_never_claim_the_same_delivery():
    client = make_client()
    for _ in range(6):
        make_callback("https://receiver.example/", client=client)
    first, second = claim(4), claim(4)
    assert (len(first), len(second)) == (4, 2)
    assert {one.id for one in first}.isdisjoint(two.id for two in second)


def test_a_lease_outlives_the_timeout():
    make_callback("https://receiver.example/", timeout_s=30)
    claim(1)
    (claimed,) = all_deliveries()
    assert claimed.lease_until > timezone.now() + timedelta(seconds=40)


def test_claims_are_shared_between_lanes():
    loud, quiet = make_client(), make_client()
    for _ in range(10):
        make_callback("https://loud.example/", client=loud)
    make_callback("https://quiet.example/", client=quiet)
    claimed = claim(6)
    assert sorted(delivery.url for delivery in claimed).count("https://quiet.example/") == 1
    assert len(claimed) == 7


def test_a_tenants_hanging_receivers_do_not_hold_up_anothers(receiver):
    """Even once they hold all the slots they can get."""
    hanging = make_client()
    receiver.answers = [receiver.hang]
    for _ in range(24):
        make_callback(receiver.url, client=hanging, timeout_s=2)
    other = Receiver()
    with ThreadPoolExecutor(1) as threads:
        drained = threads.submit(drain, slots=8, max_s=1.5)
        time.sleep(0.8)
        assert len(receiver.received) >= 4
        delivery = make_callback(other.url)
        drained.result()
    other.close()
    (attempt,) = attempts_of(delivery)
    assert attempt.created_at - delivery.created_at < timedelta(seconds=0.6)


@pytest.mark.parametrize(
    ("retry_after", "least_s", "most_s"),
    [
        ("120", 120, 120),
        ("5", 54, 66),
        ("99999999", 86_400, 86_400),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 54, 66),
        ("soon", 54, 66),
        ("-7", 54, 66),
        ("9" * 5000, 86_400, 86_400),
    ],
)
def test_retry_after_is_honoured_and_clamped(retry_after, least_s, most_s):
    outcome = Outcome(
        delivery=Delivery(retry_delay_s=60, backoff_multiplier=2),
        started_at=timezone.now(),
        latency_ms=1,
        response_headers={"retry-after": retry_after},
    )
    wait_s = retry_wait(outcome, now=timezone.now()).total_seconds()
    assert least_s <= wait_s <= most_s


def test_retry_after_as_a_date_is_honoured():
    now = timezone.now().replace(microsecond=0)
    later = (now + timedelta(minutes=10)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    outcome = Outcome(
        delivery=Delivery(retry_delay_s=1),
        started_at=now,
        latency_ms=1,
        response_headers={"retry-after": later},
    )
    assert retry_wait(outcome, now=now) == timedelta(minutes=10)


def test_waits_grow_by_the_multiplier_and_never_beyond_a_day():
    def wait_s(count, multiplier):
        delivery = Delivery(retry_delay_s=10, backoff_multiplier=multiplier, attempt_count=count)
        outcome = Outcome(delivery=delivery, started_at=timezone.now(), latency_ms=1)
        return retry_wait(outcome, now=timezone.now()).total_seconds()

    assert 9 <= wait_s(0, 3) <= 11
    assert 81 <= wait_s(2, 3) <= 99
    assert 77_000 <= wait_s(10, 1e300) <= 86_400


def test_a_resend_keeps_the_id_and_is_audited(receiver):
    receiver.answers = [status(500)]
    delivery = make_callback(receiver.url)
    for _ in range(3):
        drain()
        let_waits_pass()
    receiver.answers = [status(200)]
    with tenancy.operator():
        delivery_resend(delivery_id=delivery.id, actor=ACTOR)
    drain()
    assert [received.attempt for received in receiver.received] == [1, 2, 3, 4]
    assert {received.id for received in receiver.received} == {delivery.webhook_id}
    assert len({received.body for received in receiver.received}) == 1
    assert delivery_now(delivery).status == "DELIVERED"
    with tenancy.operator():
        entry = AuditEntry.objects.get(action="delivery.resent")
    assert (entry.actor, entry.target_id) == (ACTOR.name, str(delivery.id))


def test_a_resend_leaves_a_delivery_that_is_being_sent_alone():
    delivery = make_callback("https://receiver.example/")
    (claimed,) = claim(1)
    with tenancy.operator():
        delivery_resend(delivery_id=delivery.id, actor=ACTOR)
    assert delivery_now(delivery).lease_token == claimed.lease_token
    assert claim(1) == []


def test_the_command_retries_what_failed_and_counts(receiver, capsys):
    bad = Receiver()
    bad.answers = [status(500)]
    for url in (receiver.url, bad.url):
        make_callback(url, status="FAILED", attempt_count=3, response_code=500)
    make_callback(receiver.url, status="FAILED", attempt_count=1, response_code=410)
    call_command("retry_failed_webhooks")
    bad.close()
    assert capsys.readouterr().out == "total: 2, successful: 1, failed: 1\n"
    assert [received.attempt for received in receiver.received] == [4]
    assert sorted(delivery.status for delivery in all_deliveries()) == [
        "DELIVERED",
        "FAILED",
        "FAILED",
    ]


def test_500_deliveries_are_sent_concurrently_each_once(receiver):
    def slow(handler):
        time.sleep(0.05)
        status(200)(handler)

    receiver.answers = [slow]
    clients = [make_client(), make_client()]
    made = [make_callback(receiver.url, client=clients[index % 2]) for index in range(500)]
    started = time.monotonic()
    assert drain() == 500
    assert time.monotonic() - started < 12  # one after the other would take 25 s
    assert sorted(received.id for received in receiver.received) == sorted(one.webhook_id for one in made)
    assert {delivery.status for delivery in all_deliveries()} == {"DELIVERED"}


def test_a_secret_that_cannot_be_opened_fails_its_delivery_only(receiver):
    client = make_client()
    with tenancy.operator():
        type(client).objects.filter(id=client.id).update(webhook_secret_sealed=b"x" * 40)
    broken, fine = make_callback(receiver.url, client=client), make_callback(receiver.url)
    drain()
    assert [row.error_code for row in attempts_of(broken)] == ["internal_error"]
    assert delivery_now(fine).status == "DELIVERED"


def test_the_log_of_attempts_holds_no_secret(receiver):
    client = make_client()
    make_subscription(receiver.url, client=client)
    emit(client)
    drain()
    (delivery,) = all_deliveries()
    (attempt,) = attempts_of(delivery)
    assert "c3Vic2NyaXB0aW9uLXNlY3JldA" not in str(vars(attempt))
