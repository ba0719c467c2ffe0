"""`/r/CODE`: where links lead, and what is recorded of who follows them."""

import os
import subprocess
import sys
import threading
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.utils import timezone

from catalog.models import AffiliateNetwork, Offer
from config import tenancy
from config.api.gateway import Door, Gateway
from credentials.services.suspension import organization_change_status
from rewards.clicks import ClickSpool, clicks_ship
from rewards.door import is_link, link_answer
from rewards.models import Click
from rewards.rollups import clicks_clean_up
from rewards.selectors.attribution import attribution_of
from rewards.targets import Targets, targets
from tests.campaigns import make_campaign, make_link
from tests.conftest import owner_connection
from tests.factories import ACTOR
from tests.offers import make_brand, make_offer
from tests.rewards.conftest import BROWSER, unique_code

GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def recorded():
    with tenancy.operator():
        return list(Click.objects.order_by("id"))


def rolled_up(table="rewards_clicks_daily"):
    with tenancy.operator(), connection.cursor() as cursor:
        cursor.execute(f"SELECT sum(clicks), sum(bots), sum(prefetches) FROM {table}")
        return tuple(int(number or 0) for number in cursor.fetchone())


def query_of(answer):
    return parse_qs(urlsplit(answer["Location"]).query)


def change(model, pk, **values):
    with tenancy.operator():
        model.objects.filter(pk=pk).update(**values)


