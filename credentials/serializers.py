"""The wire form of governance (contract A)."""

from typing import Any

from rest_framework import serializers

from config.tenancy import Environment
from credentials.models import ApiKey
from credentials.scopes import Scope


class TokenIn(serializers.Serializer):
    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(max_length=200, trim_whitespace=False)
    code = serializers.CharField(max_length=20, required=False, allow_blank=True, default="")


class TokenOut(serializers.Serializer):
    accessToken = serializers.CharField()
    tokenType = serializers.CharField()
    expiresIn = serializers.IntegerField()


class CredentialIn(serializers.Serializer):
    """A credential to issue."""

    organizationId = serializers.UUIDField()
    name = serializers.CharField(max_length=255)
    environment = serializers.ChoiceField(choices=Environment.choices, default=Environment.SANDBOX)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=Scope.choices), allow_empty=False, max_length=100
    )
    requestsPerMinute = serializers.IntegerField(
        min_value=1, max_value=100_000, required=False, allow_null=True, default=None
    )
    dailyQuota = serializers.IntegerField(
        min_value=1, max_value=2_000_000_000, required=False, allow_null=True, default=None
    )
    ipAllowlist = serializers.ListField(
        child=serializers.CharField(max_length=43), required=False, default=list, max_length=200
    )
    requireSigning = serializers.BooleanField(required=False, default=False)
    signingMode = serializers.ChoiceField(
        choices=ApiKey.SigningMode.choices, required=False, default=ApiKey.SigningMode.NONE
    )
    expiresAt = serializers.DateTimeField(required=False, allow_null=True, default=None)

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if data.pop("requireSigning") and data["signingMode"] == ApiKey.SigningMode.NONE:
            data["signingMode"] = ApiKey.SigningMode.BODY
        return data


class CredentialOut(serializers.Serializer):
    """A credential without its secret."""

    id = serializers.UUIDField()
    organizationId = serializers.UUIDField(source="organization_id")
    name = serializers.CharField()
    environment = serializers.ChoiceField(choices=Environment.choices)
    keyId = serializers.CharField(source="key_id")
    lastFour = serializers.CharField(source="last_four")
    scopes = serializers.ListField(child=serializers.CharField())
    status = serializers.ChoiceField(choices=ApiKey.Status.choices)
    requestsPerMinute = serializers.IntegerField(source="requests_per_minute", allow_null=True)
    dailyQuota = serializers.IntegerField(source="daily_quota", allow_null=True)
    ipAllowlist = serializers.ListField(child=serializers.CharField(), source="ip_allowlist")
    requireSigning = serializers.SerializerMethodField()
    signingMode = serializers.ChoiceField(choices=ApiKey.SigningMode.choices, source="signing_mode")
    expiresAt = serializers.DateTimeField(source="expires_at", allow_null=True)
    lastUsedAt = serializers.DateTimeField(source="last_used_at", allow_null=True)
    createdAt = serializers.DateTimeField(source="created_at")
    updatedAt = serializers.DateTimeField(source="updated_at")

    def get_requireSigning(self, key: ApiKey) -> bool:
        return key.signing_mode != ApiKey.SigningMode.NONE


class IssuedCredentialOut(CredentialOut):
    """What issuing and rotating answer, once."""

    rawApiKey = serializers.CharField()
    webhookSecret = serializers.CharField()
    signingSecret = serializers.CharField(allow_blank=True)


class RotateIn(serializers.Serializer):
    graceSeconds = serializers.IntegerField(min_value=0, max_value=30 * 86_400, default=0)


class StatusIn(serializers.Serializer):
    status = serializers.ChoiceField(choices=ApiKey.Status.choices)


class UsageQuery(serializers.Serializer):
    """Which requests: by default those of the last 24 hours. Both dates are inclusive."""

    dateFrom = serializers.CharField(required=False, max_length=40)
    dateTo = serializers.CharField(required=False, max_length=40)
    groupBy = serializers.ChoiceField(choices=("hour", "day"), required=False)


class ResponseTimeOut(serializers.Serializer):
    """Milliseconds; null without requests. Percentiles come from a histogram (docs/usage.md)."""

    average = serializers.FloatField(source="average_ms", allow_null=True)
    p50 = serializers.FloatField(allow_null=True)
    p95 = serializers.FloatField(allow_null=True)
    p99 = serializers.FloatField(allow_null=True)


class RequestsByTimeOut(serializers.Serializer):
    time = serializers.DateTimeField(source="starts_at")
    count = serializers.IntegerField(source="requests")


class RequestsByCredentialOut(serializers.Serializer):
    keyId = serializers.CharField(source="key_id")
    count = serializers.IntegerField(source="requests")


class RequestsByEndpointOut(serializers.Serializer):
    endpoint = serializers.CharField(help_text="The route's template; empty for unknown paths.")
    method = serializers.CharField()
    count = serializers.IntegerField(source="requests")
    avgResponseTime = serializers.FloatField(source="average_ms")
    p95ResponseTime = serializers.FloatField(source="p95", allow_null=True)


class TopErrorCodeOut(serializers.Serializer):
    statusCode = serializers.IntegerField(source="status")
    count = serializers.IntegerField(source="requests")


class ErrorsByEndpointOut(serializers.Serializer):
    endpoint = serializers.CharField()
    method = serializers.CharField()
    statusCode = serializers.IntegerField(source="status")
    error = serializers.CharField(source="code")
    count = serializers.IntegerField(source="requests")


class ErrorsByCredentialOut(serializers.Serializer):
    keyId = serializers.CharField(source="key_id")
    count = serializers.IntegerField(source="errors")


class UsageOut(serializers.Serializer):
    """Requests of an organization's keys from `dateFrom` up to `dateTo`, which are whole hours of UTC."""

    dateFrom = serializers.DateTimeField(source="extent.starts_at")
    dateTo = serializers.DateTimeField(source="extent.ends_at")
    groupBy = serializers.ChoiceField(source="extent.group_by", choices=("hour", "day"))
    totalRequests = serializers.IntegerField(source="totals.requests")
    successfulRequests = serializers.IntegerField(source="totals.succeeded")
    failedRequests = serializers.IntegerField(source="totals.errors")
    averageResponseTime = serializers.FloatField(source="totals.average_ms", allow_null=True)
    responseTimeMs = ResponseTimeOut(source="totals")
    requestsByTime = RequestsByTimeOut(source="by_time", many=True)
    requestsByCredential = RequestsByCredentialOut(source="by_key", many=True)
    requestsByEndpoint = RequestsByEndpointOut(source="by_endpoint", many=True)
    topErrorCodes = TopErrorCodeOut(source="by_status", many=True)
    errorsByEndpoint = ErrorsByEndpointOut(source="errors", many=True)
    errorsByCredential = ErrorsByCredentialOut(source="erring_keys", many=True)
