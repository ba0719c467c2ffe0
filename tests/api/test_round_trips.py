"""What a warm governed request asks of the stores, counted on the wire."""

import os
from urllib.parse import urlsplit

import pytest
from django.db import connection

from tests.faults.http import send
from tests.processes import Web
from tests.proxy import CountingProxy, postgres_socket

CALLS = 20


@pytest.mark.skipif(not os.environ["REDIS_URL"].startswith("unix://"), reason="counts on unix sockets")
def test_a_warm_list_is_one_round_trip_to_each_store(partner):
    partner.lead_post()
    host = connection.settings_dict["OPTIONS"].get("host") or connection.settings_dict["HOST"]
    store = urlsplit(os.environ["REDIS_URL"])
    path = f"/api/partner/v1/leads?organizationId={partner.organization_id}"
    headers = {"x-partner-api-key": partner.issued.raw}
    with (
        CountingProxy(postgres_socket(host), name=".s.PGSQL.5432") as postgres,
        CountingProxy(store.path, name="store.sock") as redis,
    ):
        environment = {
            "DATABASE_URL": os.environ["DATABASE_URL"].replace(host, str(postgres.path.parent)),
            "REDIS_URL": os.environ["REDIS_URL"].replace(store.path, str(redis.path)),
            "USAGE_SHIP_EVERY_S": "3600",
        }
        with Web(**environment) as web:
            measured = []
            for _ in range(4):  # a thread's first request connects it to the store
                before = (postgres.round_trips, redis.round_trips)
                for _ in range(CALLS):
                    assert send(web, "GET", path, headers=headers).status == 200
                measured.append((postgres.round_trips - before[0], redis.round_trips - before[1]))
    assert measured[-1] == (CALLS, CALLS) or measured[-2] == (CALLS, CALLS), measured
