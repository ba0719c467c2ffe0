"""The wire form of webhook subscriptions, deliveries, replays and request bins (contract D)."""

import re
from typing import Any

import orjson
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from config.api.pagination import ListQuery
from config.outbound.policy import url_check
from config.tenancy import Environment
from credentials.serializers.clients import AnyCaseField, MetadataField, TextOrNull
from credentials.serializers.governance import Uuid
from webhooks.bin_addresses import request_bin_token_of, request_bin_url
from webhooks.matching import filters_validate
from webhooks.models import Delivery, Replay, Subscription
from webhooks.registry import EVENT_TYPES
from webhooks.secrets import subscription_headers_of, subscription_public_key

MAX_HEADERS = 20
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,1022}[\x21-\x7e])?")
_RESERVED_FAMILIES = ("webhook-", "x-webhook-", "x-partner-", "proxy-", "sec-")
_RESERVED = frozenset(
    (
        "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "date",
        "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "user-agent",
    )
)  # fmt: skip


def _retry_config() -> dict[str, Any]:
    return {"max_retries": 3, "retry_delay_s": 60, "backoff_multiplier": 2.0, "timeout_s": 30}


def _no_filters() -> Any:
    return []


class RetryConfig(serializers.Serializer):
    """How often and how patiently a delivery is tried; what is not named has its default."""

    maxRetries = serializers.IntegerField(source="max_retries", min_value=0, max_value=10, default=3)
    retryDelay = serializers.IntegerField(
        source="retry_delay_s",
        min_value=1,
        max_value=86_400,
        default=60,
        help_text="seconds to the first retry",
    )
    backoffMultiplier = serializers.FloatField(
        source="backoff_multiplier",
        min_value=1,
        max_value=10,
        default=2.0,
        help_text="each wait, by the last",
    )
    timeout = serializers.IntegerField(
        source="timeout_s", min_value=1, max_value=30, default=30, help_text="seconds for one attempt"
    )


class PayloadFilter(serializers.Serializer):
    """A condition on an event's data."""

    field = serializers.CharField(help_text="a path into `data`, such as `company.name`")
    operator = serializers.ChoiceField(
        choices=("equals", "not_equals", "in", "exists", "greater_than", "less_than", "contains")
    )
    value = serializers.JSONField(required=False)


@extend_schema_field(PayloadFilter(many=True))
class PayloadFiltersField(serializers.JSONField):
    """Conditions that must all hold (webhooks/matching.py)."""

    def to_internal_value(self, data: Any) -> list[dict[str, Any]]:
        try:
            return filters_validate(data)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error


class CustomHeadersField(serializers.DictField):
    """Headers of the receiver's own: tokens, printable values, none that the hub or HTTP itself sets."""

    child = serializers.CharField(max_length=1024, trim_whitespace=False)

    def run_child_validation(self, data: Any) -> Any:
        headers: dict[str, str] = super().run_child_validation(data)
        if len(headers) > MAX_HEADERS:
            raise serializers.ValidationError([f"At most {MAX_HEADERS} headers."])
        seen = set()
        for name, value in headers.items():
            lower = name.lower()
            if not _HEADER_NAME.fullmatch(name):
                raise serializers.ValidationError([f"{name[:40]!r} is not a header's name."])
            if lower in _RESERVED or lower.startswith(_RESERVED_FAMILIES):
                raise serializers.ValidationError([f"{name} is set by the hub."])
            if lower in seen:
                raise serializers.ValidationError([f"{name} is named twice."])
            if not _HEADER_VALUE.fullmatch(value):
                raise serializers.ValidationError([f"The value of {name} must be printable ASCII."])
            seen.add(lower)
        return headers


class SubscriptionTerms(serializers.Serializer):
    """What is said of a webhook subscription when it is made, and may be changed later."""

    url = serializers.CharField(max_length=2048)
    events = serializers.ListField(
        child=serializers.CharField(max_length=80),
        source="event_types",
        allow_empty=False,
        max_length=100,
        help_text="exact types, families such as `lead.*`, or `*` (see `GET /api/v1/webhook-events`)",
    )
    retryConfig = RetryConfig(source="retry_config", default=_retry_config)
    metadata = MetadataField(default=dict)
    description = TextOrNull(max_length=255)
    payloadFilters = PayloadFiltersField(source="payload_filters", default=_no_filters)
    customHeaders = CustomHeadersField(source="custom_headers", default=dict)
    ordered = serializers.BooleanField(
        source="is_ordered", default=False, help_text="one at a time, oldest first"
    )
    ratePerSecond = serializers.IntegerField(
        source="rate_per_second", min_value=1, max_value=10_000, allow_null=True, default=None
    )
    signatureScheme = serializers.ChoiceField(
        choices=("v1", "v1a"), default="v1", help_text="v1a adds an Ed25519 signature"
    )

    def validate_url(self, url: str) -> str:
        if not request_bin_token_of(url):
            try:
                url_check(url)
            except ValueError as error:
                raise serializers.ValidationError(str(error)) from error
        return url

    def validate_events(self, names: list[str]) -> list[str]:
        """Each must cover an event type that there is."""
        families = {f"{name.split('.')[0]}.*" for name in EVENT_TYPES}
        if unknown := [name for name in names if name not in {"*", *families, *EVENT_TYPES}]:
            raise serializers.ValidationError([f"There is no event {name[:60]!r}." for name in unknown[:5]])
        return list(dict.fromkeys(names))

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if "retry_config" in data:
            data |= data.pop("retry_config")
        if "signatureScheme" in data:
            data["signs_v1a"] = data.pop("signatureScheme") == "v1a"
        return data


