"""Every page renders, and holds nothing that the Content-Security-Policy would block."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.template.loader import get_template, render_to_string
from django.test import Client
from django.urls import reverse

from tests.factories import make_key

TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
DATA_BLOCK = "application/json"


class _Page(HTMLParser):
    """Collects what a strict policy refuses, and the files that a page asks for."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.refused: list[str] = []
        self.files: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.refused += [f"{tag} {name}" for name in given if name == "style" or name.startswith("on")]
        if tag == "style" or (
            tag == "script" and not given.keys() & {"src"} and given.get("type") != DATA_BLOCK
        ):
            self.refused.append(f"inline {tag}")
        address = given.get("src") or (given.get("href") if tag == "link" else None) or ""
        if re.match(r"(https?:)?//", address):
            self.refused.append(f"foreign {address}")
        elif address.startswith(settings.STATIC_URL):
            self.files.append(address.removeprefix(settings.STATIC_URL))


def check(html: str) -> None:
    page = _Page(html)
    assert page.refused == []
    assert [name for name in page.files if not finders.find(name)] == []


DASHBOARD = [
    "dashboard-home",
    "partner-api-list",
    "partner-api-create",
    "dashboard-usage",
    "dashboard-requests",
    "dashboard-calls",
    "dashboard-call-new",
    "dashboard-jobs",
    "dashboard-webhooks",
    "dashboard-audit",
]


@pytest.mark.parametrize("name", DASHBOARD)
def test_a_dashboard_page_renders_under_the_policy(admin_client, partner, shipped, name):
    partner.get("/api/partner/v1/health")
    shipped()
    answer = admin_client.get(reverse(name))
    assert answer.status_code == 200
    html = answer.content.decode()
    check(html)
    assert html.count('aria-current="page"') == 1
    policy = answer["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy


def test_a_keys_page_and_its_dialogs_render_under_the_policy(admin_client):
    key = make_key(name="<b>Bold</b> & Co").key
    answer = admin_client.get(reverse("partner-api-detail", args=[key.pk]))
    html = answer.content.decode()
    check(html)
    assert "<b>Bold</b>" not in html
    assert 'data-confirm-value="&lt;b&gt;Bold&lt;/b&gt; &amp; Co"' in html


def test_a_requests_page_renders_under_the_policy(admin_client, partner, shipped):
    partner.get("/<b>bold</b>")
    shipped()
    (row,) = admin_client.get(reverse("dashboard-requests")).context["rows"]
    html = admin_client.get(reverse("dashboard-request", args=[row.pk])).content.decode()
    check(html)
    assert "<b>bold</b>" not in html


@pytest.mark.parametrize(
    "name", ["account_login", "account_reset_password", "mfa_index", "account_change_password"]
)
def test_an_account_page_renders_under_the_policy(admin_client, name):
    client = Client() if name in {"account_login", "account_reset_password"} else admin_client
    answer = client.get(reverse(name))
    assert answer.status_code == 200
    html = answer.content.decode()
    check(html)
    assert "gate-card" in html


def test_the_admin_renders_under_the_policy(admin_client):
    answer = admin_client.get(reverse("admin:index"))
    html = answer.content.decode()
    check(html)
    assert "hub/admin.css" in html


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "429", "500"])
def test_an_error_page_renders_without_a_request(name):
    html = render_to_string(f"{name}.html")
    check(html)
    assert name.split("_")[0] in html


def test_a_missing_page_answers_with_our_404(admin_client):
    answer = admin_client.get("/dashboard/nothing-here")
    assert answer.status_code == 404
    assert "gate-card" in answer.content.decode()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_a_template_compiles_and_is_short(path: Path):
    get_template(str(path.relative_to(settings.BASE_DIR / "templates")))
    assert len(path.read_text().splitlines()) <= 150


def test_every_icon_of_the_navigation_exists(admin_client):
    for item in admin_client.get(reverse("dashboard-home")).context["nav"]:
        get_template(f"dashboard/icons/{item['icon']}.svg")
