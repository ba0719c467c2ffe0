"""A tenant with deals, somebody's page that shows them, and tabs that watch what breaks.

Set HUB_LOOK to a folder to keep screenshots of everything there.
"""

import io
import os

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import expect
from werkzeug import Response

from config import tenancy
from partners.models import Membership
from partners.services.organizations import member_add
from storefronts.services.content import navigation_set, page_save
from tests.browser.quality import WATCH
from tests.factories import ACTOR, make_client, make_organization, make_user
from tests.sites import make_deal, make_publishable_key, make_site

# other work may share the machine
expect.set_options(timeout=20_000)

DEALS = (
    (
        "Trail running shoes",
        "Stride",
        "Sport",
        (222, 92, 60),
        "Light shoes for long mountain days, with a sole that holds on wet rock.",
    ),
    (
        "A week of coffee",
        "Northroast",
        "Food",
        (94, 62, 42),
        "Seven small bags, each from another farm, roasted on the day they leave.",
    ),
    (
        "Noise-cancelling headphones",
        "Aurel",
        "Electronics",
        (52, 70, 120),
        "Thirty hours of quiet. They fold into a case that fits a coat's pocket.",
    ),
    (
        "Linen bedding",
        "Hearth & Fold",
        "Home",
        (170, 152, 128),
        "Stone-washed linen that gets softer every year, in nine plain colours.",
    ),
    (
        "City bike",
        "Velora",
        "Sport",
        (38, 120, 96),
        "Eight gears, a belt instead of a chain, and lights that never need a battery.",
    ),
    (
        "נעלי הליכה לכל יום",
        "שביל",
        "Sport",
        (120, 80, 150),
        "נעליים קלות ונוחות, לעיר ולשטח, עם משלוח חינם עד הבית.",
    ),
)


def picture_of(colour):
    """A picture such as offers have."""
    picture = Image.new("RGB", (960, 540), colour)
    draw = ImageDraw.Draw(picture)
    for step in range(9):
        shade = tuple(min(255, part + 9 * step) for part in colour)
        draw.ellipse((520 - 60 * step, 80 + 24 * step, 1000 - 40 * step, 620 - 12 * step), fill=shade)
    kept = io.BytesIO()
    picture.save(kept, "JPEG", quality=85)
    return kept.getvalue()


@pytest.fixture
def look():
    def take(page, name):
        if os.environ.get("HUB_LOOK"):
            page.screenshot(path=f"{os.environ['HUB_LOOK']}/{name}.png", full_page=True)

    return take


@pytest.fixture
def open_tab(browser, hub):
    """Tabs in which no script may fail and nothing may break a content policy."""
    problems, contexts = [], []

    def open_(**options):
        context = browser.new_context(base_url=hub, **{"viewport": {"width": 1280, "height": 900}} | options)
        context.add_init_script(WATCH)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
        return page

    yield open_
    for context in contexts:
        context.close()
    # refusals are asked for, an aborted request too; a preview's frame runs not even the tests' own script
    expected = ("status of 4", "net::ERR_FAILED", "about:srcdoc")
    assert [problem for problem in problems if not any(one in problem for one in expected)] == []


@pytest.fixture
def tenant(httpserver):
    """A partner with six deals, their pictures on a host of their brands."""
    organization = make_organization(name="Acme")
    client = make_client(organization, name="Acme Deals")
    client.organization = organization
    for number, (name, brand, category, colour, text) in enumerate(DEALS):
        httpserver.expect_request(f"/{number}.jpg").respond_with_data(
            picture_of(colour), content_type="image/jpeg"
        )
        make_deal(
            client,
            name,
            brand=brand,
            category=category,
            description=text,
            image_urls=[f"http://pictures.test:{httpserver.port}/{number}.jpg"],
            commission_value=500 + 150 * number,
        )
    return client


@pytest.fixture
def embed(httpserver, hub):
    """Serves somebody's page on http://shop.test with a strict policy; answers its address."""

    def serve(body, *, language="en", path="/"):
        policy = (
            f"default-src 'none'; script-src {hub}; connect-src {hub}; img-src data: http://pictures.test:*;"
            " style-src 'self'; base-uri 'none'; require-trusted-types-for 'script'"
        )
        scripts = "".join(
            f'<script src="{hub}/widgets/{name}.js" defer crossorigin></script>'
            for name in ("offer-grid", "deal-card")
        )
        direction = "rtl" if language == "he" else "ltr"
        html = (
            f'<!doctype html><html lang="{language}" dir="{direction}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width"><title>A shop of somebody</title>'
            '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">'
            f'<link rel="stylesheet" href="/shop.css">{scripts}</head><body><main><h1>Shop</h1>{body}</main>'
            "</body></html>"
        )
        httpserver.expect_request("/shop.css").respond_with_data(
            ":root { color-scheme: light dark } body { font-family: system-ui; margin: 2rem }"
            " main { max-width: 60rem; margin-inline: auto; display: grid; gap: 1.5rem }"
            " main > * { min-width: 0 } deal-card:not(:defined) { display: block; min-height: 13.5rem }",
            content_type="text/css",
        )
        headers = {"Content-Security-Policy": policy, "Content-Type": "text/html; charset=utf-8"}
        httpserver.expect_request(path).respond_with_handler(lambda _request: Response(html, headers=headers))
        return f"http://shop.test:{httpserver.port}{path}"

    return serve


@pytest.fixture
def owner(tenant):
    person = make_user()
    member_add(organization=tenant.organization, user=person.user, role=Membership.Role.OWNER, actor=ACTOR)
    return person


def key_for(client, httpserver):
    return make_publishable_key(client, f"http://shop.test:{httpserver.port}")


def elements(key, **more):
    given = {"tenant_id": key.organization_id, "publishable_key": key.key, "limit": 6} | more
    said = " ".join(f'{name}="{value}"' for name, value in given.items())
    return f"<deal-card {said}></deal-card><offer-grid {said}></offer-grid>"


def site_of(client, **terms):
    return make_site(
        client.organization,
        **{
            "slug": "acme",
            "name": "Acme Deals",
            "tagline": "Good things, and money back",
            "tagline_he": "דברים טובים, וכסף בחזרה",
            "description": "Shops we like, with a part of every purchase returned to you.",
            "description_he": "חנויות שאנחנו אוהבים, וחלק מכל קנייה חוזר אליך.",
            "brand_hex": "#0f766e",
            "contact_email": "hello@acme.example",
            "is_published": True,
        }
        | terms,
    )


def furnish(site):
    with tenancy.operator():
        terms = page_save(
            site=site,
            page_id=None,
            actor=ACTOR,
            title="Terms",
            title_he="תנאי שימוש",
            slug="terms",
            body="## Who we are\n\nWe are **Acme**. Write to [us](https://acme.example).\n\n- One\n- Two",
            body_he="## מי אנחנו\n\nאנחנו **אקמי**.\n\n- אחת\n- שתיים",
            in_footer=True,
        )
        navigation_set(
            site=site,
            actor=ACTOR,
            items=[
                {"kind": "category", "label": "Sport", "label_he": "ספורט", "category": "Sport"},
                {"kind": "page", "label": "Terms", "label_he": "תנאים", "page_id": terms.id},
            ],
        )
