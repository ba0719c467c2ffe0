"""The benchmark of deliveries: its receiver counts rightly, its checks notice, its targets are judged."""

import hashlib
import hmac
import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.processes import Process
from benchmarks.report import nearest_rank, verdicts
from benchmarks.webhooks import bare_client
from benchmarks.webhooks.contenders import HUB_ID, Bare, signed_by_hub, signed_by_peer
from benchmarks.webhooks.drain import Tenth
from benchmarks.webhooks.receiver import Received, Receiver, Request
from benchmarks.webhooks.receiver_program import hanging_host
from benchmarks.webhooks.report import Found, targets
from benchmarks.webhooks.rounds import Delivered, check
from config.embedded.state import SetUpError

BODY = '{"data":{"name":"Ada"}}'


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    with Receiver(SimpleNamespace(state=SimpleNamespace(log=tmp_path)), hanging=3) as receiver:
        yield receiver


def post(url: str, delivery_id: str, body: bytes = b"{}") -> None:
    urllib.request.urlopen(urllib.request.Request(url, body, {"webhook-id": delivery_id})).close()


def test_the_receiver_tells_ids_from_requests_and_starts_again_when_asked(receiver: Receiver):
    receiver.reset(pattern=HUB_ID)
    for delivery_id in ("a", "b", "a"):
        post(receiver.hook, delivery_id)
    received = receiver.received()
    assert (received.requests, set(received.arrived)) == (3, {"a", "b"})
    receiver.reset(pattern=HUB_ID)
    assert receiver.count() == {"requests": 0, "distinct": 0, "hanging": 0}


def test_the_receiver_answers_after_its_delay(receiver: Receiver):
    receiver.reset(pattern=HUB_ID, delay_s=0.2)
    started = time.monotonic()
    post(receiver.hook, "slow")
    assert time.monotonic() - started >= 0.2


def test_the_receiver_reads_requests_that_come_in_pieces_and_two_at_once(receiver: Receiver):
    receiver.reset(pattern=HUB_ID)
    one, two = (
        f"POST /hooks HTTP/1.1\r\nwebhook-id: {name}\r\nContent-Length: 2\r\n\r\n{{}}".encode()
        for name in ("first", "second")
    )
    with socket.create_connection(("127.0.0.1", receiver.port), timeout=5) as connection:
        for piece in (one[:30], one[30:-1]):
            connection.sendall(piece)
            time.sleep(0.05)  # or they would arrive as one
        connection.sendall(one[-1:] + two)
        answers = b""
        while answers.count(b"200 OK") < 2:
            answers += connection.recv(1000)
    assert set(receiver.received().arrived) == {"first", "second"}


def test_a_delivery_without_an_id_ends_the_run(receiver: Receiver):
    receiver.reset(pattern=r'"id": "(\w+)"')
    post(receiver.hook, "x", b'{"name": "Ada"}')
    with pytest.raises(SetUpError, match="1 deliveries had no id"):
        receiver.received()


def test_hanging_endpoints_take_a_request_and_say_nothing(receiver: Receiver):
    with socket.create_connection((hanging_host(2), receiver.port), timeout=0.3) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\n\r\n")
        with pytest.raises(TimeoutError):
            connection.recv(1)
    assert receiver.count()["hanging"] == 1


def test_the_bare_client_delivers_all_it_was_asked_for_and_signs_as_the_hub_does(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
):
    secret = "whsec_c3Vic2NyaXB0aW9uLXNlY3JldA=="
    monkeypatch.setattr("benchmarks.webhooks.contenders._SECRET", secret)
    receiver.reset(pattern=HUB_ID)
    ids = bare_client.post(receiver.port, secret, count=100, slots=7, body=BODY)
    received = receiver.received()
    assert set(received.arrived) == set(ids)
    assert len(received.sample) == 2
    assert all(signed_by_hub(request) for request in received.sample)
    assert not signed_by_hub(Request(received.sample[0].headers, b'{"data":{"name":"Eve"}}'))


