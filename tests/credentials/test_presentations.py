"""Contract 0.1: one credential, every way to present it."""

import re

from django.test import Client

from credentials.secrets import secret_generate, secret_is_well_formed
from tests.factories import make_key
from tests.partner import BASE, Partner

HEALTH = f"{BASE}/health"


def presentations(key):
    return {
        "document A": {"x-partner-api-key": key.raw},
        "documents A and D": {"Authorization": f"Bearer {key.raw}"},
        "document B": {
            "Authorization": f"Bearer {key.key.key_id}",
            "X-API-Secret": key.secret,
        },
        "document E": {"x-api-key": key.raw},
        "document D's underscore": {"Authorization": f"Bearer {key.key.key_id}_{key.secret}"},
        "lower-case scheme": {"Authorization": f"bearer {key.raw}"},
    }


def test_each_presentation_is_admitted(key):
    for form, headers in presentations(key).items():
        answer = Client().get(HEALTH, headers=headers)
        assert (answer.status_code, answer.json().get("status")) == (200, "ok"), form


def refused(headers):
    answer = Client().get(HEALTH, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (401, "UNAUTHORIZED")
    assert answer["WWW-Authenticate"].startswith("Bearer")
    return answer


def test_two_different_credentials_on_one_request_are_401(key):
    other = make_key()
    refused({"x-partner-api-key": key.raw, "Authorization": f"Bearer {other.raw}"})


def test_the_same_credential_twice_is_one(key):
    headers = {"x-partner-api-key": key.raw, "x-api-key": key.raw}
    assert Client().get(HEALTH, headers=headers).status_code == 200


def test_no_malformed_unknown_or_half_a_credential_is_admitted(key):
    unknown = f"pk_sandbox_{'A' * 12}.{secret_generate()}"
    wrong = f"{key.key.key_id}.{secret_generate()}"
    mistyped = key.raw[:-1] + ("0" if key.raw[-1] != "0" else "1")
    for headers in (
        {},
        {"x-partner-api-key": "nonsense"},
        {"x-partner-api-key": key.key.key_id},
        {"x-partner-api-key": unknown},
        {"x-partner-api-key": wrong},
        {"x-partner-api-key": mistyped},
        {"Authorization": f"Basic {key.raw}"},
        {"Authorization": f"Bearer {key.key.key_id}"},
        {"X-API-Secret": key.secret},
        {"Authorization": "Bearer at_nonsense"},
    ):
        refused(headers)


def test_the_form_of_keys_and_secrets(key):
    assert re.fullmatch(r"pk_sandbox_[0-9A-Za-z]{12}", key.key.key_id)
    assert re.fullmatch(r"sk_[0-9A-Za-z]{49}", key.secret)
    assert secret_is_well_formed(key.secret)
    assert not secret_is_well_formed(key.secret[:-2] + key.secret[-1] + key.secret[-2] + "x")
    production = make_key(environment="production")
    assert production.key.key_id.startswith("pk_production_")


def test_guesses_are_limited_by_address_and_cost_no_key_anything(key):
    statuses = [refused_or_limited() for _ in range(61)]
    assert statuses == [401] * 60 + [429]
    assert Partner(key).get("/health").status_code == 200


def refused_or_limited():
    return Client().get(HEALTH, headers={"x-partner-api-key": "nonsense"}).status_code
