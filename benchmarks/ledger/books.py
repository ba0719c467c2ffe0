"""Run in a process of the hub (benchmarks/remote.py): a campaign, an account of many entries, and reads."""

import os
import secrets
import time
from typing import Any
from uuid import UUID

import django

django.setup()

import psycopg  # noqa: E402 (needs the app registry)

from benchmarks.tenant import ACTOR  # noqa: E402
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

_SANDBOX = Environment.SANDBOX
_RECEIVABLE = AccountKey(Kind.NETWORK_RECEIVABLE, "EUR")
_REVENUE = AccountKey(Kind.PLATFORM_REVENUE, "EUR")
# Past the service, in lots, each a commit: the triggers keep the balances, and the constraint judges each.
_FILL = """
WITH made AS (
  INSERT INTO ledger_transaction (id, organization_id, environment, created_at, updated_at, kind,
    idempotency_key, source_type, description)
  SELECT gen_random_uuid(), %(organization)s, 'sandbox', now(), now(), 'conversion', %(lot)s || '-' || n, '',
    'Filled' FROM generate_series(1, %(count)s) n RETURNING id
)
INSERT INTO ledger_posting
  (organization_id, environment, transaction_id, account_id, amount_minor, created_at)
SELECT %(organization)s, 'sandbox', made.id, side.account, side.amount, now()
FROM made, (VALUES (%(receivable)s::uuid, 1000), (%(revenue)s::uuid, -1000)) AS side (account, amount)
"""
_LOT = 20_000


def campaign_create(secret: str) -> dict[str, str]:
    """An organization whose campaign has a link; and its network, whose postbacks the secret opens."""
    organization = organization_create(name="Ledger", slug=secrets.token_hex(6), actor=ACTOR)
    world = {"organization_id": organization.id, "environment": _SANDBOX}
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


def account_fill(organization_id: str, entries: int) -> float:
    """Post to one account so often, close its statement, and answer in how many seconds that closed."""
    from_service = Entry("conversion", "first", [Line(_RECEIVABLE, 1000), Line(_REVENUE, -1000)])
    with tenancy.tenant(organization_id, _SANDBOX):
        transaction_post(organization_id=UUID(organization_id), environment=_SANDBOX, entry=from_service)
        ids = {a.kind: a.id for a in Account.objects.filter(organization_id=organization_id)}
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as owner:
        owner.execute("SET hub.operator = 'on'")
        for lot in range(0, entries - 1, _LOT):
            owner.execute(
                _FILL,
                {
                    "organization": organization_id,
                    "lot": str(lot),
                    "count": min(_LOT, entries - 1 - lot),
                    "receivable": ids[Kind.NETWORK_RECEIVABLE],
                    "revenue": ids[Kind.PLATFORM_REVENUE],
                },
            )
        owner.execute("VACUUM ANALYZE")
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
