"""Demo data: a published site with pages, a shelf of deals behind it, and a publishable key."""

from uuid import UUID

from django.conf import settings
from django.utils import timezone

from catalog.models import Offer
from partners.services.audit import Actor
from rewards.services.campaigns import campaign_create
from rewards.services.links import link_create
from storefronts.models import PublishableKey, Site
from storefronts.services.content import navigation_set, page_save
from storefronts.services.publishable_keys import publishable_key_issue
from storefronts.services.sites import site_create

SLUG = "acme"
_DEALS = 12
_SHARE = 5_000
_TERMS = """## What this site is

We list offers of shops we like. When you buy through one of them, the shop pays us a commission, and we share
it with you.

## When you are paid

- The shop confirms your purchase, as a rule after its time for returns is over.
- Then your part is set aside for you and paid out.

## What we know about you

We count visits without knowing who you are. The shop you buy from has its own terms.
"""
_TERMS_HE = """## מה יש באתר

אנחנו מציגים הצעות של חנויות שאנחנו אוהבים. כשקונים דרך הצעה, החנות משלמת לנו עמלה, ואנחנו חולקים אותה איתך.

## מתי משלמים לך

- החנות מאשרת את הקנייה, בדרך כלל אחרי שעבר זמן ההחזרות שלה.
- אז החלק שלך נשמר עבורך ומשולם.

## מה אנחנו יודעים עליך

אנחנו סופרים ביקורים בלי לדעת מי מבקר. לחנות שבה קונים יש תנאים משלה.
"""


def storefront_fill(
    *, organization_id: UUID, environment: str, client_id: UUID, url: str, actor: Actor
) -> dict[str, str]:
    """The demo's site and key, made once; what the guide calls them, for the file of demo values."""
    _shelf_fill(organization_id, environment, client_id, actor)
    site = Site.objects.filter(slug=SLUG).first() or _site(organization_id, environment, actor)
    keys = PublishableKey.objects.live().for_organization(organization_id, environment)
    key = keys.filter(client_id=client_id).first() or publishable_key_issue(
        client_id=client_id, name="Our shop", origins=["http://localhost:3000"], actor=actor
    )
    scheme, _, rest = url.partition("://")
    port = rest.partition(":")[2].partition("/")[0]
    values = {"HUB_PUBLISHABLE_KEY": key.key}
    if settings.SITES_DOMAIN:
        values["HUB_SITE_URL"] = f"{scheme}://{site.own_hostname}" + (f":{port}" if port else "")
    return values


def _shelf_fill(organization_id: UUID, environment: str, client_id: UUID, actor: Actor) -> None:
    """A campaign with a link for each of the first open offers that have none of the client's."""
    offers = Offer.objects.for_organization(organization_id, environment).shown().open(at=timezone.now())
    for offer in offers.exclude(campaigns__client_id=client_id).order_by("name", "id")[:_DEALS]:
        campaign = campaign_create(
            offer=offer, client_id=client_id, actor=actor, name=f"Site: {offer.name}"[:200], share=_SHARE
        )
        link_create(campaign=campaign, actor=actor)


def _site(organization_id: UUID, environment: str, actor: Actor) -> Site:
    site = site_create(
        organization_id=organization_id,
        environment=environment,
        actor=actor,
        slug=SLUG,
        name="Acme Deals",
        tagline="Good things, and money back",
        tagline_he="דברים טובים, וכסף בחזרה",
        description="Shops we like, with a part of every purchase returned to you.",
        description_he="חנויות שאנחנו אוהבים, וחלק מכל קנייה חוזר אליך.",
        brand_hex="#0f766e",
        contact_email="hello@acme.example",
        is_published=True,
    )
    terms = page_save(
        site=site,
        page_id=None,
        actor=actor,
        title="Terms",
        title_he="תנאי שימוש",
        slug="terms",
        body=_TERMS,
        body_he=_TERMS_HE,
    )
    item = {"kind": "page", "label": "How it works", "label_he": "איך זה עובד", "page_id": terms.id}
    navigation_set(site=site, items=[item], actor=actor)
    return site
