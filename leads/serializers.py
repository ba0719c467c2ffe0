"""The wire form of leads (contract A)."""

from typing import Any

from rest_framework import serializers

from leads.models import Lead


class LeadIn(serializers.Serializer):
    """A new lead: a name, and an e-mail address or a phone number to reach the person."""

    organizationId = serializers.UUIDField()
    name = serializers.CharField(max_length=255)
    email = serializers.EmailField(max_length=254, required=False, allow_blank=True, default="")
    phone = serializers.CharField(max_length=40, required=False, allow_blank=True, default="")
    source = serializers.CharField(  # type: ignore[assignment]
        max_length=120, required=False, allow_blank=True, default=""
    )
    notes = serializers.CharField(max_length=10_000, required=False, allow_blank=True, default="")

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if not data["email"] and not data["phone"]:
            raise serializers.ValidationError({"email": ["Give an e-mail address or a phone number."]})
        return data


class LeadOut(serializers.Serializer):
    """A lead as partners and webhooks see it."""

    id = serializers.UUIDField()
    organizationId = serializers.UUIDField(source="organization_id")
    name = serializers.CharField()
    email = serializers.CharField()
    phone = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    notes = serializers.CharField()
    status = serializers.ChoiceField(choices=Lead.Status.choices)
    duplicateOf = serializers.UUIDField(source="duplicate_of_id", allow_null=True)
    createdAt = serializers.DateTimeField(source="created_at")
    updatedAt = serializers.DateTimeField(source="updated_at")
