"""What campaigns bring, by API and on the dashboard's pages."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from catalog.models import CatalogSync
from config import tenancy
from partners.models import AuditEntry
from rewards.models import Campaign, SmartLink
from tests.campaigns import make_campaign, make_conversion, make_link
from tests.factories import make_client, make_organization
from tests.offers import make_network, make_offer
from tests.people import browser, make_member


def add_clicks(link, number, *, at=None, bots=0):
    """Roll-up rows, as shipping makes them."""
    at = at or timezone.now()
    campaign = link.campaign
    with tenancy.operator(), connection.cursor() as cursor:
        for table, step in (("rewards_clicks_hourly", "hour"), ("rewards_clicks_daily", "day")):
            cursor.execute(
                f"INSERT INTO {table} VALUES (%s, %s, %s, %s, %s, date_trunc('{step}', %s, 'UTC'), %s, %s, 0)"
                " ON CONFLICT (link_id, starts_at) DO UPDATE SET clicks ="
                f" {table}.clicks + excluded.clicks, bots = {table}.bots + excluded.bots",
                [
                    campaign.organization_id, campaign.environment, campaign.client_id, campaign.id, link.id,
                    at, number, bots,
                ],
            )  # fmt: skip


@pytest.fixture
def owner(organization):
    return browser(make_member("owner", organization))


@pytest.fixture
def busy(link):
    """A link with 200 clicks of today, 100 of ten days ago, and four conversions."""
    add_clicks(link, 200, bots=7)
    add_clicks(link, 100, at=timezone.now() - timedelta(days=10))
    with tenancy.operator():
        campaign = Campaign.objects.select_related("offer").get(id=link.campaign_id)
    make_conversion(campaign, commission_minor=1_001)
    make_conversion(campaign, commission_minor=2_000)
    make_conversion(campaign, status="pending", commission_minor=500)
    make_conversion(campaign, status="rejected", commission_minor=9_000)
    return campaign


def chart(page, name):
    text = page.content.decode().split(f'<script id="{name}" type="application/json">')[1]
    return json.loads(text.split("</script>")[0])


def test_a_campaigns_performance_is_clicks_conversions_and_earnings(program, busy):
    found = program.get(f"/campaigns/{busy.id}").json()["performance"]
    assert found == {
        "clicks": 300,
        "conversions": 3,
        "conversion_rate": 1.0,
        "earnings": [
            {
                "currency": "USD",
                "revenue_minor": 3_001,
                "pending_minor": 500,
                "partner_minor": 901,
                "user_minor": 1_500,
                "epc": 10.0,
            }
        ],
    }
    assert program.get("/campaigns").json()["data"][0]["performance"] == found


def test_a_period_is_days_of_utc(program, busy):
    path = f"/campaigns/{busy.id}"
    then = (timezone.now() - timedelta(days=10)).astimezone(UTC).date()
    past = program.get(path, dateFrom=then.isoformat(), dateTo=then.isoformat()).json()["performance"]
    assert (past["clicks"], past["conversions"], past["earnings"]) == (100, 0, [])
    since = program.get(path, dateFrom=(then + timedelta(days=1)).isoformat()).json()["performance"]
    assert since["clicks"] == 200
    for wrong in ({"dateFrom": "soon"}, {"dateFrom": "2026-02-02", "dateTo": "2026-02-01"}):
        assert program.get(path, **wrong).status_code == 400
    assert program.get(path, dateTo="0001-01-01").json()["performance"]["clicks"] == 0
    assert program.get(path, dateFrom="9999-12-31").status_code in {200, 400}


def test_clicks_of_other_campaigns_are_theirs(program, organization, offer, link, busy):
    other = make_link(make_campaign(organization, offer=offer))
    add_clicks(other, 5)
    assert program.get(f"/campaigns/{busy.id}").json()["performance"]["clicks"] == 300


def test_the_performance_page_shows_figures_charts_and_tables(owner, organization, offer, busy):
    rival = make_link(make_campaign(organization, offer=offer, name="Rival"))
    add_clicks(rival, 40)
    page = owner.get("/dashboard/campaigns/performance", {"range": "7d"})
    assert page.status_code == 200
    assert page.context["totals"]["clicks"] == 240
    assert [row["campaign"].name for row in page.context["campaigns"]] == ["Spring", "Rival"]
    clicks = chart(page, "clicks-chart")
    assert (clicks["by"], len(clicks["labels"])) == ("day", 7)
    assert clicks["series"][0]["values"][-1] == 240
    revenue = chart(page, "revenue-chart")
    assert (revenue["series"][0]["label"], revenue["series"][0]["values"][-1]) == ("USD", 30.01)
    mine = owner.get("/dashboard/campaigns/performance", {"client": str(busy.client_id)})
    assert mine.context["totals"]["clicks"] == 300
    hours = owner.get("/dashboard/campaigns/performance", {"range": "24h"})
    assert (chart(hours, "clicks-chart")["by"], hours.context["totals"]["clicks"]) == ("hour", 240)


def test_the_performance_page_takes_dates(owner, busy):
    then = (timezone.now() - timedelta(days=10)).astimezone(UTC).date().isoformat()
    page = owner.get("/dashboard/campaigns/performance", {"from": then, "to": then})
    assert page.context["totals"]["clicks"] == 100
    wrong = owner.get("/dashboard/campaigns/performance", {"from": "2026-02-02", "to": "2026-02-01"})
    assert wrong.status_code == 200
    assert "Give two dates" in wrong.content.decode()
    for odd in ("\x00", "9999-99-99", "0001-01-01", "9999-12-31", "<script>"):
        answer = owner.get("/dashboard/campaigns/performance", {"from": odd})
        assert answer.status_code == 200
        assert b'<script>"' not in answer.content


def test_an_organization_sees_its_own_performance_and_a_super_admin_everybodys(owner, admin_client, busy):
    elsewhere = make_link(make_campaign(make_organization()))
    add_clicks(elsewhere, 11)
    path = "/dashboard/campaigns/performance"
    assert owner.get(path).context["totals"]["clicks"] == 300
    theirs = {"organization": str(elsewhere.organization_id)}
    assert owner.get(path, theirs).context["totals"]["clicks"] == 300
    assert admin_client.get(path).context["totals"]["clicks"] == 311
    assert admin_client.get(path, theirs).context["totals"]["clicks"] == 11


def test_people_make_campaigns_and_links(owner, organization, offer, key):
    assert "No campaigns yet" in owner.get("/dashboard/campaigns").content.decode()
    form = {"offer": str(offer.id), "client": str(key.key.client_id), "reward": "share", "share_pct": "33.33"}
    made = owner.post("/dashboard/campaigns/new", form)
    with tenancy.operator():
        campaign = Campaign.objects.get()
    assert made["Location"] == f"/dashboard/campaigns/{campaign.id}"
    assert (campaign.share, campaign.client_id, campaign.name) == (3333, key.key.client_id, offer.name)
    page = made["Location"]
    assert owner.post(f"{page}/links", {"utm_source": "mail", "sub_id": "a"}).status_code == 302
    refused = owner.post(f"{page}/links", {"deep_link": "https://evil.example/"})
    assert refused.status_code == 422
    with tenancy.operator():
        link = SmartLink.objects.get()
        assert AuditEntry.objects.filter(action__in=("campaign.create", "link.create")).count() == 2
    assert (link.utm, link.sub_id) == ({"source": "mail"}, "a")
    text = owner.get(page).content.decode()
    assert f"/r/{link.code}" in text
    assert f"/r/{link.code}/qr.svg" in text
    assert link.code in owner.get("/dashboard/campaigns/links", {"q": link.code}).content.decode()
    owner.post(f"/dashboard/links/{link.id}/move", {"status": "paused"})
    owner.post(f"{page}/move", {"status": "closed"})
    owner.post(f"{page}/move", {"status": "active"})
    with tenancy.operator():
        link.refresh_from_db()
        campaign.refresh_from_db()
    assert (link.status, campaign.status) == ("paused", "closed")


def test_a_flat_reward_is_written_in_major_units(owner, organization, key):
    network = make_network(organization)
    offer = make_offer(organization, network=network, commission_type="flat", commission_value=500)
    form = {"offer": str(offer.id), "client": str(key.key.client_id), "reward": "flat", "flat_reward": "5.01"}
    assert owner.post("/dashboard/campaigns/new", form).status_code == 422
    assert owner.post("/dashboard/campaigns/new", form | {"flat_reward": ""}).status_code == 422
    assert owner.post("/dashboard/campaigns/new", form | {"flat_reward": "5.00"}).status_code == 302
    with tenancy.operator():
        campaign = Campaign.objects.get()
    assert (campaign.flat_reward_minor, campaign.currency, campaign.share) == (500, "USD", None)


def test_a_campaign_stays_in_one_environment_and_organization(owner, organization, offer, key):
    production = make_client(organization, environment="production")
    theirs = make_offer(make_organization())
    form = {"offer": str(offer.id), "client": str(key.key.client_id), "reward": "share", "share_pct": "10"}
    assert owner.post("/dashboard/campaigns/new", form | {"client": str(production.id)}).status_code == 422
    assert owner.post("/dashboard/campaigns/new", form | {"offer": str(theirs.id)}).status_code == 422
    with tenancy.operator():
        assert not Campaign.objects.exists()


def test_members_look_and_strangers_find_nothing(organization, link):
    member, stranger = (
        browser(make_member("member", organization)),
        browser(make_member("owner", make_organization())),
    )
    page = f"/dashboard/campaigns/{link.campaign_id}"
    assert member.get(page).status_code == 200
    assert "Make a link" not in member.get(page).content.decode()
    assert member.post(f"{page}/move", {"status": "closed"}).status_code == 403
    assert member.post(f"{page}/links", {}).status_code == 403
    for path, form in ((f"{page}/move", {"status": "closed"}), (f"{page}/links", {})):
        assert stranger.post(path, form).status_code == 404
    assert stranger.post(f"/dashboard/links/{link.id}/move", {"status": "paused"}).status_code == 404
    assert stranger.get(page).status_code == 404
    with tenancy.operator():
        assert Campaign.objects.get().status == "active"
        assert SmartLink.objects.get().status == "active"


def test_lists_are_searched(owner, organization, offer, link):
    make_campaign(organization, offer=offer, name="Winter <b>sale</b>")
    text = owner.get("/dashboard/campaigns", {"q": "winter"}).content.decode()
    assert "Winter &lt;b&gt;sale" in text
    assert "Spring" not in text
    assert "No campaign matches" in owner.get("/dashboard/campaigns", {"status": "closed"}).content.decode()
    assert "No link matches" in owner.get("/dashboard/campaigns/links", {"q": "none"}).content.decode()


def test_monitoring_shows_times_errors_limits_and_syncs(
    organization, owner, admin_client, partner_with, shipped
):
    slow = partner_with("leads:read", requests_per_minute=1, name="Slow")
    assert [slow.leads().status_code for _ in range(3)] == [200, 429, 429]
    shipped()
    network = make_network(organization, name="Trackier one")
    with tenancy.tenant(organization.id, "sandbox"):
        CatalogSync.objects.create(
            organization=organization, environment="sandbox", network=network, started_by="schedule",
            status="failed", trouble={"code": "rate_limited", "message": "later", "at": "now"},
        )  # fmt: skip
    for person in (owner, admin_client):
        page = person.get("/dashboard/monitoring")
        assert page.status_code == 200
        seen = (page.context["violations"], page.context["totals"]["requests"])
        assert seen == (2, 3)
        assert page.context["keys"][0]["name"] == "Slow"
        assert sum(chart(page, "limits-chart")["series"][0]["values"]) == 2
        text = page.content.decode()
        assert "Trackier one" in text
        assert "rate_limited" in text
    other = browser(make_member("owner", make_organization())).get("/dashboard/monitoring")
    assert other.context["violations"] == 0
    assert "Trackier one" not in other.content.decode()


def test_days_of_the_charts_are_whole(owner, link):
    """A click just before midnight is of its own day."""
    midnight = datetime.combine(timezone.now().astimezone(UTC).date(), datetime.min.time(), tzinfo=UTC)
    add_clicks(link, 3, at=midnight - timedelta(seconds=1))
    add_clicks(link, 4, at=midnight)
    page = owner.get("/dashboard/campaigns/performance", {"range": "7d"})
    assert chart(page, "clicks-chart")["series"][0]["values"][-2:] == [3, 4]
