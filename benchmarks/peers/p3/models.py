"""What is announced: a lead with the hub's fields."""

import uuid

from django.db import models
from django.utils import timezone


class Lead(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    organization_id = models.UUIDField()
    name = models.CharField(max_length=255)
    email = models.CharField(max_length=254)
    phone = models.CharField(max_length=40)
    source = models.CharField(max_length=120)
    notes = models.TextField()
    status = models.CharField(max_length=10)
    duplicate_of_id = models.UUIDField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name
