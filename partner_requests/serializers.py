"""The wire form of contract E."""

import re
from typing import Any

import orjson
from rest_framework import serializers

from config.tenancy import Environment
from credentials.serializers.governance import Uuid
from partner_requests.models import PartnerRequest

MAX_PAYLOAD_BYTES = 256_000
_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,59}")


class AnyJson(serializers.JSONField):
    """Any JSON value, null included; required."""

    def __init__(self, **given: Any) -> None:
        super().__init__(allow_null=True, **given)


class PartnerRequestIn(serializers.Serializer):
    """A request to submit."""

    type = serializers.CharField(max_length=60, help_text="`ONBOARDING`, or any name an operator knows")
    payload = AnyJson(help_text="any JSON value")

    def validate_type(self, name: str) -> str:
        if not _TYPE.fullmatch(name):
            raise serializers.ValidationError("Use letters, digits, '_', '.', '-'; begin with a letter.")
        return name

    def validate_payload(self, payload: Any) -> Any:
        try:
            size = len(orjson.dumps(payload))
        except TypeError as error:
            # what could not be answered is not taken
            raise serializers.ValidationError("Numbers have 64 bits at most.") from error
        if size > MAX_PAYLOAD_BYTES:
            raise serializers.ValidationError(f"The payload is longer than {MAX_PAYLOAD_BYTES} bytes.")
        return payload


class SubmittedOut(serializers.Serializer):
    """What submitting answers."""

    id = serializers.UUIDField()
    partnerId = serializers.UUIDField(source="client_id")
    type = serializers.CharField()
    status = serializers.ChoiceField(choices=PartnerRequest.Status.choices)
    createdAt = serializers.DateTimeField(source="created_at")


class TransitionOut(serializers.Serializer):
    status = serializers.ChoiceField(choices=PartnerRequest.Status.choices)
    at = serializers.DateTimeField()


class RequestErrorOut(serializers.Serializer):
    code = serializers.CharField()
    message = serializers.CharField()


class PartnerRequestRow(SubmittedOut):
    """A request in a list."""

    dueAt = serializers.DateTimeField(source="due_at", help_text="when it should be settled")
    slaBreached = serializers.SerializerMethodField()
    settledAt = serializers.DateTimeField(source="settled_at", allow_null=True)

    def get_slaBreached(self, row: PartnerRequest) -> bool:
        return row.sla_breached_at is not None


class PartnerRequestOut(PartnerRequestRow):
    """A request with what became of it."""

    payload = serializers.JSONField()
    result = serializers.JSONField(allow_null=True)
    error = RequestErrorOut(allow_null=True)
    history = TransitionOut(many=True, source="transitions.all")


class PartnerIn(serializers.Serializer):
    """A partner to make, with its first key."""

    name = serializers.CharField(max_length=255)
    organizationId = Uuid(
        source="organization_id", required=False, help_text="where the hub has several organizations"
    )
    environment = serializers.ChoiceField(choices=Environment.choices, default=Environment.SANDBOX)


class PartnerOut(serializers.Serializer):
    """A partner and its key, shown this once."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    apiKey = serializers.CharField()


class OnboardingIn(serializers.Serializer):
    """The payload of ONBOARDING."""

    companyName = serializers.CharField(source="company_name", max_length=255)
    contactName = serializers.CharField(source="contact_name", max_length=255)
    contactEmail = serializers.EmailField(source="contact_email", max_length=254)
    contactPhone = serializers.CharField(
        source="contact_phone", max_length=40, required=False, allow_blank=True, default=""
    )
    website = serializers.URLField(max_length=2048, required=False, allow_blank=True, default="")
    country = serializers.RegexField(r"^[A-Z]{2}$", help_text="ISO 3166-1 alpha-2")
    taxId = serializers.CharField(
        source="tax_id", max_length=40, required=False, allow_blank=True, default=""
    )
    expectedMonthlyRequests = serializers.IntegerField(
        source="expected_monthly_requests",
        min_value=0,
        max_value=2_000_000_000,
        required=False,
        allow_null=True,
        default=None,
    )
    notes = serializers.CharField(max_length=4000, required=False, allow_blank=True, default="")
