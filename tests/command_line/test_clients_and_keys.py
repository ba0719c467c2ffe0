"""`hub clients` and `hub keys`."""

import pytest
from django.test import Client

from config import tenancy
from credentials.models import ApiKey
from partners.models import ApiClient, AuditEntry
from tests.api_clients import client_acts, rows
from tests.factories import make_key, make_organization

HEALTH = "/api/partner/v1/health"
NEW = ("--email", "dev@acme.example", "--redirect-uri", "https://acme.example/back")


def admitted(raw):
    return Client().get(HEALTH, headers={"x-partner-api-key": raw}).status_code == 200


def audited():
    with tenancy.operator():
        return list(AuditEntry.objects.order_by("created_at").values_list("actor", "action"))


def test_a_client_is_made_with_what_the_api_asks_for(hub, organization):
    made = hub("clients", "create", "Acme", *NEW, "--scope", "leads:read", "--tier", "premium", "--json")
    assert made.code == 0, made.err
    shown = made.json
    assert (shown["name"], shown["rateLimitTier"], shown["scopes"]) == ("Acme", "PREMIUM", ["leads:read"])
    assert (shown["organizationId"], shown["environment"]) == (str(organization.id), "sandbox")
    assert shown["webhookSecret"].startswith("whsec_")
    ((action, _, after),) = client_acts(shown["id"])
    assert (action, after["contact_email"]) == ("client.created", "dev@acme.example")
    assert audited()[-1][0].startswith("hub (shell: ")
    for_people = hub("clients", "create", "Globex", *NEW)
    assert "Webhook secret: whsec_" in for_people.out
    assert "hand it on in private" in for_people.out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("Acme", "--email", "dev@acme.example", "--redirect-uri", "http://acme.example"), 1, "redirectUris"),
        (("Acme", *NEW, "--scope", "leads:eat"), 1, "scopes"),
        (("Acme", *NEW, "--organization", "nobody"), 1, "There is no organization nobody."),
        (("acme client", *NEW), 1, "name"),
        (("Acme",), 2, "--email"),
        (("Acme", *NEW, "--tier", "gold"), 2, "--tier"),
        (("Acme", *NEW, "--nonsense"), 2, "No such option"),
    ],
)
def test_a_client_that_cannot_be_is_refused(hub, organization, arguments, code, said):
    hub("clients", "create", "Acme Client", *NEW)
    before = rows(ApiClient), audited()
    refused = hub("clients", "create", *arguments)
    assert refused.code == code
    assert said in refused.err
    assert "Traceback" not in refused.err
    assert refused.out == ""
    assert (rows(ApiClient), audited()) == before


def test_clients_are_listed_found_and_shown(hub, organization):
    acme = make_key(organization, name="Acme").key
    make_key(organization, name="Globex", environment="production")
    other = make_key(make_organization(), name="Initech").key
    assert {row["name"] for row in hub("clients", "list", "--json").json["data"]} == {
        "Acme",
        "Globex",
        "Initech",
    }
    for narrowed, names in {
        ("--organization", organization.slug): {"Acme", "Globex"},
        ("--environment", "production"): {"Globex"},
        ("--search", "ACM"): {"Acme"},
        ("--status", "suspended"): set(),
        ("--organization", organization.slug, "--limit", "1"): {"Globex"},
    }.items():
        listed = hub("clients", "list", *narrowed, "--json").json["data"]
        assert {row["name"] for row in listed} == names, narrowed
        assert all(row["webhookSecret"] is None for row in listed)
    table = hub("clients", "list").out
    assert str(other.client_id) in table
    assert organization.slug in table
    assert "There is no such client." in hub("clients", "list", "--search", "nobody").out
    shown = hub("clients", "show", "acme", "--json").json
    assert [key["keyId"] for key in shown["apiKeys"]] == [acme.key_id]
    assert acme.key_id in hub("clients", "show", acme.client_id).out


