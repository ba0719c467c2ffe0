"""A network's catalogue is read page by page, once whatever happens, and what vanished is ended."""

import threading
from datetime import timedelta

import pytest
from django.utils import timezone

from catalog import catalog_sync
from catalog.adapters.base import NetworkBrand, NetworkOffer, Page
from catalog.adapters.registry import ADAPTERS
from catalog.exceptions import SyncRunning
from catalog.models import AffiliateNetwork, Brand, CatalogSync, CatalogVersion, Offer
from catalog.services import pages as pages_module
from catalog.services.offers import brand_update, offer_update
from catalog.services.syncs import sync_cancel, sync_start, syncs_start_due
from config import tenancy
from jobs.models import Job
from jobs.services.operations import job_rerun
from tests.engine import job_work
from tests.factories import ACTOR, make_organization
from tests.offers import make_network, make_offer
from webhooks.models import Event

HOST = "northtrail.example"


def run(network):
    """Start a run, have a worker take it, and answer it."""
    with tenancy.tenant(network.organization_id, network.environment):
        sync = sync_start(network_id=network.id, actor=ACTOR)
    assert job_work(queue="default")
    return again(sync)


def again(sync):
    with tenancy.operator():
        return CatalogSync.objects.select_related("job").get(id=sync.id)


def due_now():
    with tenancy.operator():
        Job.objects.update(due_at=timezone.now())


def offers():
    with tenancy.operator():
        return {offer.external_id: offer for offer in Offer.objects.select_related("brand")}


def counts(sync):
    names = ("seen", "created", "updated", "unchanged", "ended", "failed")
    return tuple(getattr(sync, f"{name}_count") for name in names)


def version():
    with tenancy.operator():
        return sum(CatalogVersion.objects.values_list("number", flat=True))


def differences(sync):
    with tenancy.operator():
        rows = sync.differences.order_by("id").select_related("offer")
        return [(row.action, row.offer.external_id, row.before, row.after) for row in rows]


def test_a_catalogue_becomes_brands_and_offers(network, trackier, campaign, pages_of):
    pages_of(2)
    trackier.campaigns = [
        campaign(1, "Trail shoes", host=HOST, payout=8.25, countries=["DE", "fr"]),
        campaign(2, "Rain &amp; jackets", host=HOST, description="<p>Dry &amp; warm</p><p>Light</p>"),
        campaign(
            3, "Parla yearly", host="parla.example", model="cpa", payout=12.5, currency="EUR",
            app_id="com.parla", app_name="Parla", category="Education",
            cap={"type": "conversion", "daily": 5, "monthly": 9, "lifetime": 100},
            creatives=[
                {"mime_type": "image/png", "full_url": "https://cdn.example/a.png"},
                {"mime_type": "text/html", "full_url": "https://cdn.example/a.html"},
            ],
        ),
        campaign(4, "Awaits approval", host=HOST, tracking_link=None),
        campaign(5, "Yen", host=HOST, model="cpl", payout=300, currency="JPY", payouts=[
            {"payout": 500, "variable": "p1"}, {"payout": 300},
        ]),
    ]  # fmt: skip
    sync = run(network)
    assert (sync.status, counts(sync), sync.page_count) == ("completed", (5, 5, 0, 0, 0, 0), 4)
    found = offers()
    shoes, coat, app, waiting, yen = (found[str(number)] for number in range(1, 6))
    assert (shoes.commission_type, shoes.commission_value, shoes.regions) == ("percentage", 825, ["DE", "FR"])
    assert (shoes.brand.name, shoes.brand.website) == ("Northtrail", f"https://www.{HOST}")
    assert (shoes.brand_id, coat.description) == (coat.brand_id, "Dry & warm\nLight")
    assert (app.commission_type, app.commission_value, app.commission_currency) == ("flat", 1250, "EUR")
    assert (app.daily_conversion_cap, app.total_conversion_cap) == (5, 100)
    assert (app.brand.name, app.image_urls) == ("Parla", ["https://cdn.example/a.png"])
    assert (waiting.status, yen.commission_value, shoes.slug) == ("paused", 300, "trail-shoes")
    assert [request.partition("?")[2] for request in trackier.requests][:2] == [
        "page=1&limit=2",
        "page=2&limit=2",
    ]
    with tenancy.operator():
        assert AffiliateNetwork.objects.get(id=network.id).last_synced_at == sync.completed_at
        assert not Event.objects.exists()


