"""Conversions as the network reports them, what they were split into, and what they are converted by."""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from catalog.models import WHOLE, AffiliateNetwork, Offer
from partners.models import ApiClient, Organization, TenantModel
from partners.querysets import TenantQuerySet
from rewards.models.campaigns import Campaign


class RewardTerms(TenantModel):
    """How an organization shares commissions and pays rewards. Without a row these defaults hold.

    `platform_share` is what the organization keeps of a commission, in hundredths of a percent; the end
    user's part is the campaign's, and the partner gets the rest.
    """

    platform_share = models.PositiveIntegerField(default=2_000)
    hold_days = models.PositiveSmallIntegerField(default=30)
    minimum_payout_minor = models.PositiveBigIntegerField(default=1_000)
    # Whose account bank files pay from: {"name", "iban", "bic"}, sealed (purpose "payer-details").
    payer_sealed = models.BinaryField(default=bytes, blank=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "reward terms"
        constraints = (
            models.UniqueConstraint(fields=("organization", "environment"), name="reward_terms_once"),
            models.CheckConstraint(name="reward_terms_share", condition=Q(platform_share__lte=WHOLE)),
        )

    def __str__(self) -> str:
        return f"terms of {self.organization_id}"


class ExchangeRate(TenantModel):
    """What one unit of `source` is in `target` from a moment on, until the next rate of the pair."""

    source = models.CharField(max_length=3)
    target = models.CharField(max_length=3)
    rate = models.DecimalField(max_digits=20, decimal_places=10)
    valid_from = models.DateTimeField(default=timezone.now)
    actor = models.CharField(max_length=255)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = (
            models.CheckConstraint(name="exchange_rate_positive", condition=Q(rate__gt=0)),
            models.CheckConstraint(
                name="exchange_rate_pair",
                condition=~Q(source=F("target"))
                & Q(source__regex="^[A-Z]{3}$")
                & Q(target__regex="^[A-Z]{3}$"),
            ),
        )
        indexes = (
            models.Index(
                fields=("organization", "environment", "source", "target", "-valid_from"),
                name="exchange_rate_newest",
            ),
        )

    def __str__(self) -> str:
        return f"{self.source}/{self.target} {self.rate}"


class Conversion(TenantModel):
    """A sale or an action that a network reports. Its transaction id at the network is what makes it one.

    `payout` is the network's commission as reported, `commission` the same in `currency`, at `rate`: the
    campaign's currency where it promises a flat reward, else the network's own. `platform`, `partner` and
    `user` are what is booked of it at present, and sum to `commission` when it is approved and not held, to
    nothing otherwise. What changed, and what moved for it, is in its changes and in the ledger, which only
    grow.

    `held_for` says why an attributed or approved conversion is not booked: nobody is known to have brought it
    (`unattributed`), the offer's cap is reached (`cap`), or a rate is missing (`rate`).
    """

    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        APPROVED = "approved", "Approved"
        REJECTED = "rejected", "Rejected"
        REVERSED = "reversed", "Reversed"

    class Hold(models.TextChoices):
        UNATTRIBUTED = "unattributed", "Unattributed"
        CAP = "cap", "Cap reached"
        RATE = "rate", "No exchange rate"

    # Its other keys begin with the organization, and so does its network's.
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="+", editable=False, db_constraint=False, db_index=False
    )
    network = models.ForeignKey(
        AffiliateNetwork, models.PROTECT, related_name="conversions", db_constraint=False, db_index=False
    )
    network_transaction_id = models.CharField(max_length=120)
    # As the network sent it, and the click that it names.
    click_reference = models.CharField(max_length=120, blank=True)
    click_id = models.UUIDField(null=True)
    campaign = models.ForeignKey(
        Campaign,
        models.PROTECT,
        null=True,
        related_name="conversions",
        db_constraint=False,
        db_index=False,
    )
    offer = models.ForeignKey(Offer, models.PROTECT, null=True, related_name="+", db_constraint=False)
    client = models.ForeignKey(ApiClient, models.SET_NULL, null=True, related_name="+", db_constraint=False)
    user_id = models.CharField(max_length=120, blank=True)
    goal = models.CharField(max_length=60, blank=True)
    status = models.CharField(max_length=8, choices=Status)
    held_for = models.CharField(max_length=12, choices=Hold, blank=True)
    sale_minor = models.PositiveBigIntegerField(null=True)
    payout_minor = models.PositiveBigIntegerField()
    # Of the sale and the payout.
    payout_currency = models.CharField(max_length=3)
    rate = models.DecimalField(max_digits=20, decimal_places=10, default=1)
    # The payout's currency that `rate` is for; empty while none was needed or known.
    rate_source = models.CharField(max_length=3, blank=True)
    commission_minor = models.PositiveBigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    platform_minor = models.PositiveBigIntegerField(default=0)
    partner_minor = models.PositiveBigIntegerField(default=0)
    user_minor = models.PositiveBigIntegerField(default=0)
    # How many transactions the ledger has of it.
    bookings = models.PositiveIntegerField(default=0)
    # The day whose cap it counts against, and with how much; empty where the offer has none.
    counted_on = models.DateField(null=True)
    counted_minor = models.PositiveBigIntegerField(default=0)
    approved_at = models.DateTimeField(null=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("network", "network_transaction_id"), name="conversion_once"),
            models.CheckConstraint(
                name="conversion_parts",
                condition=Q(platform_minor=0, partner_minor=0, user_minor=0)
                | Q(
                    status="approved",
                    held_for="",
                    commission_minor=F("platform_minor") + F("partner_minor") + F("user_minor"),
                ),
            ),
            models.CheckConstraint(
                name="conversion_attributed",
                condition=Q(campaign__isnull=False) | Q(held_for="unattributed"),
            ),
        )
        indexes = (
            models.Index(
                fields=("organization", "environment", "-created_at", "-id"), name="conversion_newest"
            ),
            models.Index(fields=("campaign", "-created_at"), name="conversion_of_campaign"),
            models.Index(
                fields=("organization", "environment", "created_at"),
                name="conversion_held",
                condition=~Q(held_for=""),
            ),
        )

    @property
    def booked_minor(self) -> int:
        """What the ledger holds of it at present."""
        return self.platform_minor + self.partner_minor + self.user_minor

    def __str__(self) -> str:
        return f"conversion {self.network_transaction_id}"


