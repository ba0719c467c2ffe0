"""Run in a process of the hub (benchmarks/remote.py): a campaign, an account of many entries, and reads."""

import gc
import secrets
import time
from typing import Any
from uuid import UUID

import django

django.setup()

from benchmarks.tenant import ACTOR  # noqa: E402 (needs the app registry)
from catalog.models import AffiliateNetwork, Brand, Offer  # noqa: E402
from config import tenancy  # noqa: E402
from config.encryption import seal  # noqa: E402
from config.tenancy import Environment  # noqa: E402
from ledger.models import Account, AccountKey, Kind  # noqa: E402
from ledger.selectors import balance_of, statement_page  # noqa: E402
from ledger.services.posting import Entry, Line, transaction_post  # noqa: E402
from ledger.services.upkeep import book_reconcile, statements_checkpoint  # noqa: E402
from partners.services.clients import client_get_or_create  # noqa: E402
from partners.services.organizations import organization_create  # noqa: E402
from rewards.models import Campaign, Conversion, SmartLink  # noqa: E402
from rewards.services.reconciling import rewards_check  # noqa: E402

# As a web process does (config/wsgi.py): a first look through all that is loaded is no part of a read.
gc.collect()
gc.freeze()

_SANDBOX = Environment.SANDBOX
_RECEIVABLE = AccountKey(Kind.NETWORK_RECEIVABLE, "EUR")
_REVENUE = AccountKey(Kind.PLATFORM_REVENUE, "EUR")


def campaign_create(secret: str) -> dict[str, str]:
    """An organization whose campaign has a link; and its network, whose postbacks the secret opens."""
    organization = organization_create(name="Ledger", slug=secrets.token_hex(6), actor=ACTOR)
    world: dict[str, Any] = {"organization_id": organization.id, "environment": _SANDBOX}
    with tenancy.operator():
        client = client_get_or_create(**world, name="Partner")
        network = AffiliateNetwork.objects.create(
            **world,
            name="Network",
            slug="network",
            adapter="trackier",
            base_url="https://network.example",
            credentials_sealed=b"",
            postback_secret_sealed=seal(secret.encode(), purpose="network-postback"),
            currency="EUR",
        )
        brand = Brand.objects.create(**world, name="Brand", slug="brand")
        offer = Offer.objects.create(
            **world,
            brand=brand,
            brand_name="Brand",
            network=network,
            external_id="1",
            name="Offer",
            slug="offer",
            commission_type="percentage",
            commission_value=1000,
            commission_currency="EUR",
        )
        campaign = Campaign.objects.create(**world, offer=offer, client=client, name="Spring", share=4000)
        # a reward has a user; each link has its own, as a partner's users do
        links = [SmartLink(**world, campaign=campaign, user_id=f"user-{n}") for n in range(500)]
        SmartLink.objects.bulk_create(links)
    return {
        "organization_id": str(organization.id),
        "network_id": str(network.id),
        "codes": ",".join(link.code for link in links),
    }


def accounts_open(organization_id: str) -> dict[str, str]:
    """Post once; answers the ids of the two accounts."""
    first = Entry("conversion", "first", [Line(_RECEIVABLE, 1000), Line(_REVENUE, -1000)])
    with tenancy.tenant(organization_id, _SANDBOX):
        transaction_post(organization_id=UUID(organization_id), environment=_SANDBOX, entry=first)
        accounts = Account.objects.filter(organization_id=organization_id)
        return {account.kind: str(account.id) for account in accounts}


def statement_close() -> float:
    """Close all statements; answers in how many seconds."""
    began = time.perf_counter()
    statements_checkpoint()
    return time.perf_counter() - began


def reads(organization_id: str, calls: int) -> dict[str, list[float]]:
    """Milliseconds of so many reads of the filled account: balance, first page, a page in its depth."""
    identity = UUID(organization_id)
    with tenancy.tenant(organization_id, _SANDBOX):
        account = Account.objects.get(id=_RECEIVABLE.id_in(identity, _SANDBOX))
        newest = statement_page(account)[0][0].id
    deep = newest // 2

    def timed(read: Any) -> list[float]:
        found = []
        for _ in range(calls):
            began = time.perf_counter()
            with tenancy.tenant(organization_id, _SANDBOX):
                read()
            found.append((time.perf_counter() - began) * 1000)
        return found

    return {
        "balance": timed(lambda: balance_of(_RECEIVABLE, organization_id=identity, environment=_SANDBOX)),
        "statement, first page": timed(lambda: statement_page(account)),
        "statement, half a million deep": timed(lambda: statement_page(account, before=deep)),
    }


def booked(organization_id: str) -> dict[str, int]:
    """What came of the postbacks: conversions, those received, the receivable, and what does not agree."""
    identity = UUID(organization_id)
    with tenancy.tenant(organization_id, _SANDBOX):
        conversions = Conversion.objects.count()
        receivable = balance_of(_RECEIVABLE, organization_id=identity, environment=_SANDBOX)
    differences = book_reconcile(
        organization_id=identity, environment=_SANDBOX, checks=[rewards_check]
    ).differences
    return {"conversions": conversions, "receivable": receivable, "differences": len(differences)}
