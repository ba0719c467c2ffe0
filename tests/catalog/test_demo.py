"""The demo's catalogue is what the example's server says."""

import trackier_server

from catalog.demo import NETWORK_KEY, catalog_fill, postback_secret_renew
from catalog.models import AffiliateNetwork, Offer
from catalog.services.networks import network_postback_secret
from config import tenancy
from tests.catalog.test_syncs import counts, run
from tests.factories import ACTOR


def test_the_demos_network_can_be_read_from_the_example_without_a_difference(organization, trackier):
    with tenancy.operator():
        catalog_fill(
            organization_id=organization.id, environment="sandbox", url="http://127.0.0.1:8000", actor=ACTOR
        )
        secret = postback_secret_renew(organization_id=organization.id, actor=ACTOR)
        network = AffiliateNetwork.objects.get()
        assert network_postback_secret(network) == secret
        assert Offer.objects.filter(status="active").count() == 13
        AffiliateNetwork.objects.update(base_url=trackier.url)
    trackier.key, trackier.campaigns = NETWORK_KEY, trackier_server.demo_campaigns()
    assert counts(run(network)) == (12, 0, 0, 12, 0, 0)
