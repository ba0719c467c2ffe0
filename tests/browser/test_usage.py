"""Usage and the request log in a browser: charts, filters, one request."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from credentials.usage import spool_ship
from tests.browser.sessions import sign_in
from tests.credentials.test_usage_rollups import line, spooled
from tests.factories import make_key, make_organization, make_super_admin

ENDPOINTS = ("/api/partner/v1/leads", "/api/partner/v1/jobs/{job_id}/status", "/api/partner/v1/calls/analyze")
ANSWERS = [(200, "")] * 12 + [
    (404, "NOT_FOUND"),
    (429, "RATE_LIMIT_EXCEEDED"),
    (500, "INTERNAL_SERVER_ERROR"),
]


@pytest.fixture
def used(tmp_path):
    """Some days of requests of three partners."""
    chance = random.Random(5)
    organization = make_organization(name="Acme Contact Centers")
    keys = [make_key(organization, name=name).key for name in ("Northwind", "Globex Rentals", "Initech")]
    now = datetime.now(UTC)
    lines = []
    for number in range(600):
        status, code = chance.choice(ANSWERS)
        endpoint = chance.choice(ENDPOINTS)
        lines.append(
            line(
                chance.choice([*keys, keys[0], None]),
                created_at=now - timedelta(minutes=chance.randrange(1440 if number % 3 else 9 * 1440)),
                endpoint=endpoint,
                path=endpoint.replace("{job_id}", str(number)),
                response_status=status,
                error_code=code,
                response_time_ms=round(chance.lognormvariate(2, 0.8), 3),
                request_id=f"request-{number:04}",
            )
        )
    spooled(tmp_path, lines)
    spool_ship(tmp_path)


def test_usage_and_one_of_its_requests(page, used, picture):
    sign_in(page, make_super_admin(full_name="Dana Admin"))
    page.goto("/dashboard/")
    page.get_by_role("link", name="Usage").first.click()
    page.locator(".chart canvas").nth(1).wait_for()
    page.get_by_label("Time", exact=True).select_option("30d")
    page.wait_for_url("**range=30d*")
    page.locator(".chart canvas").nth(1).wait_for()
    picture(page, "usage")
    page.get_by_label("Time zone").select_option("Asia/Kathmandu")
    page.wait_for_url("**zone=Asia*")
    page.locator(".chart canvas").nth(1).wait_for()
    assert page.get_by_text("per day, Asia/Kathmandu").is_visible()
    # the chart's legend names the zone too
    assert page.locator(".u-legend").first.get_by_text("Asia/Kathmandu").is_visible()
    page.get_by_text("The same as a table").first.click()
    assert page.get_by_role("columnheader", name="Day").is_visible()

    page.get_by_role("link", name="404").first.click()
    page.wait_for_url("**status=404*")
    rows = page.locator("tbody tr")
    assert all("404" in text for text in rows.all_inner_texts())
    page.get_by_label("Beginning of the path").fill("/api/partner/v1/jobs")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**path=*")
    assert "status=404" in page.url
    rows.first.locator("td a").first.click()
    page.wait_for_url("**/dashboard/requests/*")
    assert page.get_by_text("NOT_FOUND").is_visible()
