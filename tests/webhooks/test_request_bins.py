"""Request bins: a receiver inside the hub."""

import io
import json
import logging

import pytest
from django.test import Client

from config import tenancy
from partners.models import AuditEntry
from tests.api_clients import CLIENTS, terms
from tests.factories import make_organization
from tests.people import Caller, make_member
from webhooks.dispatcher import drain
from webhooks.models import RequestBin
from webhooks.services import request_bins

BINS = "/api/v1/request-bins"


@pytest.fixture
def owner(organization):
    return Caller(make_member("owner", organization))


@pytest.fixture
def made(owner):
    answer = owner("post", BINS, {"name": "Try", "answerStatus": 200})
    assert answer.status_code == 201, answer.content
    return answer.json()


@pytest.fixture
def log():
    """What the process has written to its log since."""
    handler = next(one for one in logging.getLogger().handlers if type(one) is logging.StreamHandler)
    before = handler.setStream(io.StringIO())
    yield handler.stream.getvalue
    handler.setStream(before)


def path_of(url):
    return "/" + url.split("/", 3)[3]


def received(owner, made):
    return owner("get", f"{BINS}/{made['id']}/requests").json()["data"]


def test_a_bin_keeps_what_was_sent_to_it(owner, made):
    answer = Client().post(
        path_of(made["url"]), '{"a":1}', content_type="application/json", headers={"X-Mine": "yes"}
    )
    assert (answer.status_code, answer.content) == (200, b'{"received":true}')
    (one,) = received(owner, made)
    assert (one["method"], one["body"], one["bodyBytes"], one["verified"]) == ("POST", '{"a":1}', 7, None)
    assert one["headers"]["X-Mine"] == "yes"


def test_an_endpoint_that_sends_to_a_bin_is_delivered_and_verified(owner, made):
    client = owner("post", CLIENTS, terms()).json()
    webhooks = f"{CLIENTS}/{client['id']}/webhooks"
    webhook = owner("post", webhooks, {"url": made["url"], "events": ["*"]}).json()
    owner("post", f"{webhooks}/{webhook['id']}/test", {})
    drain()
    (one,) = received(owner, made)
    assert one["verified"] is True
    assert json.loads(one["body"])["type"] == "webhook.test"
    (delivery,) = owner("get", f"{webhooks}/{webhook['id']}/deliveries").json()["data"]
    assert (delivery["status"], delivery["responseCode"]) == ("DELIVERED", 200)
    forged = {"webhook-id": "1", "webhook-timestamp": "5", "webhook-signature": "v1,AAAA"}
    Client().post(path_of(made["url"]), "{}", content_type="application/json", headers=forged)
    assert received(owner, made)[0]["verified"] is False


def test_it_answers_as_it_was_told(owner):
    made = owner("post", BINS, {"name": "Try", "answerStatus": 503}).json()
    assert Client().put(path_of(made["url"]), "x", content_type="text/plain").status_code == 503
    assert owner("post", BINS, {"name": "Try", "answerStatus": 99}).status_code == 400


def test_it_fails_until_it_is_told_otherwise(owner, made):
    path = f"{BINS}/{made['id']}"
    assert owner("put", path, {"answerStatus": 500}).json()["answerStatus"] == 500
    webhooks = f"{CLIENTS}/{owner('post', CLIENTS, terms()).json()['id']}/webhooks"
    webhook = owner("post", webhooks, {"url": made["url"], "events": ["*"]}).json()
    deliveries = f"{webhooks}/{webhook['id']}/deliveries"
    owner("post", f"{webhooks}/{webhook['id']}/test", {})
    drain()
    (failed,) = owner("get", deliveries).json()["data"]
    assert (failed["status"], failed["responseCode"]) == ("FAILED", 500)
    changed = owner("put", path, {"answerStatus": 200}).json()
    assert (changed["name"], changed["url"]) == (made["name"], made["url"])
    owner("post", f"{deliveries}/{failed['id']}/resend", {})
    drain()
    assert owner("get", f"{deliveries}/{failed['id']}").json()["status"] == "DELIVERED"
    assert len(received(owner, made)) == 2
    assert owner("put", path, {"name": "Try", "answerStatus": 99}).status_code == 400
    stranger = Caller(make_member("owner", make_organization()))
    assert stranger("put", path, {"answerStatus": 500}).status_code == 404
    assert Client().post(path_of(made["url"]), "x", content_type="text/plain").status_code == 200
    with tenancy.operator():
        acts = AuditEntry.objects.filter(action="request_bin.changed").order_by("sequence")
        assert [entry.after for entry in acts] == [{"answer_status": 500}, {"answer_status": 200}]


def test_only_the_newest_requests_and_the_beginning_of_a_body_are_kept(owner, made, monkeypatch):
    monkeypatch.setattr(request_bins, "REQUESTS_KEPT", 3)
    for number in range(5):
        Client().post(path_of(made["url"]), f"{number}", content_type="text/plain")
    assert [one["body"] for one in received(owner, made)] == ["4", "3", "2"]
    Client().post(path_of(made["url"]), "x" * 200_000, content_type="text/plain")
    (one, *_) = received(owner, made)
    assert (len(one["body"]), one["bodyBytes"]) == (16_384, 200_000)


