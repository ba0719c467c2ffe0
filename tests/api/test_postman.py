"""The Postman collection, run by newman against the running server with a key of the dashboard's kind."""

import subprocess
from datetime import timedelta

import pytest
import yaml
from django.conf import settings
from django.utils import timezone

from bookings.services.resources import resource_create
from config import tenancy
from config.api.postman import collection
from credentials.scopes import PARTNER_SCOPES
from partners.models import Membership
from partners.services.organizations import member_add
from rentals.services.items import item_create
from tests.factories import ACTOR, make_key, make_organization, make_user
from tests.processes import Web
from tests.programs import node_parts, program

COLLECTION = settings.BASE_DIR / "docs" / "api" / "partner-v1.postman_collection.json"
NEWMAN = settings.BASE_DIR / "tests" / "api" / "newman"
ALWAYS = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


def test_newman_runs_the_collection_green(transactional_db):
    organization, person = make_organization(), make_user()
    member_add(organization=organization, user=person.user, role=Membership.Role.OWNER, actor=ACTOR)
    issued = make_key(organization, scopes=PARTNER_SCOPES, expires_at=timezone.now() + timedelta(days=1))
    tenant = {"organization_id": organization.id, "environment": "sandbox", "actor": ACTOR}
    with tenancy.operator():
        resource_create(**tenant, name="Room", opening_hours=ALWAYS, slot_minutes=60)
        item_create(**tenant, name="Drill", quantity=2, price_day_minor=5_000)
    program("node")
    newman = node_parts(NEWMAN) / "node_modules" / ".bin" / "newman"
    with Web() as web:
        values = {
            "baseUrl": web.url,
            "apiKey": issued.raw,
            "organizationId": str(organization.id),
            "ownerEmail": person.user.email,
            "ownerPassword": person.password,
        }
        given = [word for name, value in values.items() for word in ("--env-var", f"{name}={value}")]
        command = [str(newman), "run", str(COLLECTION), *given, "--color", "off", "--reporter-cli-no-banner"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout[-6000:]
    assert "assertions" in done.stdout


def test_an_endpoint_without_a_step_is_an_error():
    paths = yaml.safe_load((settings.BASE_DIR / "docs" / "openapi.yaml").read_text())["paths"]
    with pytest.raises(ValueError, match="No step of the collection does GET /api/partner/v1/thing"):
        collection({"paths": paths | {"/api/partner/v1/thing": {"get": {}}}})
    paths.pop("/api/partner/v1/health")
    with pytest.raises(ValueError, match="The API has no GET /api/partner/v1/health"):
        collection({"paths": paths})
