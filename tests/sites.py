"""Sites for tests."""

import secrets

from config import tenancy
from storefronts.services.sites import site_create
from tests.factories import ACTOR


def make_site(organization, *, environment="sandbox", **terms):
    with tenancy.operator():
        return site_create(
            organization_id=organization.id,
            environment=environment,
            actor=ACTOR,
            **{"slug": f"site-{secrets.token_hex(4)}", "name": "Acme Deals", "tagline": "Money back"} | terms,
        )
