"""Double entry: accounts, transactions and their postings; and what reconciliation found.

Balances and checkpoints are tables of SQL (migration 0002), which only the ledger's triggers write.
"""

from functools import lru_cache
from typing import NamedTuple
from uuid import UUID, uuid5

from django.db import models
from django.db.models import Q
from django.utils import timezone

from config.tenancy import Environment
from ledger.querysets import AccountQuerySet
from partners.models import Organization, TenantModel
from partners.querysets import TenantQuerySet


class Kind(models.TextChoices):
    """What an account is of; the sign says on which side its balance belongs."""

    NETWORK_RECEIVABLE = "network_receivable", "Network receivable"
    PLATFORM_REVENUE = "platform_revenue", "Platform revenue"
    PARTNER_PAYABLE = "partner_payable", "Partner payable"
    USER_PAYABLE = "user_payable", "User payable"
    PAYOUT_CLEARING = "payout_clearing", "Payout clearing"
    PAYEE_DEBT = "payee_debt", "Debt of a payee"
    CASH = "cash", "Cash"


# Debit balances: what is owed to us and what we have. All others are credit balances.
ASSETS = frozenset({Kind.NETWORK_RECEIVABLE, Kind.PAYEE_DEBT, Kind.CASH})
# A payee's own accounts: their balance is one row, and PostgreSQL refuses to let it change sides.
GUARDED = frozenset({Kind.USER_PAYABLE, Kind.PAYEE_DEBT})


class AccountKey(NamedTuple):
    """Names one account of an organization and environment: partners' have a client, users' a user id too."""

    kind: str
    currency: str
    client_id: UUID | None = None
    user_id: str = ""

    def id_in(self, organization_id: UUID, environment: str) -> UUID:
        """The account's id, which follows from its name: nobody looks it up to post to it."""
        return _account_id(organization_id, environment, self)


@lru_cache(maxsize=10_000)
def _account_id(organization_id: UUID, environment: str, key: AccountKey) -> UUID:
    named = f"{environment}\n{key.kind}\n{key.currency}\n{key.client_id or ''}\n{key.user_id}"
    return uuid5(organization_id, named)


class Account(TenantModel):
    """One account. `client_id` is no foreign key: what was booked outlives the client."""

    kind = models.CharField(max_length=20, choices=Kind)
    currency = models.CharField(max_length=3)
    client_id = models.UUIDField(null=True)
    user_id = models.CharField(max_length=255, blank=True)

    objects = AccountQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("organization", "environment", "kind", "currency", "client_id", "user_id"),
                name="ledger_account_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(name="ledger_account_currency", condition=Q(currency__regex="^[A-Z]{3}$")),
            models.CheckConstraint(
                name="ledger_account_owner",
                condition=Q(kind="user_payable", client_id__isnull=False) & ~Q(user_id="")
                | Q(kind="partner_payable", client_id__isnull=False, user_id="")
                | Q(kind="payee_debt", client_id__isnull=False)
                | Q(
                    kind__in=("network_receivable", "platform_revenue", "payout_clearing", "cash"),
                    client_id__isnull=True,
                    user_id="",
                ),
            ),
        )
        indexes = (
            models.Index(fields=("organization", "environment", "kind", "id"), name="ledger_account_kind"),
            models.Index(fields=("client_id", "user_id"), name="ledger_account_payee"),
        )

    @property
    def is_asset(self) -> bool:
        return self.kind in ASSETS

    def __str__(self) -> str:
        return f"{Kind(self.kind).label} {self.currency}"


class Transaction(TenantModel):
    """Something that moved money. Never changed: what corrects it is another transaction.

    `source_type` and `source_id` name what it is for, as the app above the ledger calls it.
    """

    class Kind(models.TextChoices):
        CONVERSION = "conversion", "Conversion"
        ADJUSTMENT = "adjustment", "Adjustment"
        REVERSAL = "reversal", "Reversal"
        PAYOUT = "payout", "Payout"
        PAYOUT_PAID = "payout_paid", "Payout paid"
        PAYOUT_FAILED = "payout_failed", "Payout failed"
        SETTLEMENT = "settlement", "Settlement"

    # Its other keys begin with the organization.
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="+", editable=False, db_index=False
    )
    kind = models.CharField(max_length=20, choices=Kind)
    idempotency_key = models.CharField(max_length=255)
    source_type = models.CharField(max_length=30)
    source_id = models.UUIDField(null=True)
    description = models.CharField(max_length=255, blank=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("organization", "environment", "idempotency_key"), name="ledger_transaction_once"
            ),
        )
        indexes = (models.Index(fields=("source_id",), name="ledger_transaction_source"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class Posting(models.Model):
    """One line of a transaction: debits are positive, credits negative. Their ids are a statement's order.

    What it refers to is judged by the trigger that keeps the balances (migration 0003): neither accounts nor
    transactions are ever changed or removed, so that once is enough, and for all postings of a statement.
    """

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+", db_constraint=False)
    environment = models.CharField(max_length=10, choices=Environment)
    transaction = models.ForeignKey(Transaction, models.PROTECT, related_name="postings", db_constraint=False)
    account = models.ForeignKey(
        Account, models.PROTECT, related_name="postings", db_constraint=False, db_index=False
    )
    amount_minor = models.BigIntegerField()
    created_at = models.DateTimeField(default=timezone.now)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = (models.CheckConstraint(name="ledger_posting_amount", condition=~Q(amount_minor=0)),)
        indexes = (
            models.Index(fields=("account", "id"), include=("amount_minor",), name="ledger_statement"),
        )

    def __str__(self) -> str:
        return f"posting {self.id}"


class Reconciliation(TenantModel):
    """One recomputation of an organization's books. `differences` is empty when all agrees.

    Each difference is {"check", "subject", "expected", "found"}.
    """

    accounts = models.PositiveBigIntegerField()
    postings = models.PositiveBigIntegerField()
    differences = models.JSONField(default=list)
    duration_ms = models.PositiveIntegerField()

    objects = TenantQuerySet.as_manager()

    class Meta:
        indexes = (
            models.Index(
                fields=("organization", "environment", "-created_at"), name="ledger_reconciliation_newest"
            ),
        )

    def __str__(self) -> str:
        return f"reconciliation of {self.created_at:%Y-%m-%d %H:%M}"
