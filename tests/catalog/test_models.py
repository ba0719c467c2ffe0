"""What PostgreSQL itself holds the catalogue to."""

import pytest
from django.db import IntegrityError

from catalog.models import Brand, Offer
from config import tenancy
from tests.factories import make_organization
from tests.offers import make_brand, make_offer


def test_a_brands_new_name_reaches_its_offers():
    organization = make_organization()
    offer = make_offer(organization, brand=make_brand(organization, name="Nordwind"))
    with tenancy.tenant(organization.id, "sandbox"):
        Brand.objects.filter(id=offer.brand_id).update(name="Southwind")
        assert Offer.objects.get(search="southwind").brand_name == "Southwind"
        assert not Offer.objects.filter(search="nordwind").exists()


def test_an_offer_belongs_to_a_brand_of_its_own_organization():
    mine, theirs = make_organization(), make_organization()
    with pytest.raises(IntegrityError):
        make_offer(mine, brand=make_brand(theirs))