def test_the_same_catalogue_again_changes_nothing(network, trackier, campaign):
    trackier.campaigns = [campaign(number, f"Offer {number}", host=HOST) for number in (1, 2, 3)]
    run(network)
    before, number = offers(), version()
    sync = run(network)
    assert (counts(sync), differences(sync)) == ((3, 0, 0, 3, 0, 0), [])
    assert [one.updated_at for one in offers().values()] == [one.updated_at for one in before.values()]
    assert version() == number


def test_what_changed_is_told_with_before_and_after(network, trackier, campaign):
    trackier.campaigns = [campaign(1, "Shoes", host=HOST, payout=5), campaign(2, "Hats", host=HOST)]
    run(network)
    number = version()
    trackier.campaigns[0] = campaign(1, "Shoes, new", host=HOST, payout=6.5)
    sync = run(network)
    assert counts(sync) == (2, 0, 1, 1, 0, 0)
    assert differences(sync) == [
        (
            "updated",
            "1",
            {"name": "Shoes", "description": "Shoes", "commission_value": 500},
            {"name": "Shoes, new", "description": "Shoes, new", "commission_value": 650},
        )
    ]
    assert (offers()["1"].name, offers()["1"].commission_value) == ("Shoes, new", 650)
    assert version() == number + 1


def test_a_vanished_offer_is_ended_and_comes_back(network, trackier, campaign):
    trackier.campaigns = [campaign(1, "Shoes", host=HOST), campaign(2, "Hats", host=HOST)]
    run(network)
    (shoes, hats), trackier.requests = trackier.campaigns, []
    trackier.campaigns = [shoes]
    sync = run(network)
    assert (counts(sync), offers()["2"].status) == ((1, 0, 0, 1, 1, 0), "ended")
    assert differences(sync) == [("ended", "2", {"status": "active"}, {"status": "ended"})]
    assert len(trackier.requests) == 4  # looked for once more before it counted as gone
    assert counts(run(network)) == (1, 0, 0, 1, 0, 0)
    trackier.campaigns = [shoes, hats]
    assert (counts(run(network)), offers()["2"].status) == ((2, 0, 1, 1, 0, 0), "active")


def test_pages_that_shift_while_they_are_read_end_nothing(network, trackier, campaign, pages_of, monkeypatch):
    pages_of(2)
    trackier.campaigns = [campaign(number, f"Offer {number}", host=HOST) for number in (1, 2, 3, 4)]
    run(network)
    take = pages_module.page_take

    def shifting(*, sync, page):
        taken = take(sync=sync, page=page)
        if sync.page_count == 0:
            del trackier.campaigns[0]  # 3 moves from the second page to the first
        return taken

    monkeypatch.setattr(catalog_sync, "page_take", shifting)
    run(network)
    due_now()
    while job_work(queue="default"):
        due_now()
    with tenancy.operator():
        sync = CatalogSync.objects.latest("created_at")
    assert sync.status == "completed"
    assert {number: one.status for number, one in offers().items()} == {
        "1": "active", "2": "active", "3": "active", "4": "active",
    }  # fmt: skip
    assert counts(run(network))[4] == 1  # the next run finds that 1 is gone


def test_a_catalogue_cut_short_ends_nothing_and_is_read_again(network, trackier, campaign):
    trackier.campaigns = [campaign(number, f"Offer {number}", host=HOST) for number in (1, 2)]
    run(network)
    empty = b'{"success": true, "data": {"campaigns": [], "page": 1, "count": 2}}'
    trackier.interludes.append((200, {}, empty))
    sync = run(network)
    assert (sync.status, sync.trouble["code"], sync.job.status) == ("running", "catalogue_short", "queued")
    assert {one.status for one in offers().values()} == {"active"}
    due_now()
    assert job_work(queue="default")
    assert (again(sync).status, counts(again(sync))) == ("completed", (2, 0, 0, 2, 0, 0))


