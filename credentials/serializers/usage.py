"""The wire form of usage figures (contracts A and D)."""

from rest_framework import serializers


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