class SubscriptionIn(SubscriptionTerms):
    """A webhook subscription to make."""


class SubscriptionChanges(SubscriptionTerms):
    """Some of a subscription's terms, and its status; what is not named stays."""

    status = AnyCaseField(choices=Subscription.Status.values, required=False)

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        given = self.initial_data.get("retryConfig")
        if isinstance(given, dict) and "retry_config" in data:
            named = {field.source for name, field in RetryConfig().fields.items() if name in given}
            data["retry_config"] = {
                name: value for name, value in data["retry_config"].items() if name in named
            }
        return super().validate(data)


class SubscriptionOut(serializers.Serializer):
    """A webhook subscription, without its secret. `may_change` of the context is asked about each."""

    id = serializers.UUIDField()
    clientId = serializers.UUIDField(source="client_id")
    url = serializers.CharField()
    events = serializers.ListField(child=serializers.CharField(), source="event_types")
    status = serializers.ChoiceField(choices=Subscription.Status.choices)
    retryConfig = RetryConfig(source="*")
    metadata = serializers.DictField()
    description = TextOrNull()
    payloadFilters = PayloadFilter(source="payload_filters", many=True)
    customHeaders = serializers.SerializerMethodField(
        help_text="their values for those who may change them, null for others"
    )
    ordered = serializers.BooleanField(source="is_ordered")
    ratePerSecond = serializers.IntegerField(source="rate_per_second", allow_null=True)
    signatureScheme = serializers.SerializerMethodField()
    publicKey = serializers.SerializerMethodField(help_text="verifies v1a signatures; null without")
    previousSecretEndsAt = serializers.DateTimeField(source="previous_secret_ends_at", allow_null=True)
    failingSince = serializers.DateTimeField(source="failing_since", allow_null=True)
    disabledAt = serializers.DateTimeField(source="disabled_at", allow_null=True)
    disabledReason = TextOrNull(source="disabled_reason", help_text="`gone`, `failing` or `person`")
    createdAt = serializers.DateTimeField(source="created_at")
    updatedAt = serializers.DateTimeField(source="updated_at")

    @extend_schema_field(serializers.DictField(child=serializers.CharField(allow_null=True)))
    def get_customHeaders(self, subscription: Subscription) -> dict[str, str | None]:
        if self.context["may_change"](subscription):
            return dict(subscription_headers_of(subscription))
        return dict.fromkeys(subscription.custom_header_names)

    def get_signatureScheme(self, subscription: Subscription) -> str:
        return "v1a" if subscription.signing_key_sealed else "v1"

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_publicKey(self, subscription: Subscription) -> str | None:
        return subscription_public_key(subscription) or None


class CountOut(serializers.Serializer):
    deliveries = serializers.IntegerField(source="deliveries_count")


class SubscriptionRow(SubscriptionOut):
    """A subscription in a list, with how many deliveries it has."""

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "_count": CountOut(source="*")}


class NewSubscriptionOut(SubscriptionOut):
    """What creating answers; `secret` is shown this once."""

    secret = serializers.CharField(help_text="`whsec_` and base64")


class RotateSecretIn(serializers.Serializer):
    graceSeconds = serializers.ChoiceField(
        choices=(0, 3600, 86_400, 604_800), default=86_400, help_text="how long the old secret signs too"
    )


class RotatedSecretOut(NewSubscriptionOut):
    """What rotating answers; both secrets sign until `previousSecretEndsAt`."""


class DeliveryQuery(ListQuery):
    limit = serializers.IntegerField(min_value=1, max_value=100, default=50)
    eventType = serializers.CharField(required=False, max_length=80)


@extend_schema_field({"type": "object", "additionalProperties": True})
class PayloadField(serializers.Field):
    """A delivery's body as JSON."""

    def to_representation(self, value: str) -> Any:
        return orjson.loads(value)