def test_an_outage_is_survived_where_it_struck(network, trackier, campaign, pages_of, monkeypatch):
    pages_of(1)
    trackier.campaigns = [campaign(number, f"Offer {number}", host=HOST) for number in (1, 2, 3)]
    take = pages_module.page_take

    def then_down(*, sync, page):
        trackier.outage = sync.page_count == 1
        return take(sync=sync, page=page)

    monkeypatch.setattr(catalog_sync, "page_take", then_down)
    sync = run(network)
    assert (sync.status, sync.page_count, sync.cursor, sync.job.status) == ("running", 2, "3", "queued")
    assert sync.trouble["code"] == "network_down"
    assert set(offers()) == {"1", "2"}
    trackier.outage, trackier.requests = False, []
    due_now()
    assert job_work(queue="default")
    sync = again(sync)
    assert (sync.status, counts(sync), sync.trouble) == ("completed", (3, 3, 0, 0, 0, 0), None)
    assert trackier.requests[0] == "/v2/publisher/campaigns?page=3&limit=1"


def test_a_worker_that_dies_behind_a_page_repeats_none(network, trackier, campaign, pages_of, monkeypatch):
    pages_of(1)
    trackier.campaigns = [campaign(number, f"Offer {number}", host=HOST) for number in (1, 2, 3)]
    take = pages_module.page_take

    def dying(*, sync, page):
        take(sync=sync, page=page)
        if sync.page_count == 1:
            raise RuntimeError("killed")

        return again_in_context(sync)

    def again_in_context(sync):
        with tenancy.operator():
            return CatalogSync.objects.select_related("network").get(id=sync.id)

    monkeypatch.setattr(catalog_sync, "page_take", dying)
    sync = run(network)
    assert sync.page_count == 1  # the transaction of the page that it died in left nothing
    monkeypatch.setattr(catalog_sync, "page_take", take)
    due_now()
    assert job_work(queue="default")
    assert (again(sync).status, counts(again(sync))) == ("completed", (3, 3, 0, 0, 0, 0))


def test_a_short_rate_limit_is_waited_out_and_a_long_one_is_kept_to(network, trackier, campaign):
    trackier.campaigns = [campaign(1, "Shoes", host=HOST)]
    trackier.interludes.append((429, {"Retry-After": "0"}, b"{}"))
    assert run(network).status == "completed"
    trackier.interludes.append((429, {"Retry-After": "3000"}, b"{}"))
    sync = run(network)
    assert (sync.status, sync.trouble["code"], sync.job.status) == ("running", "rate_limited", "queued")
    assert sync.job.due_at > timezone.now() + timedelta(seconds=2900)


def test_a_refused_key_fails_the_run_and_ends_nothing(network, trackier, campaign):
    trackier.campaigns = [campaign(1, "Shoes", host=HOST)]
    run(network)
    trackier.key = "another"
    sync = run(network)
    assert (sync.status, sync.trouble["code"]) == ("failed", "network_refused")
    assert "API Key" in sync.trouble["message"]
    assert offers()["1"].status == "active"
    trackier.key = "a-key"
    with tenancy.operator():
        job_rerun(job_id=sync.job_id, actor=ACTOR)
    assert job_work(queue="default")
    assert again(sync).status == "completed"


def test_what_cannot_be_taken_in_is_kept_and_its_offer_stands(network, trackier, campaign):
    trackier.campaigns = [campaign(1, "Shoes", host=HOST), campaign(2, "Hats", host=HOST)]
    run(network)
    trackier.campaigns = [
        campaign(1, "Shoes", host=HOST, payouts=[]),
        campaign(2, "", host=HOST),
        campaign(3, "Too much", host=HOST, payout=101),
        "nonsense",
        campaign(None, "Nameless", host=HOST),
        campaign(4, "Odd", host=HOST, model="cpa", payout=10**18),
    ]
    sync = run(network)
    assert (sync.status, counts(sync)) == ("completed", (6, 0, 0, 0, 0, 6))
    with tenancy.operator():
        rows = sync.failures.order_by("id")
        reasons = [(row.external_id, list(row.reasons)) for row in rows]
        assert rows[2].received["title"] == "Too much"
    assert reasons == [
        ("1", ["payouts"]), ("2", ["title"]), ("3", ["payouts"]), ("", ["campaign"]), ("", ["id"]),
        ("4", ["payouts"]),
    ]  # fmt: skip
    assert {number: one.status for number, one in offers().items()} == {"1": "active", "2": "active"}


