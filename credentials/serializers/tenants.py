"""How a call of contract D names its tenant."""

from rest_framework import serializers

from config.tenancy import Environment


class TenantNamed(serializers.Serializer):
    """The tenant of a call by a person; a key has its own, and may name no other."""

    organizationId = serializers.UUIDField(
        required=False,
        help_text="for people: the organization; their only one where they name none. A super-admin names it",
    )
    environment = serializers.ChoiceField(
        choices=Environment.choices,
        required=False,
        help_text="for people: `production` where none is named, or that of the row the call is about",
    )
