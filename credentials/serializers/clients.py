"""The wire form of API clients and their keys (contract D)."""

from collections.abc import Callable
from typing import Any

import orjson
from django.core.validators import URLValidator
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from config.api.pagination import ListQuery
from config.tenancy import Environment
from credentials.models import ApiKey
from credentials.scopes import Scope
from credentials.serializers.governance import Uuid
from credentials.serializers.usage import UsageOut
from partners.addresses import MAX_LENGTH, callback_url_check, redirect_uri_check
from partners.models import ApiClient, Tier

MAX_METADATA_BYTES = 16_384
KEY_STATES = ("ACTIVE", "SUSPENDED", "REVOKED", "EXPIRED")
TIER_NAMES = [tier.upper() for tier in Tier.values]


class AnyCaseField(serializers.ChoiceField):
    """One of a few words, in any case."""

    def to_internal_value(self, data: Any) -> Any:
        words = {str(choice).lower(): choice for choice in self.choices}
        return super().to_internal_value(words.get(data.lower(), data) if isinstance(data, str) else data)


class MetadataField(serializers.DictField):
    """A JSON object of up to 16 KB, kept for the caller and never read."""

    def run_child_validation(self, data: Any) -> Any:
        try:
            size = len(orjson.dumps(data))
        except TypeError as error:
            # what could not be answered is not taken
            raise serializers.ValidationError(["Numbers have 64 bits at most."]) from error
        if size > MAX_METADATA_BYTES:
            raise serializers.ValidationError([f"The object is longer than {MAX_METADATA_BYTES} bytes."])
        return data


class TextOrNull(serializers.CharField):
    """A text that may be absent: null on the wire, empty in the database."""

    def __init__(self, **given: Any) -> None:
        usual: dict[str, Any] = {"allow_blank": True, "allow_null": True, "default": ""}
        super().__init__(**usual | given)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        return super().run_validation(data) or ""

    def to_representation(self, value: Any) -> Any:
        return value or None


class LimitsIn(serializers.Serializer):
    """Limits of a key's own, before its tier's."""

    requestsPerMinute = serializers.IntegerField(
        source="requests_per_minute", min_value=1, max_value=100_000, required=False, allow_null=True
    )
    dailyQuota = serializers.IntegerField(
        source="daily_quota", min_value=1, max_value=2_000_000_000, required=False, allow_null=True
    )
    burst = serializers.IntegerField(min_value=1, max_value=1_000_000, required=False, allow_null=True)

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if unknown := set(self.initial_data) - set(self.fields):
            raise serializers.ValidationError({name: ["There is no such limit."] for name in sorted(unknown)})
        return data


