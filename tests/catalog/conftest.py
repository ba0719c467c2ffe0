"""A network that answers on this machine, and the hub's row for it."""

import sys

import pytest
from django.conf import settings

from catalog.adapters import trackier as adapter
from tests.offers import make_network

sys.path.insert(0, str(settings.BASE_DIR / "examples"))

import trackier_server


@pytest.fixture
def campaign():
    return trackier_server.campaign


@pytest.fixture
def trackier(monkeypatch):
    """A Trackier with an empty catalogue and no limit, at `trackier.url`; the hub asks without pauses."""
    monkeypatch.setattr(adapter.Trackier, "pace_s", 0.0)
    network = trackier_server.TrackierNetwork([], key="a-key", rate=0)
    with trackier_server.serve(network) as url:
        network.url = url
        yield network


@pytest.fixture
def network(organization, trackier):
    return make_network(organization, base_url=trackier.url)


@pytest.fixture
def pages_of(monkeypatch):
    """Makes pages so small that few campaigns fill several."""
    return lambda size: monkeypatch.setattr(adapter, "PAGE_SIZE", size)
