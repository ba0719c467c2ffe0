"""A campaign with a link, and the network that reports what came of it."""

import itertools
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from config import tenancy
from config.encryption import seal
from ledger.models import Account
from ledger.selectors import accounts_with_balances
from ledger.services.upkeep import book_reconcile
from rewards.models import Conversion, Reward, RewardTerms
from rewards.postback_doors import _doors
from rewards.providers.bank_file import Account as BankAccount
from rewards.services.payees import payee_set, terms_set
from rewards.services.reconciling import rewards_check
from tests.campaigns import make_campaign, make_link
from tests.conftest import owner_connection
from tests.factories import ACTOR, SANDBOX, make_client, make_organization
from tests.offers import make_network, make_offer

SECRET = "postback-secret"
IBAN, OTHER_IBAN = "DE89370400440532013000", "GB33BUKB20201555555555"
_numbers = itertools.count(1)


@dataclass
class Shop:
    """A network, an offer, a campaign and a link of one tenant; EUR, 40 % to the user, nothing on hold."""

    organization: Any
    network: Any
    offer: Any
    client: Any
    campaign: Any
    link: Any
    browser: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def postback(self, transaction: str | None = None, **given: Any) -> HttpResponse:
        """What the network sends; a click of the link's own user unless told otherwise."""
        parameters = {
            "txn_id": transaction or f"t-{next(_numbers)}",
            "click_id": f"{self.link.code}.x",
            "payout": "10.00",
            "status": "approved",
            "secret": SECRET,
        } | given
        return self.browser.get(f"/postbacks/{self.network.id}", parameters)

    def conversion(self, transaction: str) -> Conversion:
        with tenancy.tenant(self.organization.id, SANDBOX):
            return Conversion.objects.get(network_transaction_id=transaction)

    def rewards(self, **filters: Any) -> list[Reward]:
        with tenancy.tenant(self.organization.id, SANDBOX):
            rows = Reward.objects.filter(**filters).select_related("item", "conversion")
            return list(rows.order_by("id"))

    def history(self, transaction: str) -> list[str]:
        with tenancy.tenant(self.organization.id, SANDBOX):
            rows = Conversion.objects.get(network_transaction_id=transaction).changes.order_by("id")
            return list(rows.values_list("action", flat=True))

    def balances(self) -> dict[str, int]:
        """Every account that is not empty, by its kind (of users with their id)."""
        with tenancy.tenant(self.organization.id, SANDBOX):
            found = accounts_with_balances(list(Account.objects.order_by("kind", "user_id")))
        named = {f"{one.account.kind}:{one.account.user_id}".rstrip(":"): one.balance_minor for one in found}
        return {name: balance for name, balance in named.items() if balance}

    def differences(self) -> list[dict[str, Any]]:
        """What a reconciliation finds wrong."""
        return book_reconcile(
            organization_id=self.organization.id, environment=SANDBOX, checks=[rewards_check]
        ).differences

    def payee(self, user_id: str = "u-1", **given: Any) -> Any:
        with tenancy.tenant(self.organization.id, SANDBOX):
            return payee_set(
                **{
                    "organization_id": self.organization.id,
                    "environment": SANDBOX,
                    "client_id": self.client.id,
                    "user_id": user_id,
                    "method": "bank",
                    "name": "Ada Lovelace",
                    "iban": IBAN,
                    "actor": ACTOR,
                }
                | given
            )


def make_shop(organization: Any = None, *, campaign: Any = None, offer: Any = None, **network: Any) -> Shop:
    organization = organization or make_organization()
    _doors.clear()
    made = make_network(
        organization,
        **{"currency": "EUR", "postback_secret_sealed": seal(SECRET.encode(), purpose="network-postback")}
        | network,
    )
    offered = make_offer(organization, network=made, **{"commission_currency": "EUR"} | (offer or {}))
    client = make_client(organization)
    mine = make_campaign(organization, offer=offered, client=client, **(campaign or {}))
    link = make_link(mine, user_id="u-1")
    with tenancy.tenant(organization.id, SANDBOX):
        terms_set(
            organization_id=organization.id,
            environment=SANDBOX,
            platform_share=2_000,
            hold_days=0,
            minimum_payout_minor=100,
            payer=BankAccount("Hub Ltd", OTHER_IBAN, ""),
            actor=ACTOR,
        )
    return Shop(organization, made, offered, client, mine, link)


def terms(organization: Any, **changes: Any) -> None:
    """Change terms past their service."""
    with tenancy.tenant(organization.id, SANDBOX):
        RewardTerms.objects.update(**changes)
    _doors.clear()


def later(days: int) -> Any:
    return timezone.now() + timedelta(days=days)


def in_thread(call: Any) -> Any:
    """A call for a thread pool, which leaves no connection behind."""

    def called(*given: Any) -> Any:
        try:
            return call(*given)
        finally:
            connection.close()

    return called


def count(shop):
    """How many conversions its organization has."""
    with tenancy.tenant(shop.organization.id, SANDBOX):
        return Conversion.objects.count()


def events(organization):
    """The types of the events of an organization, in their order."""
    with owner_connection() as owner:
        return [
            row[0]
            for row in owner.execute(
                "SELECT type FROM webhooks_event WHERE organization_id = %s ORDER BY id", [organization.id]
            )
        ]