def test_a_click_is_sent_to_the_network_and_recorded(link, follow, clicks_shipped):
    answer = follow(link.code, Referer="https://blog.example/post?secret=1")
    assert answer.status_code == 302
    assert answer["Location"].startswith("https://go.network.example/click?")
    query = query_of(answer)
    assert (query["campaign_id"], query["pub_id"]) == (["4711"], ["77"])
    assert answer["Cache-Control"] == "no-store"
    assert answer["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert recorded() == []
    assert clicks_shipped() == 1
    (click,) = recorded()
    assert click.id == UUID(query["p1"][0])
    assert (click.link_id, click.campaign_id) == (link.id, link.campaign_id)
    assert (click.organization_id, click.environment) == (link.organization_id, "sandbox")
    assert (click.device, click.is_bot, click.is_prefetch) == ("desktop", False, False)
    assert click.referrer == "https://blog.example/post"
    assert abs(click.created_at - timezone.now()) < timedelta(minutes=1)
    assert (rolled_up(), rolled_up("rewards_clicks_hourly")) == ((1, 0, 0), (1, 0, 0))


def test_the_address_is_kept_only_as_a_hash_of_the_day(link, follow, clicks_shipped):
    for _ in range(2):
        follow(link.code)
    clicks_shipped()
    hashes = {bytes(click.ip_hash) for click in recorded()}
    assert len(hashes) == 1
    assert len(hashes.pop()) == 16
    with owner_connection() as owner:
        assert owner.execute("SELECT count(*) FROM rewards_click_salt").fetchone() == (1,)
        clicks_clean_up(now=timezone.now() + timedelta(days=3))
        assert owner.execute("SELECT count(*) FROM rewards_click_salt").fetchone() == (0,)


def test_ids_of_the_partners_own_come_with_the_click_or_the_link(organization, offer, follow, clicks_shipped):
    link = make_link(make_campaign(organization, offer=offer), user_id="u-link", sub_id="s\tlink")
    follow(link.code)
    follow(link.code, query="?user_id=u-2&sub_id=a%09b%00%ff")
    follow(link.code, query=f"?user_id={'x' * 300}")
    clicks_shipped()
    assert [(click.user_id, click.sub_id) for click in recorded()] == [
        ("u-link", "s\tlink"),
        ("u-2", "a\tb\ufffd"),
        ("x" * 120, "s\tlink"),
    ]


def test_bots_prefetches_and_heads_are_redirected_and_not_counted(link, follow, clicks_shipped):
    assert follow(link.code, **{"User-Agent": GOOGLEBOT}).status_code == 302
    assert follow(link.code, **{"User-Agent": ""}).status_code == 302
    for header, value in (
        ("Sec-Purpose", "prefetch;prerender"),
        ("Purpose", "prefetch"),
        ("X-Moz", "prefetch"),
    ):
        assert follow(link.code, **{header: value}).status_code == 302
    head = follow(link.code, "head")
    assert (head.status_code, head.content) == (302, b"")
    assert clicks_shipped() == 5
    assert sorted((click.is_bot, click.is_prefetch) for click in recorded()) == (
        [(False, True)] * 3 + [(True, False)] * 2
    )
    assert rolled_up() == (0, 2, 3)


@pytest.mark.parametrize("code", ["unknown1", "x", "a" * 40, "%2e%2e", "https:", "http:%5C%5Cevil.example"])
def test_an_unknown_code_is_a_plain_404(follow, clicks_shipped, code):
    answer = follow(code)
    assert answer.status_code == 404
    assert b"<h1>Link not found</h1>" in answer.content
    assert "Location" not in answer
    assert clicks_shipped() == 0


def test_nothing_of_the_request_decides_where_it_leads(link, follow):
    answer = follow(
        link.code, query="?url=https://evil.example&deep_link=//evil.example&p1=mine", Host="evil.example"
    )
    assert urlsplit(answer["Location"]).hostname == "go.network.example"
    assert "evil" not in answer["Location"]
    assert query_of(answer)["p1"] != ["mine"]


def test_other_methods_are_refused(link, client, clicks_shipped):
    answer = client.post(f"/r/{link.code}")
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")
    assert clicks_shipped() == 0


def test_a_link_leads_nowhere_while_it_or_what_it_is_made_of_is_not_active(
    link, offer, program, follow, clicks_shipped
):
    targets._check_every_s = 0.0
    try:
        assert follow(link.code).status_code == 302
        assert program.patch(f"/links/{link.id}", status="paused").status_code == 200
        assert follow(link.code).status_code == 410
        program.patch(f"/links/{link.id}", status="active")
        assert follow(link.code).status_code == 302
        for status in ("paused", "closed"):
            program.patch(f"/campaigns/{link.campaign_id}", status=status)
            assert follow(link.code).status_code == 410
        assert clicks_shipped() == 2
    finally:
        targets._check_every_s = 0.5


def test_a_suspended_organizations_links_lead_nowhere_until_it_is_back(link, follow, clicks_shipped):
    targets._check_every_s = 0.0
    try:
        answered = [follow(link.code).status_code]
        for status in ("suspended", "active"):
            with tenancy.operator():
                organization_change_status(organization_id=link.organization_id, status=status, actor=ACTOR)
            answered.append(follow(link.code).status_code)
        assert answered == [302, 410, 302]
        assert clicks_shipped() == 2
    finally:
        targets._check_every_s = 0.5


def test_offers_brands_and_networks_are_followed(link, offer, follow):
    every_time = Targets(check_every_s=0.0)
    assert every_time.find(link.code).leads_at(0.0)
    change(AffiliateNetwork, offer.network_id, publisher_id="78")
    assert "pub_id=78" in every_time.find(link.code).parts[0]
    change(Offer, offer.id, external_id="4712")
    assert "campaign_id=4712" in every_time.find(link.code).parts[0]
    change(type(offer.brand), offer.brand_id, status="inactive")
    assert not every_time.find(link.code).is_open
    change(type(offer.brand), offer.brand_id, status="active")
    ended = timezone.now() - timedelta(minutes=1)
    change(Offer, offer.id, ends_at=ended)
    assert not every_time.find(link.code).leads_at(timezone.now().timestamp())


def test_whoever_comes_after_half_a_second_sees_what_changed(link, program):
    assert targets._check_every_s == 0.5
    process = Targets(check_every_s=3600.0)
    assert process.find(link.code).is_open
    program.patch(f"/links/{link.id}", status="paused")
    assert process.find(link.code).is_open
    process._check_at = 0.0
    assert not process.find(link.code).is_open


def test_a_change_that_commits_late_is_not_missed(link):
    """Its transaction was open, and older than others, when a process looked."""
    process = Targets(check_every_s=0.0)
    with owner_connection() as late, owner_connection() as other:
        late.autocommit = False
        late.execute("SELECT set_config('hub.operator', 'on', true)")
        late.execute("UPDATE rewards_smartlink SET status = 'paused' WHERE id = %s", [link.id])
        other.execute("UPDATE rewards_smartlink SET status = status WHERE id <> %s", [link.id])
        assert process.find(link.code).is_open
        assert process.find(link.code).is_open
        late.commit()
        assert not process.find(link.code).is_open


def test_an_unchanged_link_asks_the_database_nothing_of_itself(link, follow, django_assert_num_queries):
    follow(link.code)
    with django_assert_num_queries(0):
        assert follow(link.code).status_code == 302


def test_known_links_go_on_leading_there_while_the_database_is_gone(
    link, offer, organization, follow, monkeypatch
):
    assert follow(link.code).status_code == 302
    unknown = make_link(make_campaign(organization, offer=offer))
    targets._check_at = 0.0

    def refuse(*_, **__):
        raise OperationalError("down")

    monkeypatch.setattr(connection, "cursor", refuse)
    monkeypatch.setattr(connection, "ensure_connection", refuse)
    assert follow(link.code).status_code == 302
    answer = follow(unknown.code)
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")


def test_no_more_links_are_kept_than_there_is_room_for(organization, offer):
    campaign = make_campaign(organization, offer=offer)
    small = Targets(size=2)
    for link in [make_link(campaign) for _ in range(4)]:
        assert small.find(link.code)
    assert len(small._found) == 2


def test_an_offer_of_ones_own_leads_to_its_site(organization, follow):
    brand = make_brand(organization, website="https://shop.example")
    offer = make_offer(organization, brand=brand, tracking_url="https://shop.example/landing?ref=hub")
    campaign = make_campaign(organization, offer=offer)
    plain = query_of(follow(make_link(campaign, utm={"source": "x&y"}).code))
    assert (plain["ref"], plain["utm_source"], len(plain["click_id"][0])) == (["hub"], ["x&y"], 32)
    deep = follow(make_link(campaign, deep_link="https://shop.example/shoes#top").code)
    assert deep["Location"].startswith("https://shop.example/shoes?click_id=")
    assert deep["Location"].endswith("#top")
    # the brand moved: what was its site is somebody else's now
    moved = make_link(campaign, deep_link="https://old.example/shoes")
    assert urlsplit(follow(moved.code)["Location"]).hostname == "shop.example"


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "https://x.example/\r\nSet-Cookie: a=b", "/r/x", "nonsense"]
)
def test_an_address_that_is_none_of_the_webs_is_not_sent(organization, follow, address):
    offer = make_offer(organization, tracking_url=address)
    answer = follow(make_link(make_campaign(organization, offer=offer)).code)
    assert answer.status_code == 410
    assert "Location" not in answer


