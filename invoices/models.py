"""Invoices and what corrects and settles them. What is issued is never changed."""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from invoices.querysets import InvoiceQuerySet
from partners.models import ApiClient, TenantModel
from partners.querysets import TenantQuerySet


class Profile(TenantModel):
    """What an organization prints on its invoices: who it is, how it wants to be paid, in which language."""

    class Language(models.TextChoices):
        ENGLISH = "en", "English"
        HEBREW = "he", "Hebrew"

    details = models.TextField(max_length=1000, blank=True)
    # as the electronic form says it; `details` says it to people
    tax_number = models.CharField(max_length=40, blank=True, default="")
    footer = models.TextField(max_length=1000, blank=True)
    language = models.CharField(max_length=2, choices=Language, default=Language.ENGLISH)
    payment_days = models.PositiveSmallIntegerField(default=30)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("organization", "environment"), name="invoice_profile_once"),
        )

    def __str__(self) -> str:
        return f"invoices of {self.organization_id}"


class Series(TenantModel):
    """The last number given of a kind in a year. Whoever numbers locks it until its transaction ends."""

    kind = models.CharField(max_length=11)
    year = models.PositiveSmallIntegerField()
    last_number = models.PositiveIntegerField()

    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "series"
        constraints = (
            models.UniqueConstraint(
                fields=("organization", "environment", "kind", "year"), name="invoice_series_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.year}: {self.last_number}"


class Invoice(TenantModel):
    """An invoice, or a credit note that corrects one. Amounts are sums of its lines', in minor units.

    Triggers refuse to delete one, or to change anything of it but `status`, `paid_minor` and
    `credited_minor`. `source` is what it is for: a booking's or an order's kind and id.
    """

    class Kind(models.TextChoices):
        INVOICE = "invoice", "Invoice"
        CREDIT_NOTE = "credit_note", "Credit note"

    class Status(models.TextChoices):
        ISSUED = "issued", "Issued"
        PARTLY_PAID = "partly_paid", "Partly paid"
        PAID = "paid", "Paid"
        CREDITED = "credited", "Credited"

    client = models.ForeignKey(ApiClient, models.SET_NULL, null=True, related_name="+", db_constraint=False)
    kind = models.CharField(max_length=11, choices=Kind)
    number = models.CharField(max_length=20)
    issued_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField()
    corrects = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="credit_notes", db_constraint=False
    )
    reason = models.CharField(max_length=500, blank=True)
    source_kind = models.CharField(max_length=20, blank=True)
    source_id = models.UUIDField(null=True)
    # {"name", "details", "taxNumber", "footer", "language"}: the profile as it was
    seller = models.JSONField()
    # {"name", "email", "phone"}
    customer = models.JSONField()
    currency = models.CharField(max_length=3)
    subtotal_minor = models.PositiveBigIntegerField()
    tax_minor = models.PositiveBigIntegerField()
    total_minor = models.PositiveBigIntegerField()
    # [{"rate", "baseMinor", "taxMinor"}]
    taxes = models.JSONField()
    status = models.CharField(max_length=11, choices=Status, default=Status.ISSUED)
    paid_minor = models.PositiveBigIntegerField(default=0)
    credited_minor = models.PositiveBigIntegerField(default=0)

    objects = InvoiceQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("organization", "environment", "number"), name="invoice_number_once"
            ),
            models.CheckConstraint(
                name="invoice_total", condition=Q(total_minor=F("subtotal_minor") + F("tax_minor"))
            ),
            models.CheckConstraint(
                name="invoice_settled",
                condition=Q(paid_minor__lte=F("total_minor"), credited_minor__lte=F("total_minor")),
            ),
            models.CheckConstraint(
                name="invoice_corrects", condition=Q(kind="credit_note") ^ Q(corrects__isnull=True)
            ),
        )
        indexes = (
            models.Index(fields=("organization", "environment", "-created_at", "-id"), name="invoice_newest"),
            models.Index(fields=("source_id",), name="invoice_source"),
        )

    @property
    def due_minor(self) -> int:
        """What is still to be paid."""
        if self.kind == self.Kind.CREDIT_NOTE:
            return 0
        return max(0, self.total_minor - self.paid_minor - self.credited_minor)

    @property
    def refund_due_minor(self) -> int:
        """What was paid for what was credited, and is to be given back."""
        return max(0, self.paid_minor + self.credited_minor - self.total_minor)

    def __str__(self) -> str:
        return self.number


class InvoiceLine(TenantModel):
    """A line: quantity × unit price − discount, rounded; and the tax on that, rounded."""

    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="lines", db_constraint=False)
    # Of a credit note: the line it takes back.
    corrects = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="corrections", db_constraint=False
    )
    position = models.PositiveSmallIntegerField()
    description = models.CharField(max_length=300)
    quantity = models.DecimalField(max_digits=12, decimal_places=3)
    unit_price_minor = models.PositiveBigIntegerField()
    discount_minor = models.PositiveBigIntegerField(default=0)
    subtotal_minor = models.PositiveBigIntegerField()
    tax_rate = models.DecimalField(max_digits=5, decimal_places=2)
    tax_minor = models.PositiveBigIntegerField()

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("invoice", "position"), name="invoice_line_position"),
            models.CheckConstraint(name="invoice_line_quantity", condition=Q(quantity__gt=0)),
        )

    def __str__(self) -> str:
        return self.description


class Payment(TenantModel):
    """Money received for an invoice. The same reference is the same payment."""

    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="payments", db_constraint=False)
    amount_minor = models.PositiveBigIntegerField()
    method = models.CharField(max_length=60)
    reference = models.CharField(max_length=120)
    paid_at = models.DateTimeField()
    actor = models.CharField(max_length=255)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("invoice", "reference"), name="payment_once"),
            models.CheckConstraint(name="payment_amount", condition=Q(amount_minor__gte=1)),
        )

    def __str__(self) -> str:
        return self.reference