def test_a_name_that_several_have_is_told_apart(hub, organization):
    mine = make_key(organization, name="Acme").key
    theirs = make_key(make_organization(), name="Acme").key
    several = hub("clients", "show", "Acme")
    assert several.code == 1
    assert str(mine.client_id) in several.err
    assert str(theirs.client_id) in several.err
    one = hub("clients", "show", "Acme", "--organization", organization.slug, "--json")
    assert one.json["id"] == str(mine.client_id)
    assert hub("clients", "show", "nobody").code == 1


def test_a_suspended_clients_keys_stop_at_once_and_start_again(hub, organization):
    key = make_key(organization, name="Acme")
    assert admitted(key.raw)
    unasked = hub("clients", "suspend", "Acme")
    assert (unasked.code, "--yes" in unasked.err) == (2, True)
    assert admitted(key.raw)
    assert hub("clients", "suspend", "Acme", "--yes").code == 0
    assert not admitted(key.raw)
    resumed = hub("clients", "resume", "Acme", "--json")
    assert resumed.json["status"] == "ACTIVE"
    assert admitted(key.raw)
    assert [action for action, _, _ in client_acts(key.key.client_id)] == [
        "client.suspended",
        "client.resumed",
    ]


def test_a_key_is_issued_rotated_and_revoked(hub, organization):
    client = "Acme"
    scopes = ("--scope", "leads:read", "--scope", "leads:write")
    assert hub("clients", "create", client, *NEW, *scopes).code == 0
    terms = ("--scope", "leads:read", "--expires-in-days", 30, "--burst", 5)
    issued = hub("keys", "issue", client, "--name", "Server", *terms, "--json").json
    assert admitted(issued["key"])
    assert issued["scopes"] == ["leads:read"]
    (key,) = rows(ApiKey)
    assert (key.burst, key.requests_per_minute, key.created_by[:12]) == (5, None, "hub (shell: ")
    listed = hub("keys", "list", "Acme", "--status", "active")
    assert issued["keyId"] in listed.out
    secret = issued["key"].split(".")[1]
    assert secret not in listed.out

    rotated = hub("keys", "rotate", issued["keyId"], "--grace-seconds", 600)
    assert "It is shown this once" in rotated.out
    raw = rotated.out.split("API key: ")[1].split()[0]
    assert admitted(raw)
    assert admitted(issued["key"]), "the old one has its grace"
    assert hub("keys", "revoke", issued["keyId"]).code == 2
    assert admitted(raw)
    assert hub("keys", "revoke", issued["keyId"], "--yes", "--json").json["status"] == "REVOKED"
    assert not admitted(raw)
    again = hub("keys", "rotate", issued["keyId"])
    assert (again.code, "revoked" in again.err) == (1, True)
    assert [action for action, _, _ in client_acts(key.id)] == ["key.issued", "key.rotated", "key.revoked"]
    with tenancy.operator():
        assert secret not in str(list(AuditEntry.objects.values()))


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("issue", "Acme", "--name", "K", "--scope", "calls:write"), 1, "does not hold"),
        (("issue", "Acme", "--name", ""), 1, "name"),
        (("issue", "Acme"), 2, "--name"),
        (("issue", "nobody", "--name", "K"), 1, "There is no client nobody."),
        (("issue", "Acme", "--name", "K", "--expires-in-days", "0"), 2, "--expires-in-days"),
        (("rotate", "pk_sandbox_nobodyhasit1"), 1, "There is no key"),
        (("rotate", "pk_sandbox_abc.sk_secret"), 1, "without the secret"),
        (("list", "Acme", "--status", "lost"), 2, "--status"),
        (("revoke", "--yes"), 2, "KEY"),
    ],
)
def test_what_cannot_be_done_with_keys_is_refused(hub, organization, arguments, code, said):
    make_key(organization, name="Acme", scopes=["leads:read"])
    before = rows(ApiKey), audited()
    refused = hub("keys", *arguments)
    assert (refused.code, said in refused.err) == (code, True), refused.err
    assert (rows(ApiKey), audited()) == before