def test_what_a_person_changed_no_run_undoes(network, trackier, campaign):
    trackier.campaigns = [campaign(1, "Shoes", host=HOST, payout=5)]
    run(network)
    offer = offers()["1"]
    with tenancy.tenant(network.organization_id, "sandbox"):
        offer_update(offer_id=offer.id, actor=ACTOR, name="Our shoes", is_hidden=True, status="paused")
        brand_update(brand_id=offer.brand_id, actor=ACTOR, name="North Trail")
    number = version()
    trackier.campaigns = [campaign(1, "Their shoes", host=HOST, payout=7)]
    run(network)
    ours = offers()["1"]
    assert (ours.name, ours.status, ours.is_hidden, ours.commission_value) == (
        "Our shoes",
        "paused",
        True,
        700,
    )
    assert (ours.brand.name, ours.brand_name) == ("North Trail", "North Trail")
    assert version() == number + 1
    with tenancy.tenant(network.organization_id, "sandbox"):
        offer_update(offer_id=offer.id, actor=ACTOR, restore=["name", "status"])
    theirs = offers()["1"]
    assert (theirs.name, theirs.status, theirs.overridden_fields) == ("Their shoes", "active", [])


def test_own_offers_and_other_networks_are_left_alone(organization, network, trackier, campaign):
    own = make_offer(organization)
    other = make_offer(organization, network=make_network(organization), external_id="1")
    foreign = make_offer(make_organization())
    trackier.campaigns = [campaign(1, "Shoes", host=HOST)]
    run(network)
    trackier.campaigns = []
    assert counts(run(network))[4] == 1
    with tenancy.operator():
        untouched = Offer.objects.filter(id__in=(own.id, other.id, foreign.id))
        assert {offer.status for offer in untouched} == {"active"}


def test_one_run_of_a_network_at_a_time(network):
    def start():
        try:
            with tenancy.tenant(network.organization_id, network.environment):
                results.append(sync_start(network_id=network.id, actor=ACTOR).id)
        except SyncRunning:
            results.append(None)

    results = []
    threads = [threading.Thread(target=start) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 5
    assert results.count(None) == 4
    with tenancy.operator():
        assert (CatalogSync.objects.count(), Job.objects.count()) == (1, 1)


def test_a_canceled_run_stops_and_the_next_may_begin(network, trackier, campaign):
    trackier.campaigns = [campaign(1, "Shoes", host=HOST)]
    with tenancy.tenant(network.organization_id, network.environment):
        sync = sync_start(network_id=network.id, actor=ACTOR)
        sync_cancel(sync_id=sync.id, actor=ACTOR)
    assert not job_work(queue="default")
    assert (again(sync).status, again(sync).job.status, offers()) == ("canceled", "canceled", {})
    assert run(network).status == "completed"


def test_the_timetable_starts_what_is_due_once(organization, network):
    make_network(organization, sync_every_minutes=0)
    make_network(organization, is_enabled=False)
    assert (syncs_start_due(), syncs_start_due()) == (1, 0)
    with tenancy.operator():
        sync = CatalogSync.objects.get()
        assert (sync.network_id, sync.started_by) == (network.id, "schedule")
        CatalogSync.objects.update(created_at=timezone.now() - timedelta(minutes=61), status="completed")
    assert syncs_start_due() == 1


@pytest.mark.parametrize("answer", [b"no json", b"[]", b'{"success": true}', b'{"data": {"campaigns": 3}}'])
def test_an_answer_that_makes_no_sense_is_asked_for_again(network, trackier, answer):
    trackier.interludes.append((200, {}, answer))
    sync = run(network)
    assert (sync.job.status, sync.trouble["code"]) in {
        ("queued", "no_json"),
        ("queued", "unexpected_answer"),
    }
    with tenancy.operator():
        assert not Brand.objects.exists()


def test_another_network_is_one_class(organization, monkeypatch):
    class Shelf:
        name, label, pace_s = "shelf", "Shelf", 0.0

        def __init__(self, access):
            self.key = access.credentials["api_key"]

        def page(self, cursor):
            brand = NetworkBrand("b", "Shelf brand")
            offer = NetworkOffer("o", brand, f"Of {self.key}", "flat", 500, "EUR", category="Books")
            return Page(offers=(offer,), seen=1, total=1)

    monkeypatch.setitem(ADAPTERS, "shelf", Shelf)
    sync = run(make_network(organization, adapter="shelf"))
    assert (sync.status, offers()["o"].name, offers()["o"].brand_name) == (
        "completed",
        "Of a-key",
        "Shelf brand",
    )
    monkeypatch.delitem(ADAPTERS, "shelf")
    with tenancy.operator():
        network = AffiliateNetwork.objects.get(adapter="shelf")
    assert run(network).trouble["code"] == "adapter_unknown"
