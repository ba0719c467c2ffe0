"""The table that schema.sql makes."""

from django.db import models


class Lead(models.Model):
    id = models.UUIDField(primary_key=True)
    organization_id = models.UUIDField()
    environment = models.CharField(max_length=10)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    name = models.CharField(max_length=255)
    email = models.CharField(max_length=254)
    phone = models.CharField(max_length=40)
    source = models.CharField(max_length=120)
    notes = models.TextField()
    status = models.CharField(max_length=10)
    duplicate_of_id = models.UUIDField(null=True)

    class Meta:
        managed = False
        db_table = "lead"

    def __str__(self) -> str:
        return self.name