def test_the_peers_signature_is_verified_too(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("benchmarks.webhooks.contenders._SECRET", "secret")
    signature = hmac.new(b"secret", b"17:{}", hashlib.sha256).hexdigest()
    headers = {"django-webhook-request-timestamp": "17", "django-webhook-signature-v1": signature}
    assert signed_by_peer(Request(headers, b"{}"))
    assert not signed_by_peer(Request(headers, b"[]"))


@pytest.mark.parametrize(
    ("arrived", "said"),
    [({"a": 1.0}, "1 never arrived"), ({"a": 1.0, "b": 1.0, "c": 1.0}, "1 arrived that nobody asked for")],
)
def test_what_is_missing_or_unasked_for_ends_the_run(arrived: dict[str, float], said: str):
    with pytest.raises(SetUpError, match=said):
        check(bare(), ["a", "b"], Received(len(arrived), arrived, []))


def test_a_wrong_signature_ends_the_run():
    headers = {
        "webhook-id": "a",
        "webhook-timestamp": "1",
        "webhook-signature": "v1,x",
        "x-partner-signature": "x",
    }
    with pytest.raises(SetUpError, match="signed wrongly"):
        check(bare(), ["a"], Received(1, {"a": 1.0}, [Request(headers, b"{}")]))


def bare() -> Bare:
    return Bare(process=SimpleNamespace(name="bare"), slots=1)


def delivered(name: str, rates: list[float]) -> Delivered:
    sender = bare()
    sender.name = name
    return Delivered(sender, rates=rates)


def test_the_targets_judge_the_medians_against_both_peers_at_each_delay():
    senders = [delivered("hub", [1, 2_000, 9_000]), delivered("p3", [99]), delivered("p3_tuned", [201])]
    found = Found(rounds=3, seconds=1, delivered={0: senders, 50: senders})
    lines = verdicts(targets(found))
    assert "| × django-webhook as installed, receiver at 0 ms | at least 20 | 20.20 | met |" in lines
    assert "| × django-webhook tuned, receiver at 50 ms | at least 10 | 9.95 | **not met** |" in lines
    met = "| deliveries a second from one process, receiver at 50 ms | at least 2,000 | 2,000 | met |"
    assert met in lines


def test_a_queue_that_slows_down_or_takes_memory_is_not_met():
    tenths = [Tenth(10, 100.0, 100), *[Tenth(10, 100.0, 100)] * 8, Tenth(10, 89.0, 106)]
    lines = verdicts(targets(Found(rounds=1, seconds=1, tenths=tenths)))
    assert "| rate of the last tenth of 100 ÷ the first | at least 0.9 | 0.89 | **not met** |" in lines
    assert "| memory after the last tenth ÷ after the first | at most 1.05 | 1.06 | **not met** |" in lines


def test_waits_are_judged_by_their_median_and_by_the_slowest_twentieth():
    found = Found(rounds=1, seconds=1, light=[0.05, 0.101, 9], beside_hanging=[1.0] * 19 + [5.1])
    lines = verdicts(targets(found))
    assert "| event to first attempt at light load, p50 | at most 100 ms | 101.00 ms | **not met** |" in lines
    hanging = "| first attempt beside 1,000 hanging endpoints, p95 | at most 5 s | 1.00 s | met |"
    assert hanging in lines
    found.beside_hanging = [1.0] * 18 + [5.1] * 2
    assert hanging not in verdicts(targets(found))


def test_the_nearest_rank_is_a_value_that_occurred():
    assert nearest_rank([3, 1, 2], 0.5) == 2
    assert nearest_rank([4, 1, 2, 3], 0.95) == 4


def test_a_process_that_stands_still_uses_nothing_and_stops_when_asked(tmp_path: Path):
    script = tmp_path / "spin.py"
    script.write_text("while True: pass")
    with Process(
        "spin", ["python3", str(script)], environment={"PATH": "/usr/bin:/bin"}, log=tmp_path
    ) as process:
        process.pause()
        before = process.cpu().total
        time.sleep(0.3)
        assert process.cpu().total == before
        process.resume()
        time.sleep(0.3)
        assert process.cpu().total > before
        process.pause()
    with pytest.raises(SetUpError, match="spin ended"):
        process.alive()
