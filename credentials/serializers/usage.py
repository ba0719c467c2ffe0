"""The wire form of usage figures (contracts A and D)."""

from zoneinfo import ZoneInfo, available_timezones

from rest_framework import serializers

ZONES = frozenset(available_timezones())


class UsageQuery(serializers.Serializer):
    """Which requests: by default those of the last 24 hours. Both dates are inclusive."""

    dateFrom = serializers.CharField(required=False, max_length=40)
    dateTo = serializers.CharField(required=False, max_length=40)
    groupBy = serializers.ChoiceField(choices=("hour", "day"), required=False)
    timeZone = serializers.CharField(
        required=False,
        max_length=64,
        help_text="whose hours and days are counted, and whose the dates are: an IANA name, by default UTC",
    )

    def validate_timeZone(self, name: str) -> ZoneInfo:
        if name not in ZONES:
            raise serializers.ValidationError("Use an IANA time zone, such as Europe/Berlin.")
        return ZoneInfo(name)


class ResponseTimeOut(serializers.Serializer):
    """Milliseconds; null without requests. Percentiles come from a histogram (docs/usage.md)."""

    average = serializers.FloatField(source="average_ms", allow_null=True)
    p50 = serializers.FloatField(allow_null=True)
    p95 = serializers.FloatField(allow_null=True)
    p99 = serializers.FloatField(allow_null=True)


class RequestsOut(serializers.Serializer):
    """How many requests, how many of them failed, and their milliseconds: null without requests."""

    count = serializers.IntegerField(source="requests")
    failedRequests = serializers.IntegerField(source="errors", help_text="answered 400 and more")
    avgResponseTime = serializers.FloatField(source="average_ms", allow_null=True)
    p50ResponseTime = serializers.FloatField(source="p50", allow_null=True)
    p95ResponseTime = serializers.FloatField(source="p95", allow_null=True)
    p99ResponseTime = serializers.FloatField(source="p99", allow_null=True)


class RequestsByTimeOut(RequestsOut):
    time = serializers.DateTimeField(source="starts_at", help_text="when the hour or day begins")
    localTime = serializers.CharField(source="local_time", help_text="the same with the zone's offset")


class RequestsByCredentialOut(RequestsOut):
    keyId = serializers.CharField(source="key_id")


class RequestsByEndpointOut(RequestsOut):
    endpoint = serializers.CharField(help_text="The route's template; empty for unknown paths.")
    method = serializers.CharField()


class RequestsByStatusOut(serializers.Serializer):
    status = serializers.ChoiceField(choices=("2xx", "4xx", "5xx"), help_text="2xx: all below 400")
    count = serializers.IntegerField()


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
    """Requests of an organization's keys from `dateFrom` up to `dateTo`, whole hours of `timeZone`."""

    dateFrom = serializers.DateTimeField(source="extent.starts_at")
    dateTo = serializers.DateTimeField(source="extent.ends_at")
    groupBy = serializers.ChoiceField(source="extent.group_by", choices=("hour", "day"))
    timeZone = serializers.CharField(source="extent.zone.key")
    totalRequests = serializers.IntegerField(source="totals.requests")
    successfulRequests = serializers.IntegerField(source="totals.succeeded")
    failedRequests = serializers.IntegerField(source="totals.errors")
    averageResponseTime = serializers.FloatField(source="totals.average_ms", allow_null=True)
    responseTimeMs = ResponseTimeOut(source="totals")
    requestsByTime = RequestsByTimeOut(source="by_time", many=True)
    requestsByCredential = RequestsByCredentialOut(source="by_key", many=True)
    requestsByEndpoint = RequestsByEndpointOut(source="by_endpoint", many=True)
    requestsByStatus = RequestsByStatusOut(source="by_class", many=True)
    topErrorCodes = TopErrorCodeOut(source="by_status", many=True)
    errorsByEndpoint = ErrorsByEndpointOut(source="errors", many=True)
    errorsByCredential = ErrorsByCredentialOut(source="erring_keys", many=True)
