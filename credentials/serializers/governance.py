"""The wire form of governance (contract A)."""

from typing import Any
from uuid import UUID

from rest_framework import serializers

from config.tenancy import Environment
from credentials.models import ApiKey
from credentials.scopes import Scope
from partners.models import Tier


class Uuid(serializers.UUIDField):
    """An id as text: DRF would take an integer for one, too."""

    def to_internal_value(self, data: Any) -> UUID:
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class TokenIn(serializers.Serializer):
    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(max_length=200, trim_whitespace=False)
    code = serializers.CharField(max_length=20, required=False, allow_blank=True, default="")


class TokenOut(serializers.Serializer):
    accessToken = serializers.CharField()
    tokenType = serializers.CharField()
    expiresIn = serializers.IntegerField()


class CredentialTerms(serializers.Serializer):
    """What a credential may do and for how long; all of it can be changed later."""

    name = serializers.CharField(max_length=255)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=Scope.choices), allow_empty=False, max_length=100
    )
    tier = serializers.ChoiceField(choices=Tier.choices, default=Tier.STANDARD)
    requestsPerMinute = serializers.IntegerField(
        source="requests_per_minute",
        min_value=1,
        max_value=100_000,
        allow_null=True,
        default=None,
        help_text="null: by tier, or 300 with a burst of 1000 for offers, campaigns and links",
    )
    burst = serializers.IntegerField(
        min_value=1,
        max_value=1_000_000,
        allow_null=True,
        default=None,
        help_text="this many at once, refilled at requestsPerMinute",
    )
    dailyQuota = serializers.IntegerField(
        source="daily_quota", min_value=1, max_value=2_000_000_000, allow_null=True, default=None
    )
    ipAllowlist = serializers.ListField(
        child=serializers.CharField(max_length=43),
        source="ip_allowlist",
        default=list,
        max_length=200,
        help_text="addresses and CIDR ranges; empty: any",
    )
    offerAllowlist = serializers.ListField(
        child=Uuid(),
        source="offer_allowlist",
        default=list,
        max_length=1000,
        help_text="empty: any",
    )
    brandAllowlist = serializers.ListField(
        child=Uuid(),
        source="brand_allowlist",
        default=list,
        max_length=1000,
        help_text="empty: any",
    )
    organizationWide = serializers.BooleanField(
        source="organization_wide",
        default=False,
        help_text="reaches every API client of the organization under /api/v1, not its own only",
    )
    requireSigning = serializers.BooleanField(required=False)
    signingMode = serializers.ChoiceField(
        choices=ApiKey.SigningMode.choices, source="signing_mode", required=False
    )
    expiresAt = serializers.DateTimeField(
        source="expires_at", allow_null=True, default=None, help_text="null: never"
    )

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        off, require = ApiKey.SigningMode.NONE, data.pop("requireSigning", None)
        if require is not None and "signing_mode" in data and require != (data["signing_mode"] != off):
            raise serializers.ValidationError({"requireSigning": ["This contradicts signingMode."]})
        if require is False:
            data["signing_mode"] = off
        elif require and "signing_mode" not in data:
            present = self.instance.signing_mode if self.instance else off
            data["signing_mode"] = ApiKey.SigningMode.BODY if present == off else present
        return data


class CredentialIn(CredentialTerms):
    """A credential to issue."""

    organizationId = serializers.UUIDField(source="organization_id")
    environment = serializers.ChoiceField(choices=Environment.choices, default=Environment.SANDBOX)
    companyId = Uuid(
        source="company_id",
        allow_null=True,
        default=None,
        help_text="the one company the credential sees; null: all",
    )


class CredentialChanges(CredentialTerms):
    """Some of a credential's terms; what is not named stays."""

    _FIXED = ("environment", "companyId", "status", "keyId")

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if fixed := [name for name in self._FIXED if name in self.initial_data]:
            raise serializers.ValidationError({name: ["This cannot be changed here."] for name in fixed})
        return super().validate(data)


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
    companyId = serializers.UUIDField(source="company_id", allow_null=True)
    tier = serializers.ChoiceField(choices=Tier.choices)
    requestsPerMinute = serializers.IntegerField(source="requests_per_minute", allow_null=True)
    burst = serializers.IntegerField(allow_null=True)
    dailyQuota = serializers.IntegerField(source="daily_quota", allow_null=True)
    ipAllowlist = serializers.ListField(child=serializers.CharField(), source="ip_allowlist")
    offerAllowlist = serializers.ListField(child=serializers.UUIDField(), source="offer_allowlist")
    brandAllowlist = serializers.ListField(child=serializers.UUIDField(), source="brand_allowlist")
    organizationWide = serializers.BooleanField(source="organization_wide")
    requireSigning = serializers.SerializerMethodField()
    signingMode = serializers.ChoiceField(choices=ApiKey.SigningMode.choices, source="signing_mode")
    expiresAt = serializers.DateTimeField(source="expires_at", allow_null=True)
    lastUsedAt = serializers.DateTimeField(source="last_used_at", allow_null=True)
    createdAt = serializers.DateTimeField(source="created_at")
    updatedAt = serializers.DateTimeField(source="updated_at")

    def get_requireSigning(self, key: ApiKey) -> bool:
        return key.signing_mode != ApiKey.SigningMode.NONE


class IssuedCredentialOut(CredentialOut):
    """What issuing answers, once."""

    rawApiKey = serializers.CharField()
    webhookSecret = serializers.CharField()
    signingSecret = serializers.CharField(allow_blank=True)


class RotatedCredentialOut(IssuedCredentialOut):
    """What rotating answers, once; `signingSecret` stays as it was and is not shown ("")."""

    oldSecretEndsAt = serializers.DateTimeField()


class ChangedCredentialOut(CredentialOut):
    """What changing answers: `signingSecret` once, when the change turned signing on, else ""."""

    signingSecret = serializers.CharField(allow_blank=True)


class RotatedSigningSecretOut(CredentialOut):
    """What rotating the signing secret answers, once."""

    signingSecret = serializers.CharField()
    oldSigningSecretEndsAt = serializers.DateTimeField()


class RotateIn(serializers.Serializer):
    graceSeconds = serializers.IntegerField(
        min_value=0, max_value=30 * 86_400, default=0, help_text="how long the old secret stays valid"
    )


class StatusIn(serializers.Serializer):
    status = serializers.ChoiceField(choices=ApiKey.Status.choices)