class ConversionChange(TenantModel):
    """Something that happened to a conversion: never changed, never removed.

    `ignored` postbacks stand here too, as they came and why (`details.reason`). `ledger_transaction_id` is
    what moved for it.
    """

    class Action(models.TextChoices):
        RECEIVED = "received", "Received"
        APPROVED = "approved", "Approved"
        REJECTED = "rejected", "Rejected"
        REVERSED = "reversed", "Reversed"
        ADJUSTED = "adjusted", "Adjusted"
        ATTRIBUTED = "attributed", "Attributed"
        RELEASED = "released", "Released"
        IGNORED = "ignored", "Ignored"

    # Its other keys begin with the organization, and so does its conversion's.
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="+", editable=False, db_constraint=False, db_index=False
    )
    conversion = models.ForeignKey(
        Conversion, models.PROTECT, related_name="changes", db_constraint=False, db_index=False
    )
    action = models.CharField(max_length=10, choices=Action)
    # "network", or a person's e-mail address.
    actor = models.CharField(max_length=255)
    details = models.JSONField(default=dict)
    ledger_transaction_id = models.UUIDField(null=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        indexes = (models.Index(fields=("conversion", "id"), name="conversion_history"),)

    def __str__(self) -> str:
        return f"{self.action} of {self.conversion_id}"


class ConversionTally(TenantModel):
    """How many conversions count against an offer's caps on a day; without a day, ever."""

    offer = models.ForeignKey(Offer, models.CASCADE, related_name="+", db_constraint=False, db_index=False)
    day = models.DateField(null=True)
    conversion_count = models.PositiveIntegerField(default=0)
    # In the currency of the offer's commission.
    revenue_minor = models.PositiveBigIntegerField(default=0)

    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "conversion tallies"
        constraints = (
            models.UniqueConstraint(
                fields=("offer", "day"), name="conversion_tally_once", nulls_distinct=False
            ),
        )

    def __str__(self) -> str:
        return f"{self.offer_id} {self.day or 'ever'}"
