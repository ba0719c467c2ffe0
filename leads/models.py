"""Leads: people who may become customers; their history; and files of them that are imported."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Concat
from django.utils import timezone

from jobs.models import Job
from leads.querysets import LeadQuerySet
from partners.models import Agent, ApiClient, Company, TenantModel
from partners.querysets import TenantQuerySet

_APART = Value("\n")


class Lead(TenantModel):
    """A person a partner sends in; a later lead with the same e-mail or phone points at the first.

    A merged lead stays, and points at the one that took it in. Both pointers are one hop: they lead to a lead
    that is neither merged nor a duplicate.
    """

    class Status(models.TextChoices):
        NEW = "new", "New"
        QUALIFIED = "qualified", "Qualified"
        CONVERTED = "converted", "Converted"
        REJECTED = "rejected", "Rejected"
        MERGED = "merged", "Merged"

    client = models.ForeignKey(ApiClient, models.SET_NULL, null=True, related_name="+", db_constraint=False)
    company = models.ForeignKey(Company, models.SET_NULL, null=True, related_name="+", db_constraint=False)
    agent = models.ForeignKey(Agent, models.SET_NULL, null=True, related_name="+", db_constraint=False)
    # what was there before these columns, and what is loaded without them, has none
    external_id = models.CharField(max_length=255, blank=True, default="", db_default="")
    name = models.CharField(max_length=255)
    email = models.EmailField(max_length=254, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    # What duplicates are found by: lower case, and E.164.
    email_normalized = models.CharField(max_length=254, blank=True)
    phone_normalized = models.CharField(max_length=20, blank=True)
    source = models.CharField(max_length=120, blank=True)
    notes = models.TextField(max_length=10_000, blank=True)
    tags = ArrayField(models.CharField(max_length=60), default=list, db_default=[], blank=True)
    value_minor = models.PositiveBigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, default="", db_default="", blank=True)
    custom_fields = models.JSONField(default=dict, db_default={}, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.NEW)
    # Of the present rejection; what came before is in the history.
    rejection_reason = models.CharField(max_length=500, blank=True, default="", db_default="")
    duplicate_of = models.ForeignKey(
        "self", models.SET_NULL, null=True, related_name="duplicates", db_constraint=False
    )
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="merged", db_constraint=False
    )
    search_text = models.GeneratedField(
        expression=Concat(
            F("name"), _APART, F("email"), _APART, F("phone"), _APART, F("phone_normalized"),
            _APART, F("source"), _APART, F("external_id"), output_field=models.TextField(),
        ),
        output_field=models.TextField(),
        db_persist=True,
    )  # fmt: skip

    objects = LeadQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                name="lead_external_id",
                fields=("organization", "environment", "external_id"),
                condition=~Q(external_id=""),
            ),
            models.CheckConstraint(
                name="lead_reachable", condition=~Q(email_normalized="", phone_normalized="")
            ),
            models.CheckConstraint(
                name="lead_value",
                condition=Q(value_minor=None, currency="") | Q(~Q(currency=""), value_minor__isnull=False),
            ),
            models.CheckConstraint(
                name="lead_merged",
                condition=Q(merged_into=None) & ~Q(status="merged")
                | Q(status="merged", merged_into__isnull=False, duplicate_of=None),
            ),
        )
        indexes = (
            models.Index(fields=("organization", "environment", "-created_at", "-id"), name="lead_newest"),
            models.Index(
                fields=("organization", "environment", "email_normalized"),
                name="lead_email",
                condition=~Q(email_normalized=""),
            ),
            models.Index(
                fields=("organization", "environment", "phone_normalized"),
                name="lead_phone",
                condition=~Q(phone_normalized=""),
            ),
            models.Index(
                fields=("company", "-created_at", "-id"), name="lead_company", condition=~Q(company=None)
            ),
            models.Index(fields=("duplicate_of",), name="lead_duplicate_of", condition=~Q(duplicate_of=None)),
            models.Index(fields=("merged_into",), name="lead_merged_into", condition=~Q(merged_into=None)),
            GinIndex(fields=("search_text",), name="lead_search", opclasses=("gin_trgm_ops",)),
        )

    def __str__(self) -> str:
        return self.name


class LeadChange(TenantModel):
    """What happened to a lead: who, when, and what it was before and after."""

    class Action(models.TextChoices):
        CREATED = "created", "Created"
        UPDATED = "updated", "Updated"
        QUALIFIED = "qualified", "Qualified"
        CONVERTED = "converted", "Converted"
        REJECTED = "rejected", "Rejected"
        # told of the lead that went, and of the one that took it in
        MERGED = "merged", "Merged"
        TOOK_IN = "took_in", "Took in another"

    lead = models.ForeignKey(Lead, models.CASCADE, related_name="changes", db_constraint=False)
    action = models.CharField(max_length=20, choices=Action)
    actor = models.CharField(max_length=255)
    at = models.DateTimeField(default=timezone.now)
    # By the wire's names; of a merge also the other lead's id.
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)

    objects = TenantQuerySet.as_manager()

    class Meta:
        indexes = (models.Index(fields=("lead", "at"), name="lead_history"),)

    def __str__(self) -> str:
        return f"{self.action} of {self.lead_id}"


class LeadImport(TenantModel):
    """A CSV file of leads: uploaded, looked at, and imported by a job in lots.

    `done_rows` moves on in the transaction that made the leads of these rows, so no row is taken twice,
    whoever dies. The file is dropped once it is done with.
    """

    file_name = models.CharField(max_length=255)
    content = models.BinaryField()
    uploaded_by = models.CharField(max_length=255)
    delimiter = models.CharField(max_length=1)
    header = ArrayField(models.CharField(max_length=255))
    # Field of a lead -> position of its column.
    columns = models.JSONField(default=dict)
    # Columns that are nothing else become custom fields.
    keeps_others = models.BooleanField(default=False)
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="+", db_constraint=False)
    total_rows = models.PositiveIntegerField()
    done_rows = models.PositiveIntegerField(default=0)
    created_count = models.PositiveIntegerField(default=0)
    duplicate_count = models.PositiveIntegerField(default=0)
    refused_count = models.PositiveIntegerField(default=0)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = (
            models.CheckConstraint(name="lead_import_progress", condition=Q(done_rows__lte=F("total_rows"))),
            models.CheckConstraint(
                name="lead_import_sum",
                condition=Q(done_rows=F("created_count") + F("refused_count")),
            ),
        )
        indexes = (
            models.Index(
                fields=("organization", "environment", "-created_at", "-id"), name="lead_import_newest"
            ),
        )

    def __str__(self) -> str:
        return self.file_name


class RefusedRow(TenantModel):
    """A row of an import that became no lead, as it stood in the file, and why."""

    lead_import = models.ForeignKey(LeadImport, models.CASCADE, related_name="refused", db_constraint=False)
    # As a spreadsheet counts: the header is 1.
    number = models.PositiveIntegerField()
    cells = ArrayField(models.TextField())
    # Field by the wire's name -> messages.
    reasons = models.JSONField()

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(name="refused_row_once", fields=("lead_import", "number")),)

    def __str__(self) -> str:
        return f"row {self.number}"
