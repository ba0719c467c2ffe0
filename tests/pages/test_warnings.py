"""The strip above every page: what a development setting leaves open, for those who can close it."""

import pytest
from django.test import Client

from partners.services.organizations import member_add
from tests.factories import ACTOR, make_organization, make_user

LOOPBACK = "OUTBOUND_ALLOW_LOOPBACK"


@pytest.mark.parametrize("is_allowed", [True, False])
def test_super_admins_see_that_webhooks_may_point_at_this_machine(settings, admin_client, is_allowed):
    settings.OUTBOUND_ALLOW_LOOPBACK = is_allowed
    assert (LOOPBACK in admin_client.get("/dashboard/").content.decode()) == is_allowed


def test_an_owner_sees_only_what_concerns_partners(settings):
    settings.OUTBOUND_ALLOW_LOOPBACK, settings.PARTNER_API_ENABLED = True, False
    owner = make_user()
    member_add(organization=make_organization(), user=owner.user, role="owner", actor=ACTOR)
    client = Client()
    client.force_login(owner.user)
    page = client.get("/dashboard/").content.decode()
    assert LOOPBACK not in page
    assert "switched off" in page
