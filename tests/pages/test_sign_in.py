"""The sign-in page counts tries before it looks at a password."""

import json

import pytest
import redis
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.factories import make_user

LOGIN = "/accounts/login/"


@pytest.fixture(autouse=True)
def one_minute():
    """Throttles count by the minute of the clock; a test stays in one."""
    with time_machine.travel(timezone.now(), tick=False):
        yield


def sign_in(login, password):
    return Client().post(LOGIN, {"login": login, "password": password})


def test_the_sign_in_page_is_ours_wherever_it_is_named():
    assert reverse("account_login") == LOGIN
    assert Client().get("/dashboard/")["Location"].startswith(LOGIN)
    assert Client().get("/admin/login/")["Location"].startswith(LOGIN)


def test_a_person_signs_in():
    person = make_user()
    assert sign_in(person.user.email, person.password)["Location"] == "/dashboard/"


def test_guessing_one_persons_password_is_throttled_even_with_the_right_one():
    person = make_user()
    statuses = [sign_in(person.user.email.upper(), "wrong").status_code for _ in range(5)]
    assert statuses == [200] * 5
    refused = sign_in(person.user.email, person.password)
    assert (refused.status_code, refused["Retry-After"]) == (429, "60")
    assert "sessionid" not in refused.cookies


def test_guessing_people_is_throttled_by_address():
    statuses = [sign_in(f"nobody{number}@hub.example", "wrong").status_code for number in range(20)]
    assert set(statuses) <= {200, 429}
    person = make_user()
    assert sign_in(person.user.email, person.password).status_code == 429


def test_the_page_and_the_token_endpoint_share_one_count():
    person = make_user()
    for _ in range(5):
        sign_in(person.user.email, "wrong")
    body = json.dumps({"email": person.user.email, "password": person.password})
    answer = Client().post("/partner/auth/token", body, content_type="application/json")
    assert answer.status_code == 429


def test_while_the_store_is_down_no_token_is_guessed_and_nothing_fails(no_store, monkeypatch):
    person = make_user()
    body = json.dumps({"email": person.user.email, "password": person.password})

    def refuse(*args, **kwargs):
        raise redis.ConnectionError("down")

    with monkeypatch.context() as down:
        down.setattr(redis.Redis, "execute_command", refuse)  # the cache's client too
        answer = Client().post("/partner/auth/token", body, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]) == (429, "RATE_LIMIT_EXCEEDED")
