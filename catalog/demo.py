"""The demo's catalogue: a network that examples/trackier_server.py plays, read once, and an own offer."""

import json
import secrets
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from catalog.adapters.base import Page
from catalog.adapters.trackier import Trackier, campaigns_read
from catalog.models import AffiliateNetwork, CatalogSync
from catalog.services.networks import network_create, network_update
from catalog.services.offers import brand_create, offer_create
from catalog.services.pages import page_take
from partners.services.audit import Actor

# Where examples/trackier_server.py serves unless told otherwise, and the key it takes.
NETWORK_URL, NETWORK_KEY = "http://127.0.0.1:8099", "demo-key"
NETWORK_SLUG = "trackier"
_CAMPAIGNS = Path(settings.BASE_DIR) / "examples" / "trackier_campaigns.json"


def postback_secret_renew(*, organization_id: UUID, actor: Actor) -> str:
    """Give the demo's network a fresh secret for its postbacks, and answer it; in the operator's context."""
    networks = AffiliateNetwork.objects.for_organization(organization_id)
    secret = secrets.token_urlsafe(24)
    for network in networks.filter(slug=NETWORK_SLUG):
        network_update(network_id=network.id, postback_secret=secret, actor=actor)
    return secret


def catalog_fill(*, organization_id: UUID, environment: str, url: str, actor: Actor) -> None:
    """Fill an organization's catalogue, in its context; `url` is where the hub serves the pictures."""
    tenant: dict[str, Any] = {"organization_id": organization_id, "environment": environment}
    network = network_create(
        **tenant,
        name="Trackier (local)",
        slug=NETWORK_SLUG,
        adapter=Trackier.name,
        base_url=NETWORK_URL,
        credentials={"api_key": NETWORK_KEY},
        publisher_id="77",
        link_template=f"{NETWORK_URL}/click?campaign_id={{offer_id}}&pub_id={{publisher_id}}&p1={{click_id}}",
        sync_every_minutes=0,
        actor=actor,
    )
    text = _CAMPAIGNS.read_text(encoding="utf-8")
    text = text.replace("{base}", NETWORK_URL).replace("{images}", f"{url.rstrip('/')}/static/demo")
    offers, unreadable = campaigns_read(json.loads(text, parse_float=Decimal), network.currency)
    sync = CatalogSync.objects.create(
        **tenant,
        network=network,
        started_by=actor.name,
        status=CatalogSync.Status.RUNNING,
        started_at=timezone.now(),
    )
    page = Page(offers=offers, unreadable=unreadable, total=len(offers), seen=len(offers))
    sync = page_take(sync=sync, page=page)
    now = timezone.now()
    CatalogSync.objects.filter(id=sync.id).update(status=CatalogSync.Status.COMPLETED, completed_at=now)
    type(network).objects.filter(id=network.id).update(last_synced_at=now)
    brand = brand_create(**tenant, name="Acme", website="https://www.acme.example", actor=actor)
    offer_create(
        brand_id=brand.id,
        name="Bring a friend",
        category="Services",
        description="A friend signs, you both gain. No network is between us.",
        commission_type="flat",
        commission_value=10_000,
        commission_currency="ILS",
        default_share=10_000,
        tracking_url="https://www.acme.example/friends?ref={click_id}",
        preview_url="https://www.acme.example/friends",
        actor=actor,
    )
