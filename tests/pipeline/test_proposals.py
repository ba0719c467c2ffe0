"""The end customer's signed link: shown, answered once, over, replaced; and what is kept of the answer."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone

from config import tenancy
from config.log_masking import mask_paths
from pipeline.models import Proposal
from tests.pages.test_content_policy import check
from tests.pipeline.walking import announced, recorded

YES = {"answer": "accept", "name": "Ada Lovelace"}


@pytest.fixture
def customer():
    return Client(enforce_csrf_checks=False, headers={"User-Agent": "Customer's browser"})


def path_of(proposal):
    return urlsplit(proposal["acceptanceUrl"]).path


def test_the_customer_reads_and_accepts_once(seller, customer):
    proposal = seller.sent_proposal(
        title="Car <b>insurance</b>",
        terms="Pay within\n30 days.",
        customer={"name": "Ada & Co", "email": "ada@a.example"},
    )
    path = path_of(proposal)
    shown = customer.get(path)
    page = shown.content.decode()
    check(page)
    for text in ("Car &lt;b&gt;insurance", "Ada &amp; Co", "Pay within", "Glass", "₪1,425.64"):
        assert text in page, text
    policy = shown["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "form-action 'self'" in policy
    assert (shown["Referrer-Policy"], "no-store" in shown["Cache-Control"]) == ("same-origin", True)
    assert "noindex" in shown["X-Robots-Tag"]
    done = customer.post(path, YES, follow=True)
    assert "accepted by" in done.content.decode()
    kept = seller.fresh("proposals", proposal)
    assert (kept["status"], kept["decidedBy"], kept["decidedThrough"]) == ("accepted", "Ada Lovelace", "link")
    assert kept["decidedFrom"] == "127.0.0.1"
    with tenancy.operator():
        assert Proposal.objects.get().decided_with == "Customer's browser"
    assert announced()[-1] == "proposal.accepted"
    # the link is used up: it says so, and no more
    told = recorded()
    again = customer.post(path, {"answer": "decline", "name": "Eve", "reason": "x"})
    assert (again.status_code, recorded()) == (409, told)
    page = customer.get(path).content.decode()
    assert "Glass" not in page
    assert "Ada &amp; Co" not in page


def test_the_customer_declines(seller, customer):
    proposal = seller.sent_proposal()
    no = {"answer": "decline", "name": "Ada", "reason": "too dear"}
    assert "declined" in customer.post(path_of(proposal), no, follow=True).content.decode()
    kept = seller.fresh("proposals", proposal)
    assert (kept["status"], kept["reason"], kept["decidedBy"]) == ("rejected", "too dear", "Ada")
    assert announced()[-1] == "proposal.rejected"
    # the quote may be proposed anew
    assert seller.done("/proposals", {"quoteId": proposal["quoteId"]})["status"] == "draft"


def test_an_answer_without_a_name_or_a_choice_is_none(seller, customer):
    proposal = seller.sent_proposal()
    told = recorded()
    for body, status in (
        ({"answer": "accept"}, 422),
        ({"answer": "accept", "name": " "}, 422),
        ({"name": "Ada"}, 200),
        ({"answer": "perhaps", "name": "Ada"}, 200),
    ):
        assert customer.post(path_of(proposal), body).status_code == status
    assert (seller.fresh("proposals", proposal)["status"], recorded()) == ("sent", told)


def test_a_form_from_elsewhere_is_refused(seller):
    proposal = seller.sent_proposal()
    told = recorded()
    path, customer = path_of(proposal), Client(enforce_csrf_checks=True)
    assert customer.post(path, YES).status_code == 403
    token = {"csrfmiddlewaretoken": str(customer.get(path).context["csrf_token"])}
    # what a browser sends from a page that forbids every referrer
    assert customer.post(path, YES | token, headers={"Origin": "null"}).status_code == 403
    assert (seller.fresh("proposals", proposal)["status"], recorded()) == ("sent", told)
    assert customer.post(path, YES | token, headers={"Origin": "http://testserver"}).status_code == 302


def test_a_link_that_we_did_not_sign_is_404_and_one_that_is_over_410(seller, customer):
    proposal = seller.sent_proposal()
    path, told = path_of(proposal), recorded()
    for wrong in (
        path[:-1],
        path.replace(proposal["id"].replace("-", ""), "0" * 32),
        "/proposal/x",
        "/proposal/a:b",
    ):
        assert customer.get(wrong).status_code == customer.post(wrong, YES).status_code == 404
    with tenancy.operator():
        Proposal.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    for answer in (customer.get(path), customer.post(path, YES)):
        assert (answer.status_code, "Glass" in answer.content.decode()) == (410, False)
    assert (seller.fresh("proposals", proposal)["status"], recorded()) == ("sent", told)


def test_another_link_kills_the_first(seller, customer):
    proposal = seller.sent_proposal()
    renewed = seller.done(f"/proposals/{proposal['id']}/link")
    assert renewed["acceptanceUrl"] != proposal["acceptanceUrl"]
    assert customer.post(path_of(proposal), YES).status_code == 410
    assert customer.get(path_of(proposal)).status_code == 410
    assert seller.fresh("proposals", proposal)["status"] == "sent"
    assert customer.post(path_of(renewed), YES).status_code == 302
    assert seller.fresh("proposals", proposal)["status"] == "accepted"


def test_a_link_that_was_not_sent_does_not_work(seller, customer):
    """Somebody who knows the id of a draft has nothing."""
    draft = seller.proposal()
    sent = seller.sent_proposal()
    forged = path_of(sent).replace(sent["id"].replace("-", ""), draft["id"].replace("-", ""))
    assert customer.post(forged, YES).status_code == 404
    assert seller.fresh("proposals", draft)["status"] == "draft"


def test_two_answers_at_once_are_one(seller):
    proposal = seller.sent_proposal()
    path = path_of(proposal)

    def answer(kind):
        try:
            body = {"answer": kind, "name": kind, "reason": "x"}
            return Client().post(path, body).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(answer, ["accept", "decline"] * 3))
    assert sorted(answers) == [302] + [409] * 5
    assert len([kind for kind in announced() if kind in ("proposal.accepted", "proposal.rejected")]) == 1


def test_the_link_is_in_no_log_and_works_for_as_long_as_was_said(seller):
    proposal = seller.sent_proposal(validDays=3)
    masked = mask_paths(None, "info", {"request": f"POST {proposal['acceptanceUrl']}"})
    assert masked["request"] == f"POST {settings.HUB_URL}/proposal/***"
    with tenancy.operator():
        row = Proposal.objects.get()
    assert timedelta(days=2, hours=23) < row.expires_at - timezone.now() <= timedelta(days=3)
    assert seller.send("/proposals", {"quoteId": proposal["quoteId"], "validDays": 91}).status_code == 400
