"""From the shell: the key form of contract B, and the demo data of `make run`."""

import io
import re

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from config import tenancy
from credentials.models import ApiKey
from credentials.scopes import PARTNER_SCOPES
from credentials.services.keys import CALL_ANALYSIS_SCOPES
from partners.models import Organization
from tests.factories import make_company, make_organization

HEALTH = "/api/partner/v1/health"


def run(command, *arguments, **options):
    out = io.StringIO()
    call_command(command, *arguments, stdout=out, **options)
    return out.getvalue()


def generate(*arguments):
    printed = run("generate_partner_api_key", "CompanyX Call Center", *arguments)
    raw = re.search(r"API key: +(\S+)", printed).group(1)
    with tenancy.operator():
        return raw, ApiKey.objects.get(key_id=raw.split(".")[0])


def test_a_key_is_generated_as_the_form_would(organization):
    raw, key = generate("--environment", "sandbox", "--expires-in-days", "30")
    assert Client().get(HEALTH, headers={"x-partner-api-key": raw}).status_code == 200
    assert (key.name, key.environment, key.organization_id) == (
        "CompanyX Call Center",
        "sandbox",
        organization.id,
    )
    assert set(key.scopes) == set(CALL_ANALYSIS_SCOPES)
    assert (key.expires_at - key.created_at).days in {29, 30}
    assert (key.requests_per_minute, key.created_by) == (1000, "manage.py generate_partner_api_key")


def test_a_key_is_bound_to_its_company_and_takes_its_organization(organization):
    company = make_company(make_organization())
    _, key = generate("--company", str(company.id))
    assert (key.company_id, key.organization_id) == (company.id, company.organization_id)


def test_several_organizations_must_be_told_apart(organization):
    other = make_organization()
    with pytest.raises(CommandError, match=other.slug):
        generate()
    assert generate("--organization", other.slug)[1].organization_id == other.id
    for bad in (("--company", "nonsense"), ("--organization", "nobody")):
        with pytest.raises(CommandError):
            generate(*bad)


@pytest.fixture
def state(settings, tmp_path):
    settings.STATE_DIR = tmp_path
    return tmp_path / "demo.env"


def values(file):
    return dict(line.replace("'", "").split("=", 1) for line in file.read_text().splitlines())


def test_demo_secrets_are_never_made_in_production(state):
    with pytest.raises(CommandError, match="DEBUG is off"):
        run("load_demo")
    assert not state.exists()
    with tenancy.operator():
        assert not Organization.objects.exists()


def test_the_demo_is_loaded_once_and_its_values_work(state):
    run("load_demo", url="http://127.0.0.1:1", even_without_debug=True)
    first = values(state)
    assert state.stat().st_mode & 0o077 == 0
    assert set(first) >= {
        "HUB_URL", "HUB_ADMIN_EMAIL", "HUB_ADMIN_PASSWORD", "HUB_ADMIN_TOKEN", "HUB_OWNER_EMAIL",
        "HUB_OWNER_PASSWORD", "HUB_ORGANIZATION_ID", "HUB_KEY", "HUB_KEY_ID", "HUB_SECRET",
        "HUB_OTHER_ORGANIZATION_ID", "HUB_OTHER_KEY",
    }  # fmt: skip
    run("load_demo", url="http://127.0.0.1:2", even_without_debug=True)
    assert values(state) == first | {"HUB_URL": "http://127.0.0.1:2"}

    for key in (first["HUB_KEY"], first["HUB_OTHER_KEY"]):
        assert Client().get(HEALTH, headers={"x-partner-api-key": key}).status_code == 200
    assert first["HUB_KEY"] == f"{first['HUB_KEY_ID']}.{first['HUB_SECRET']}"
    with tenancy.operator():
        assert set(ApiKey.objects.get(key_id=first["HUB_KEY_ID"]).scopes) == set(PARTNER_SCOPES)
    for person in ("ADMIN", "OWNER"):
        email, password = first[f"HUB_{person}_EMAIL"], first[f"HUB_{person}_PASSWORD"]
        assert Client().login(email=email, password=password)
    token = {"Authorization": f"Bearer {first['HUB_ADMIN_TOKEN']}"}
    query = {"organizationId": first["HUB_ORGANIZATION_ID"]}
    listed = Client().get("/partner/credentials", query, headers=token).json()
    assert [row["keyId"] for row in listed["data"]] == [first["HUB_KEY_ID"]]


def test_a_lost_file_is_made_anew_with_fresh_secrets(state):
    run("load_demo", even_without_debug=True)
    lost = values(state)
    state.unlink()
    run("load_demo", even_without_debug=True)
    fresh = values(state)
    assert fresh["HUB_ORGANIZATION_ID"] == lost["HUB_ORGANIZATION_ID"]
    assert fresh["HUB_KEY"] != lost["HUB_KEY"]
    headers = {"x-partner-api-key": fresh["HUB_KEY"]}
    assert Client().get(HEALTH, headers=headers).status_code == 200
    assert not Client().login(email=lost["HUB_ADMIN_EMAIL"], password=lost["HUB_ADMIN_PASSWORD"])
    assert Client().login(email=fresh["HUB_ADMIN_EMAIL"], password=fresh["HUB_ADMIN_PASSWORD"])
