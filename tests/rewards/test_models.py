"""What PostgreSQL itself refuses of campaigns and links."""

import pytest
from django.db import IntegrityError

from tests.campaigns import make_campaign, make_link
from tests.factories import make_client, make_organization
from tests.offers import make_offer


@pytest.mark.parametrize(
    "reward",
    [
        {"share": None},
        {"share": 1, "flat_reward_minor": 1, "currency": "USD"},
        {"share": None, "flat_reward_minor": 1},
        {"share": 10_001},
    ],
)
def test_a_campaign_has_exactly_one_reward(reward):
    with pytest.raises(IntegrityError):
        make_campaign(**reward)


def test_a_campaign_belongs_to_the_organization_of_its_offer_and_client():
    theirs = make_offer(make_organization())
    with pytest.raises(IntegrityError):
        make_campaign(offer=theirs)
    with pytest.raises(IntegrityError):
        make_campaign(client=make_client())


def test_a_link_has_a_code_of_its_own():
    campaign = make_campaign()
    link = make_link(campaign)
    assert len(link.code) == 8
    with pytest.raises(IntegrityError):
        make_link(campaign, code=link.code)
    with pytest.raises(IntegrityError):
        make_link(campaign, code="../etc")
