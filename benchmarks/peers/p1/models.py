"""The request log."""

from django.db import models


class RequestLog(models.Model):
    created_at = models.DateTimeField(auto_now_add=True)
    key_prefix = models.CharField(max_length=8)
    method = models.CharField(max_length=10)
    path = models.CharField(max_length=500)
    response_status = models.PositiveSmallIntegerField()
    response_time_ms = models.FloatField()
    ip = models.GenericIPAddressField(null=True)

    class Meta:
        indexes = (models.Index(fields=("key_prefix", "-created_at"), name="log_of_key"),)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"
