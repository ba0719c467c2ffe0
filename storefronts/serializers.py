"""What widgets are answered."""

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers


class WidgetRewardOut(serializers.Serializer[Any]):
    type = serializers.ChoiceField(("percentage", "flat"))
    value = serializers.FloatField(help_text="per cent of the purchase, or minor units of `currency`")
    currency = serializers.CharField(help_text="ISO 4217; empty for a percentage")


class WidgetOfferOut(serializers.Serializer[Any]):
    """An offer as visitors of somebody's page may see it; the commission is not among it."""

    offer_id = serializers.UUIDField()
    name = serializers.CharField()
    brand_name = serializers.CharField()
    category = serializers.CharField()
    description = serializers.CharField()
    image_url = serializers.CharField()
    reward = WidgetRewardOut(allow_null=True)
    click_url = serializers.URLField(help_text="a smart link of the campaign")


@extend_schema_serializer(many=False)
class WidgetOfferList(serializers.Serializer[Any]):
    data = WidgetOfferOut(many=True)  # type: ignore[assignment]


class WidgetQuery(serializers.Serializer[Any]):
    """What a widget asks for."""

    tenant_id = serializers.UUIDField(required=False, help_text="the key's organization, or 403")
    category = serializers.CharField(required=False, default="", allow_blank=True, max_length=120)
    q = serializers.CharField(required=False, default="", allow_blank=True, max_length=100)
    limit = serializers.IntegerField(required=False, default=6, min_value=1, max_value=48)