class DeliveryOut(serializers.Serializer):
    """A message to a subscription, and how far it came."""

    id = serializers.UUIDField()
    subscriptionId = serializers.UUIDField(source="subscription_id")
    eventType = serializers.CharField(source="event_type")
    webhookId = serializers.CharField(source="webhook_id", help_text="the same in every attempt")
    payload = PayloadField(source="body", read_only=True)
    responseCode = serializers.IntegerField(source="response_code", allow_null=True)
    attemptCount = serializers.IntegerField(source="attempt_count")
    status = serializers.ChoiceField(choices=Delivery.Status.choices)
    lastError = TextOrNull(source="last_error")
    scheduledFor = serializers.DateTimeField(source="next_attempt_at")
    deliveredAt = serializers.DateTimeField(source="delivered_at", allow_null=True)
    createdAt = serializers.DateTimeField(source="created_at")


class AttemptOut(serializers.Serializer):
    """One HTTP request and its answer; 16 KB of each body are kept."""

    id = serializers.UUIDField()
    attemptNumber = serializers.IntegerField(source="attempt_number")
    success = serializers.BooleanField()
    responseCode = serializers.IntegerField(source="http_status", allow_null=True)
    errorCode = TextOrNull(source="error_code")
    errorMessage = TextOrNull(source="error_message")
    latencyMs = serializers.FloatField(source="latency_ms")
    url = serializers.CharField(source="webhook_url")
    requestHeaders = serializers.DictField(child=serializers.CharField(), source="request_headers")
    requestBody = serializers.CharField(source="request_body")
    responseHeaders = serializers.DictField(child=serializers.CharField(), source="response_headers")
    responseBody = serializers.CharField(source="response_body")
    createdAt = serializers.DateTimeField(source="created_at")


class DeliveryDetail(DeliveryOut):
    attempts = AttemptOut(many=True)


class ReplayIn(serializers.Serializer):
    """Which deliveries to send again."""

    since = serializers.DateTimeField()
    only = serializers.ChoiceField(choices=Replay.Only.choices, default=Replay.Only.FAILED)


class ReplayOut(serializers.Serializer):
    """A replay, and how far it came."""

    id = serializers.UUIDField()
    subscriptionId = serializers.UUIDField(source="subscription_id")
    since = serializers.DateTimeField()
    only = serializers.ChoiceField(choices=Replay.Only.choices)
    status = serializers.ChoiceField(choices=Replay.Status.choices)
    total = serializers.IntegerField()
    replayed = serializers.IntegerField()
    createdAt = serializers.DateTimeField(source="created_at")
    completedAt = serializers.DateTimeField(source="completed_at", allow_null=True)


class RequestBinChanges(serializers.Serializer):
    """What is said of a request bin, and may be changed later; what is not named stays."""

    name: serializers.CharField = TextOrNull(max_length=120)
    answerStatus = serializers.IntegerField(
        source="answer_status", min_value=200, max_value=599, default=200, help_text="what it answers"
    )


class RequestBinIn(RequestBinChanges):
    """A request bin to make."""

    name = serializers.CharField(max_length=120)
    organizationId = Uuid(
        source="organization_id", required=False, help_text="where the caller belongs to several"
    )
    environment = serializers.ChoiceField(
        choices=Environment.choices, required=False, help_text="sandbox, or that of the calling key"
    )


class RequestBinOut(serializers.Serializer):
    """A receiver inside the hub."""

    id = serializers.UUIDField()
    name = TextOrNull()
    url = serializers.SerializerMethodField()
    answerStatus = serializers.IntegerField(source="answer_status")
    expiresAt = serializers.DateTimeField(source="expires_at")
    createdAt = serializers.DateTimeField(source="created_at")

    def get_url(self, request_bin: Any) -> str:
        return request_bin_url(request_bin)


class BinnedRequestOut(serializers.Serializer):
    """What a request bin received; 16 KB of the body are kept."""

    id = serializers.UUIDField()
    method = serializers.CharField()
    headers = serializers.DictField(child=serializers.CharField())
    body = serializers.CharField()
    bodyBytes = serializers.IntegerField(source="body_bytes")
    ip = serializers.CharField(allow_null=True)
    verified = serializers.BooleanField(
        source="is_verified", allow_null=True, help_text="null where no webhook sends here"
    )
    createdAt = serializers.DateTimeField(source="created_at")


class EventTypeOut(serializers.Serializer):
    """An event type, with what its `data` looks like."""

    name = serializers.CharField()
    description = serializers.CharField()
    scope = serializers.CharField(help_text="what a client must hold to subscribe to it")
    schema = serializers.DictField(help_text="JSON Schema of the whole body")
    example = serializers.DictField()


EventTypesOut = type("EventTypesOut", (serializers.Serializer,), {"data": EventTypeOut(many=True)})