@extend_schema_field(
    {
        "oneOf": [
            {"type": "integer", "minimum": 1, "maximum": 100_000, "description": "requestsPerMinute"},
            {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    name: {"type": ["integer", "null"], "minimum": 1}
                    for name in ("requestsPerMinute", "dailyQuota", "burst")
                },
            },
            {"type": "null"},
        ]
    }
)
class LimitsField(serializers.Field):
    """Requests per minute as a number, or an object of `requestsPerMinute`, `dailyQuota` and `burst`."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        number = isinstance(data, int) and not isinstance(data, bool)
        serializer = LimitsIn(data={"requestsPerMinute": data} if number else data)
        if not serializer.is_valid():
            errors: Any = serializer.errors
            raise serializers.ValidationError(errors["requestsPerMinute"] if number else errors)
        return {name: value for name, value in serializer.validated_data.items() if value is not None}


def _checked(check: Callable[[str], None]) -> Callable[[str], None]:
    """A validator made of a check that raises ValueError with a sentence."""

    def validate(value: str) -> None:
        try:
            check(value)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error

    return validate


class ClientTerms(serializers.Serializer):
    """What is said of an API client when it is made, and may be changed later."""

    name = serializers.CharField(max_length=255)
    description = TextOrNull(max_length=2000)
    redirectUris = serializers.ListField(
        child=serializers.CharField(max_length=MAX_LENGTH, validators=[_checked(redirect_uri_check)]),
        source="redirect_uris",
        allow_empty=False,
        max_length=20,
        help_text="https, without fragment and wildcard; http for 127.0.0.1 and [::1] only",
    )
    website = TextOrNull(max_length=MAX_LENGTH, validators=[URLValidator(schemes=["https", "http"])])
    logoUrl = TextOrNull(
        source="logo_url", max_length=MAX_LENGTH, validators=[URLValidator(schemes=["https"])]
    )
    contactEmail = serializers.EmailField(source="contact_email", max_length=254)
    rateLimitTier = AnyCaseField(
        choices=Tier.choices, source="rate_limit_tier", default=Tier.STANDARD.value, help_text="in any case"
    )
    webhookUrl = TextOrNull(
        source="webhook_url",
        max_length=MAX_LENGTH,
        validators=[_checked(callback_url_check)],
        help_text="where a job's callback goes when the job names no webhook_url",
    )
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=Scope.choices),
        default=list,
        max_length=100,
        help_text="the most that the client's keys may hold",
    )
    metadata = MetadataField(default=dict)

    def validate_redirectUris(self, uris: list[str]) -> list[str]:
        return list(dict.fromkeys(uris))


class ClientListQuery(ListQuery):
    environment = serializers.ChoiceField(choices=Environment.choices, required=False)
    organizationId = serializers.CharField(
        required=False, max_length=40, help_text="where the caller belongs to several"
    )


class ClientIn(ClientTerms):
    """An API client to make."""

    organizationId = Uuid(
        source="organization_id", required=False, help_text="where the caller belongs to several"
    )
    environment = serializers.ChoiceField(
        choices=Environment.choices, required=False, help_text="sandbox, or that of the calling key"
    )


class ClientChanges(ClientTerms):
    """Some of an API client's terms, and its status; what is not named stays."""

    status = AnyCaseField(choices=ApiClient.Status.choices, required=False)

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        client: Any = self.instance
        fixed = {"organizationId": str(client.organization_id), "environment": client.environment}
        if moved := [name for name, value in fixed.items() if self.initial_data.get(name, value) != value]:
            raise serializers.ValidationError({name: ["This cannot be changed."] for name in moved})
        return data


class ClientKeyOut(serializers.Serializer):
    """A key of an API client, without its secret."""

    id = serializers.UUIDField()
    keyId = serializers.CharField(source="key_id")
    keyPrefix = serializers.SerializerMethodField(help_text="the beginning of the key, to recognise it by")
    name = serializers.CharField()
    status = serializers.SerializerMethodField()
    expiresAt = serializers.DateTimeField(source="expires_at", allow_null=True)
    scopes = serializers.ListField(child=serializers.CharField())
    lastUsedAt = serializers.DateTimeField(source="last_used_at", allow_null=True)
    createdAt = serializers.DateTimeField(source="created_at")

    def get_keyPrefix(self, key: ApiKey) -> str:
        return key.key_id[:-8]

    @extend_schema_field(serializers.ChoiceField(choices=KEY_STATES))
    def get_status(self, key: ApiKey) -> str:
        over = key.expires_at is not None and key.expires_at <= timezone.now()
        return "EXPIRED" if over and key.status == ApiKey.Status.ACTIVE else key.status.upper()


class IssuedClientKeyOut(ClientKeyOut):
    """What issuing answers; `key` and `signingSecret` are shown this once."""

    key = serializers.CharField(help_text="`<keyId>.<secret>`")
    signingSecret = serializers.CharField(
        allow_null=True, help_text="null unless the key that issued this one signs its requests"
    )


class ClientKeyIn(serializers.Serializer):
    """A key to issue to an API client."""

    clientId = Uuid(source="client_id")
    name = serializers.CharField(max_length=255)
    expiresAt = serializers.DateTimeField(
        source="expires_at", allow_null=True, default=None, help_text="null: never"
    )
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=Scope.choices),
        allow_null=True,
        default=None,
        max_length=100,
        help_text="of the client's scopes; null: all that the caller may hand out",
    )
    rateLimitOverride = LimitsField(source="limits", allow_null=True, default=None)
    metadata = MetadataField(default=dict)