@pytest.mark.parametrize("token", ["x" * 43, "../../admin", "x", "", "a%0Ab%00"])
@pytest.mark.parametrize("method", ["get", "post", "put"])
def test_there_is_nothing_at_another_address(token, method):
    sender = Client(headers={"X-Request-Id": "mine-12345"})
    answer = getattr(sender, method)(f"/bins/{token}")
    assert (answer.status_code, answer["X-Request-Id"]) == (404, "mine-12345")
    assert answer.json() == {
        "error": "NOT_FOUND",
        "message": "Not found.",
        "details": {"retryable": False},
        "requestId": "mine-12345",
    }


def test_who_guesses_addresses_is_told_to_wait_and_nobody_else(owner, made, monkeypatch):
    monkeypatch.setattr(request_bins, "ANONYMOUS", request_bins.Limits(per_minute=2))
    guesser, other = Client(REMOTE_ADDR="198.51.100.7"), Client(REMOTE_ADDR="198.51.100.8")
    answers = [guesser.get(f"/bins/{number:043}") for number in range(3)]
    assert [answer.status_code for answer in answers] == [404, 404, 429]
    assert answers[-1].json()["error"] == "RATE_LIMIT_EXCEEDED"
    assert answers[-1].json()["retryAfter"] == int(answers[-1]["Retry-After"]) > 0
    assert guesser.get(path_of(made["url"])).status_code == 200, "what it knows it may send to"
    assert other.get(f"/bins/{3:043}").status_code == 404


def test_a_fault_of_ours_answers_the_one_error_body(made, monkeypatch):
    def break_down(**_):
        raise RuntimeError("broken")

    monkeypatch.setattr("webhooks.views.request_bins.request_bin_receive", break_down)
    answer = Client().post(path_of(made["url"]), "x", content_type="text/plain")
    assert (answer.status_code, answer.json()["error"]) == (500, "INTERNAL_SERVER_ERROR")
    assert "broken" not in answer.content.decode()


def test_no_log_line_holds_a_bins_token(owner, made, log):
    token = made["url"].rpartition("/")[2]
    owner("put", f"{BINS}/{made['id']}", {"answerStatus": 503})
    Client().post(f"{path_of(made['url'])}?a=1", "x", content_type="text/plain")
    assert "POST /bins/***?a=1" in log()
    assert token not in log()


def test_a_bin_that_is_over_receives_nothing_and_is_removed(owner, made):
    with tenancy.operator():
        RequestBin.objects.update(expires_at="2020-01-01T00:00:00Z")
    assert Client().post(path_of(made["url"]), "x", content_type="text/plain").status_code == 404
    request_bins.request_bins_clean_up()
    assert owner("get", BINS).json()["data"] == []


def test_another_organizations_bin_is_not_there(owner, made):
    stranger = Caller(make_member("owner", make_organization()))
    assert stranger("get", f"{BINS}/{made['id']}/requests").status_code == 404
    assert stranger("delete", f"{BINS}/{made['id']}").status_code == 404
    assert stranger("get", BINS).json()["data"] == []
    assert owner("delete", f"{BINS}/{made['id']}").status_code == 204


def test_an_organization_has_so_many_bins(owner, made, monkeypatch):
    monkeypatch.setattr(request_bins, "BINS_AN_ORGANIZATION", 1)
    answer = owner("post", BINS, {"name": "One too many"})
    assert (answer.status_code, answer.json()["error"]) == (409, "TOO_MANY_BINS")


def test_a_flood_is_told_to_wait(owner, made, monkeypatch):
    monkeypatch.setattr(request_bins, "_PACE", request_bins.Limits(per_minute=2))
    answers = [Client().post(path_of(made["url"]), "x", content_type="text/plain") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1].json()["error"] == "RATE_LIMIT_EXCEEDED"
    assert len(received(owner, made)) == 2


def test_a_dispatcher_waits_for_a_flooded_bin_as_long_as_it_asks(owner, made, monkeypatch):
    monkeypatch.setattr(request_bins, "_PACE", request_bins.Limits(per_minute=1))
    webhooks = f"{CLIENTS}/{owner('post', CLIENTS, terms()).json()['id']}/webhooks"
    webhook = owner("post", webhooks, {"url": made["url"], "events": ["*"]}).json()
    Client().post(path_of(made["url"]), "x", content_type="text/plain")
    sent = owner("post", f"{webhooks}/{webhook['id']}/test", {}).json()
    drain()
    delivery = owner("get", f"{webhooks}/{webhook['id']}/deliveries/{sent['id']}").json()
    assert delivery["responseCode"] == 429
    assert int(delivery["attempts"][0]["responseHeaders"]["retry-after"]) > 30


def test_a_status_without_a_body_has_none(owner, made):
    owner("put", f"{BINS}/{made['id']}", {"answerStatus": 204})
    answer = Client().post(path_of(made["url"]), "x", content_type="text/plain")
    assert (answer.status_code, answer.content) == (204, b"")