def test_the_gateway_answers_links_before_djangos_handler(link, clicks_shipped):
    def pages(environ, start_response):
        start_response("200 OK", [])
        return [b"page"]

    gateway = Gateway(pages, is_api_path=lambda path: False, answer=None, doors=(Door(is_link, link_answer),))
    seen = []

    def call(path, method="GET"):
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "HTTP_USER_AGENT": BROWSER,
            "REMOTE_ADDR": "192.0.2.1",
        }
        return b"".join(gateway(environ, lambda status, headers: seen.append((status, dict(headers)))))

    assert call(f"/r/{link.code}") == b""
    assert seen[0][0] == "302 Found"
    assert seen[0][1]["Location"].startswith("https://go.network.example/")
    assert call(f"/r/{link.code}/qr.svg") == b"page"
    assert call("/dashboard/") == b"page"
    assert clicks_shipped() == 1


def test_clicks_shipped_twice_count_once(link, follow, tmp_path):
    spool = ClickSpool(tmp_path)
    target = Targets().find(link.code)
    for n in range(3):
        spool.append(
            click_id=f"0192f5d2{n:04x}7000800000000000{n:04x}", columns=target.columns, own=target.own,
            address="192.0.2.1", user_agent=BROWSER, referrer="", is_prefetch=False,
        )  # fmt: skip
    full = spool.rotate()
    copy = full.read_bytes()
    assert clicks_ship(tmp_path) == 3
    (tmp_path / f"{os.getpid()}-1.rows").write_bytes(copy)
    assert clicks_ship(tmp_path) == 3
    assert rolled_up() == (3, 0, 0)


def test_a_killed_process_loses_no_click(link, tmp_path):
    code = (
        "import django, os, signal; django.setup(); from pathlib import Path;"
        "from rewards import clicks as c, door; door.clicks = c.ClickSpool(Path(os.environ['SPOOL']));"
        "e = {'REQUEST_METHOD': 'GET', 'PATH_INFO': '/r/' + os.environ['CODE'], 'HTTP_USER_AGENT': 'Fox'};"
        "assert all(door.link_answer(e)[0] == '302 Found' for _ in range(20));"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    environment = os.environ | {"SPOOL": str(tmp_path), "CODE": link.code, "USAGE_SHIP_EVERY_S": "3600"}
    run = subprocess.run([sys.executable, "-c", code], env=environment, cwd=settings.BASE_DIR, check=False)
    assert run.returncode == -9
    assert recorded() == []
    assert clicks_ship(tmp_path) == 20
    assert len({click.id for click in recorded()}) == 20


def test_many_threads_lose_and_double_no_click(link, tmp_path):
    spool, target = ClickSpool(tmp_path), Targets().find(link.code)

    def click(n):
        for m in range(50):
            spool.append(
                click_id=f"0192f5d2{n:04x}70008000000000{m:06x}", columns=target.columns, own=target.own,
                address="192.0.2.1", user_agent=BROWSER, referrer="", is_prefetch=False,
            )  # fmt: skip
            if m % 10 == 0:
                spool.rotate()

    threads = [threading.Thread(target=click, args=[n]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spool.rotate()
    assert clicks_ship(tmp_path) == 400
    assert rolled_up() == (400, 0, 0)


def test_a_conversion_finds_its_click_or_its_link(link, follow, clicks_shipped, organization):
    click_id = query_of(follow(link.code, query="?user_id=u-9"))["p1"][0]
    clicks_shipped()
    with tenancy.tenant(organization.id, "sandbox"):
        found = attribution_of(click_id)
        assert (found.link.id, found.click.id, found.user_id) == (link.id, UUID(click_id), "u-9")
        assert found.link.campaign.id == link.campaign_id
        raw = attribution_of(f"{link.code}.own-7")
        assert (raw.link.id, raw.click, raw.sub_id) == (link.id, None, "own-7")
        assert attribution_of(f"{link.code}.{{click_id}}").sub_id == ""
        for nothing in ("", "nothing", unique_code(), str(UUID(int=0)), "f" * 32, "{click_id}"):
            assert attribution_of(nothing) is None
    with tenancy.tenant(organization.id, "production"):
        assert attribution_of(click_id) is None
        assert attribution_of(link.code) is None
