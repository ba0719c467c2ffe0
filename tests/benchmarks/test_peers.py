"""The peers answer a lead as it is today, or the benchmark refuses to compare."""

import re

import pytest
from django.conf import settings

from leads.serializers import LeadOut

PEERS = settings.BASE_DIR / "benchmarks" / "peers"


@pytest.mark.parametrize("source", ["listing/views.py", "p2/server.mjs"])
def test_a_peer_names_every_field(source):
    words = set(re.findall(r"\w+", (PEERS / source).read_text()))
    assert set(LeadOut().fields) <= words
