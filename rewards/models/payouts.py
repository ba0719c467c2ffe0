"""Rewards, to whom they are paid, and the payouts that pay them."""

from django.db import models
from django.db.models import F, Q

from partners.models import Organization, TenantModel, User
from partners.querysets import TenantQuerySet
from rewards.models.conversions import Conversion


class Payee(TenantModel):
    """Where money for a partner's user goes, or with an empty `user_id` the partner's own.

    `details_sealed` holds {"name", "iban", "bic", "account"} (config/encryption.py, purpose "payee-details");
    `hint` is the end of the IBAN or of the account at the provider, for people to recognise.
    """

    class Method(models.TextChoices):
        BANK = "bank", "Bank transfer"
        STRIPE = "stripe", "Stripe account"

    client_id = models.UUIDField()
    user_id = models.CharField(max_length=120, blank=True)
    method = models.CharField(max_length=6, choices=Method)
    details_sealed = models.BinaryField()
    hint = models.CharField(max_length=12)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("organization", "environment", "client_id", "user_id"), name="payee_once"
            ),
        )

    def __str__(self) -> str:
        return f"payee {self.user_id or self.client_id}"


class PayoutBatch(TenantModel):
    """Payouts that one person puts together and another one approves; PostgreSQL insists on two.

    `file_sealed` is the bank file, made once at the approval (purpose "payout-file"): whoever fetches it gets
    the same one, with the same message id, which a bank takes once.
    """

    class Provider(models.TextChoices):
        BANK_FILE = "bank_file", "Bank file"
        STRIPE = "stripe", "Stripe"

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        APPROVED = "approved", "Approved"
        COMPLETED = "completed", "Completed"
        CANCELLED = "cancelled", "Cancelled"

    number = models.PositiveIntegerField()
    provider = models.CharField(max_length=9, choices=Provider)
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=9, choices=Status, default=Status.DRAFT)
    minimum_minor = models.PositiveBigIntegerField()
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    approved_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True)
    file_sealed = models.BinaryField(default=bytes)

    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "payout batches"
        constraints = (
            models.UniqueConstraint(
                fields=("organization", "environment", "number"), name="payout_batch_number"
            ),
            models.CheckConstraint(
                name="payout_batch_two_people",
                condition=Q(approved_by=None) | ~Q(approved_by=F("created_by")),
            ),
            models.CheckConstraint(
                name="payout_batch_approved",
                condition=Q(status__in=("draft", "cancelled"), approved_by=None)
                | Q(status__in=("approved", "completed"), approved_by__isnull=False),
            ),
        )
        indexes = (
            models.Index(
                fields=("organization", "environment", "-created_at", "-id"), name="payout_batch_newest"
            ),
        )

    def __str__(self) -> str:
        return f"payout {self.number}"


class PayoutItem(TenantModel):
    """One payee's payout of a batch: the rewards it pays, less the payee's debt.

    `id` is the idempotency key at the provider, so that asking again never pays again. An item is `sending`
    from before the provider is asked until its answer is recorded; whoever finds it so after `claimed_until`
    asks for the outcome. A payee has one open item in a currency.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        QUEUED = "queued", "Queued"
        SENDING = "sending", "Sending"
        SENT = "sent", "Sent"
        PAID = "paid", "Paid"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    batch = models.ForeignKey(
        PayoutBatch, models.PROTECT, related_name="items", db_constraint=False, db_index=False
    )
    payee = models.ForeignKey(Payee, models.PROTECT, related_name="+", db_constraint=False)
    client_id = models.UUIDField()
    user_id = models.CharField(max_length=120, blank=True)
    # The payee's, as they were when it was approved.
    details_sealed = models.BinaryField(default=bytes)
    currency = models.CharField(max_length=3)
    gross_minor = models.PositiveBigIntegerField()
    debt_minor = models.PositiveBigIntegerField(default=0)
    net_minor = models.PositiveBigIntegerField()
    status = models.CharField(max_length=9, choices=Status, default=Status.DRAFT)
    attempt_count = models.PositiveSmallIntegerField(default=0)
    claimed_until = models.DateTimeField(null=True)
    provider_reference = models.CharField(max_length=255, blank=True)
    failure = models.CharField(max_length=255, blank=True)
    settled_at = models.DateTimeField(null=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="payout_item_net", condition=Q(gross_minor=F("net_minor") + F("debt_minor"))
            ),
            models.UniqueConstraint(
                fields=("organization", "environment", "client_id", "user_id", "currency"),
                name="payout_item_one_open",
                condition=Q(status__in=("draft", "queued", "sending", "sent")),
            ),
        )
        indexes = (
            models.Index(
                fields=("claimed_until", "id"),
                name="payout_item_due",
                condition=Q(status__in=("queued", "sending")),
            ),
            models.Index(fields=("batch", "id"), name="payout_item_of_batch"),
        )

    def __str__(self) -> str:
        return f"payout item {self.id}"


class Reward(TenantModel):
    """A part of an approved conversion that is owed: to a partner's user, or (`kind` partner) to the partner.

    Paid out once its hold is over. `item` is the payout that holds or paid it. `debt_minor` is what was
    taken back after it had been paid out, or was on its way: the payee owes it. `client_id` is no foreign
    key, since what is owed outlives the client.
    """

    class Kind(models.TextChoices):
        USER = "user", "User"
        PARTNER = "partner", "Partner"

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        PAID = "paid", "Paid"
        FAILED = "failed", "Failed"
        REVERSED = "reversed", "Reversed"

    # Its other keys begin with the organization, and so does its conversion's.
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="+", editable=False, db_constraint=False, db_index=False
    )
    conversion = models.ForeignKey(
        Conversion, models.PROTECT, related_name="rewards", db_constraint=False, db_index=False
    )
    kind = models.CharField(max_length=7, choices=Kind)
    client_id = models.UUIDField()
    user_id = models.CharField(max_length=120, blank=True)
    amount_minor = models.PositiveBigIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=8, choices=Status, default=Status.QUEUED)
    available_at = models.DateTimeField()
    item = models.ForeignKey(
        PayoutItem, models.PROTECT, null=True, related_name="rewards", db_constraint=False, db_index=False
    )
    debt_minor = models.PositiveBigIntegerField(default=0)
    failure = models.CharField(max_length=255, blank=True)
    paid_at = models.DateTimeField(null=True)
    reversed_at = models.DateTimeField(null=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = (
            models.CheckConstraint(name="reward_amount", condition=Q(amount_minor__gte=1)),
            models.CheckConstraint(
                name="reward_debt",
                condition=Q(debt_minor=0) | Q(debt_minor__lte=F("amount_minor"), item__isnull=False),
            ),
            models.CheckConstraint(
                name="reward_kind",
                condition=Q(kind="partner", user_id="") | Q(kind="user") & ~Q(user_id=""),
            ),
            models.CheckConstraint(name="reward_paid", condition=~Q(status="paid") | Q(item__isnull=False)),
        )
        indexes = (
            models.Index(fields=("client_id", "user_id", "-created_at", "-id"), name="reward_of_user"),
            models.Index(fields=("organization", "environment", "-created_at", "-id"), name="reward_newest"),
            models.Index(fields=("conversion",), name="reward_of_conversion"),
            models.Index(fields=("item",), name="reward_of_item", condition=Q(item__isnull=False)),
            models.Index(
                fields=("organization", "environment", "currency", "available_at"),
                name="reward_due",
                condition=Q(status__in=("queued", "failed"), item=None),
            ),
        )

    def __str__(self) -> str:
        return f"reward {self.id}"
