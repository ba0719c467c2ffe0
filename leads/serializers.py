"""The wire form of leads (contract A)."""

from typing import Any

from babel.numbers import list_currencies
from rest_framework import serializers

from config.api.pagination import ListQuery
from credentials.serializers.clients import MetadataField
from leads.models import Lead, LeadChange

MAX_BULK = 500
MAX_TAGS = 50
MAX_DEPTH = 5
MAX_VALUE_MINOR = 10**15
CURRENCIES = list_currencies("en")
# What a lead comes to be only by being merged.
SETTABLE = [choice for choice in Lead.Status.choices if choice[0] != Lead.Status.MERGED]


class TagsField(serializers.ListField):
    """Up to 50 short texts, each once."""

    child = serializers.CharField(max_length=60)

    def to_internal_value(self, data: Any) -> list[str]:
        return list(dict.fromkeys(super().to_internal_value(data)))


class CurrencyField(serializers.CharField):
    """An ISO 4217 code, in capitals whatever was sent; blank for none."""

    def to_internal_value(self, data: Any) -> str:
        code = super().to_internal_value(data).upper()
        if code not in CURRENCIES:
            raise serializers.ValidationError(["This is not an ISO 4217 currency."])
        return code


class CustomFields(MetadataField):
    """A JSON object of the organization's own: up to 16 KB, nested up to 5 deep."""

    def run_child_validation(self, data: Any) -> Any:
        if _depth(data) > MAX_DEPTH:
            raise serializers.ValidationError([f"The object is nested deeper than {MAX_DEPTH}."])
        return super().run_child_validation(data)


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(_depth, inner), default=0)


class LeadTerms(serializers.Serializer):
    """What is said of a lead. It needs an e-mail address or a phone number; a value needs its currency."""

    name = serializers.CharField(max_length=255)
    email = serializers.EmailField(max_length=254, allow_blank=True, default="")
    phone = serializers.CharField(max_length=40, allow_blank=True, default="")
    externalId = serializers.CharField(
        source="external_id",
        max_length=255,
        allow_blank=True,
        default="",
        help_text="the lead's id in your system; no two leads have the same",
    )
    source = serializers.CharField(max_length=120, allow_blank=True, default="")  # type: ignore[assignment]
    notes = serializers.CharField(max_length=10_000, allow_blank=True, default="")
    tags = TagsField(max_length=MAX_TAGS, default=list)
    valueMinor = serializers.IntegerField(
        source="value_minor", min_value=0, max_value=MAX_VALUE_MINOR, allow_null=True, default=None
    )
    currency = CurrencyField(allow_blank=True, default="")
    companyId = serializers.UUIDField(source="company_id", allow_null=True, default=None)
    agentId = serializers.UUIDField(source="agent_id", allow_null=True, default=None)
    customFields = CustomFields(source="custom_fields", default=dict)


class LeadIn(LeadTerms):
    """A new lead."""

    organizationId = serializers.UUIDField()


class LeadChanges(LeadTerms):
    """Some of a lead's terms, and its status; what is not named stays."""

    organizationId = serializers.UUIDField()
    status = serializers.ChoiceField(choices=SETTABLE, required=False)


class LeadsIn(serializers.Serializer):
    """Up to 500 new leads. Each is judged by itself, so one that is not valid loses no other."""

    organizationId = serializers.UUIDField()
    leads = serializers.ListField(allow_empty=False, max_length=MAX_BULK)


class LeadsInSchema(LeadsIn):
    """`LeadsIn` as the documents show it."""

    leads = LeadTerms(many=True)  # type: ignore[assignment]


class LeadQuery(ListQuery):
    """What narrows the list of leads."""

    source = serializers.CharField(required=False, max_length=120)  # type: ignore[assignment]
    tag = serializers.CharField(required=False, max_length=60)
    companyId = serializers.UUIDField(required=False)
    agentId = serializers.UUIDField(required=False)
    externalId = serializers.CharField(required=False, max_length=255)
    createdFrom = serializers.CharField(required=False, max_length=40)
    createdTo = serializers.CharField(required=False, max_length=40)


class LeadOut(serializers.Serializer):
    """A lead as partners and webhooks see it."""

    id = serializers.UUIDField()
    organizationId = serializers.UUIDField(source="organization_id")
    externalId = serializers.CharField(source="external_id")
    name = serializers.CharField()
    email = serializers.CharField()
    phone = serializers.CharField()
    phoneE164 = serializers.CharField(source="phone_normalized")
    source = serializers.CharField()  # type: ignore[assignment]
    notes = serializers.CharField()
    tags = serializers.ListField(child=serializers.CharField())
    valueMinor = serializers.IntegerField(source="value_minor", allow_null=True)
    currency = serializers.CharField()
    companyId = serializers.UUIDField(source="company_id", allow_null=True)
    agentId = serializers.UUIDField(source="agent_id", allow_null=True)
    customFields = serializers.DictField(source="custom_fields")
    status = serializers.ChoiceField(choices=Lead.Status.choices)
    rejectionReason = serializers.CharField(source="rejection_reason")
    duplicateOf = serializers.UUIDField(source="duplicate_of_id", allow_null=True)
    mergedInto = serializers.UUIDField(source="merged_into_id", allow_null=True)
    createdAt = serializers.DateTimeField(source="created_at")
    updatedAt = serializers.DateTimeField(source="updated_at")


class LeadChangeOut(serializers.Serializer):
    """An entry of a lead's history; `before` and `after` hold the fields that changed."""

    action = serializers.ChoiceField(choices=LeadChange.Action.choices)
    at = serializers.DateTimeField()
    before = serializers.DictField()
    after = serializers.DictField()


class LeadDetail(LeadOut):
    """A lead with its history, the oldest entry first."""

    history = LeadChangeOut(many=True)


class LeadResult(serializers.Serializer):
    """What came of one lead of a bulk: `lead` where the status is 201, else `error`, in the usual form."""

    index = serializers.IntegerField(help_text="its place in the request, from 0")
    status = serializers.IntegerField()
    lead = LeadOut(required=False)
    error = serializers.DictField(required=False)


class LeadResults(serializers.Serializer):
    created = serializers.IntegerField()
    failed = serializers.IntegerField()
    data = LeadResult(many=True)  # type: ignore[assignment]