class SubscriptionBrief(serializers.Serializer):
    """A webhook subscription as its client shows it."""

    id = serializers.UUIDField()
    url = serializers.CharField()
    events = serializers.ListField(child=serializers.CharField())
    status = serializers.CharField()
    createdAt = serializers.DateTimeField()
    updatedAt = serializers.DateTimeField()


class ClientOut(serializers.Serializer):
    """An API client.

    The context has the `secret` to show, and `subscriptions` by client.
    """

    id = serializers.UUIDField()
    organizationId = serializers.UUIDField(source="organization_id")
    environment = serializers.ChoiceField(choices=Environment.choices)
    name = serializers.CharField()
    description = TextOrNull()
    redirectUris = serializers.ListField(child=serializers.CharField(), source="redirect_uris")
    website = TextOrNull()
    logoUrl = TextOrNull(source="logo_url")
    contactEmail = TextOrNull(source="contact_email")
    rateLimitTier = serializers.SerializerMethodField()
    webhookUrl = TextOrNull(source="webhook_url")
    scopes = serializers.ListField(child=serializers.CharField())
    metadata = serializers.DictField()
    status = serializers.ChoiceField(choices=ApiClient.Status.choices)
    webhookSecret = serializers.SerializerMethodField(
        help_text="null in lists, for readers, and where the hub's own secret signs"
    )
    createdAt = serializers.DateTimeField(source="created_at")
    updatedAt = serializers.DateTimeField(source="updated_at")
    apiKeys = ClientKeyOut(source="newest_keys", many=True)
    webhookSubscriptions = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ChoiceField(choices=TIER_NAMES))
    def get_rateLimitTier(self, client: ApiClient) -> str:
        return client.rate_limit_tier.upper()

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_webhookSecret(self, client: ApiClient) -> str | None:
        return self.context["secret"]

    @extend_schema_field(SubscriptionBrief(many=True))
    def get_webhookSubscriptions(self, client: ApiClient) -> list[dict[str, Any]]:
        return self.context["subscriptions"].get(client.id, [])


class RotatedWebhookSecretOut(serializers.Serializer):
    """What rotating a client's webhook secret answers; both sign until `oldWebhookSecretEndsAt`."""

    clientId = serializers.UUIDField(source="client.id")
    webhookSecret = serializers.CharField(source="secret")
    oldWebhookSecretEndsAt = serializers.DateTimeField(source="old_ends_at")


class RateLimitStatusOut(serializers.Serializer):
    """The client's key with the least left; null where the limit store does not say."""

    tier = serializers.SerializerMethodField()
    remaining = serializers.IntegerField(allow_null=True)
    limit = serializers.IntegerField()
    resetAt = serializers.DateTimeField(source="reset_at", allow_null=True)

    @extend_schema_field(serializers.ChoiceField(choices=TIER_NAMES))
    def get_tier(self, status: dict[str, Any]) -> str:
        return status["tier"].upper()


class ClientDashboardOut(serializers.Serializer):
    """A client's figures; `usageStats` of the last 30 days."""

    client = ClientOut()
    usageStats = UsageOut()
    activeWebhooks = serializers.IntegerField()
    totalWebhooks = serializers.IntegerField()
    rateLimitStatus = RateLimitStatusOut()


class RateLimitTierOut(serializers.Serializer):
    """What a tier admits."""

    tier = serializers.ChoiceField(choices=TIER_NAMES)
    requestsPerMinute = serializers.IntegerField()
    requestsPerHour = serializers.IntegerField()
    requestsPerDay = serializers.IntegerField()


class RateLimitTiersOut(serializers.Serializer):
    data = RateLimitTierOut(many=True)  # type: ignore[assignment]
