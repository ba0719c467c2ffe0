"""The table that schema.sql makes."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Lead(models.Model):
    id = models.UUIDField(primary_key=True)
    organization_id = models.UUIDField()
    environment = models.CharField(max_length=10)
    company_id = models.UUIDField(null=True)
    agent_id = models.UUIDField(null=True)
    external_id = models.CharField(max_length=255)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    name = models.CharField(max_length=255)
    email = models.CharField(max_length=254)
    phone = models.CharField(max_length=40)
    phone_normalized = models.CharField(max_length=20)
    source = models.CharField(max_length=120)
    notes = models.TextField()
    tags = ArrayField(models.CharField(max_length=60))
    value_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3)
    custom_fields = models.JSONField()
    status = models.CharField(max_length=10)
    rejection_reason = models.CharField(max_length=500)
    duplicate_of_id = models.UUIDField(null=True)
    merged_into_id = models.UUIDField(null=True)

    class Meta:
        managed = False
        db_table = "lead"

    def __str__(self) -> str:
        return self.name
