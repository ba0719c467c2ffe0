"""Leads: people who may become customers."""

from django.db import models
from django.db.models import Q

from leads.querysets import LeadQuerySet
from partners.models import ApiClient, TenantModel


class Lead(TenantModel):
    """A person a partner sends in; a later lead with the same e-mail or phone points at the first."""

    class Status(models.TextChoices):
        NEW = "new", "New"
        QUALIFIED = "qualified", "Qualified"
        CONVERTED = "converted", "Converted"
        REJECTED = "rejected", "Rejected"

    client = models.ForeignKey(ApiClient, models.SET_NULL, null=True, related_name="+", db_constraint=False)
    name = models.CharField(max_length=255)
    email = models.EmailField(max_length=254, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    # What duplicates are found by: lower case, and E.164.
    email_normalized = models.CharField(max_length=254, blank=True)
    phone_normalized = models.CharField(max_length=20, blank=True)
    source = models.CharField(max_length=120, blank=True)
    notes = models.TextField(max_length=10_000, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.NEW)
    duplicate_of = models.ForeignKey(
        "self", models.SET_NULL, null=True, related_name="duplicates", db_constraint=False
    )

    objects = LeadQuerySet.as_manager()

    class Meta:
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
        )

    def __str__(self) -> str:
        return self.name
