"""Smart links on the wire."""

from typing import Any

from django.conf import settings
from django.urls import reverse
from rest_framework import serializers

from config.api.pagination import ListQuery
from rewards.addresses import network_address, raw_network_address
from rewards.models import SmartLink


class UtmIn(serializers.Serializer):
    """UTM parameters, without their prefix."""

    source = serializers.CharField(max_length=100, required=False)  # type: ignore[assignment]
    medium = serializers.CharField(max_length=100, required=False)
    campaign = serializers.CharField(max_length=100, required=False)
    term = serializers.CharField(max_length=100, required=False)
    content = serializers.CharField(max_length=100, required=False)

    def to_internal_value(self, data: Any) -> Any:
        clean = super().to_internal_value(data)
        if unknown := set(data) - set(self.fields):
            raise serializers.ValidationError({name: ["Unknown parameter."] for name in sorted(unknown)})
        return clean


class LinkIn(serializers.Serializer):
    """A smart link of a campaign; `deep_link` is a page of the offer's own site."""

    campaign_id = serializers.UUIDField()
    tenant_id = serializers.UUIDField(required=False)
    deep_link = serializers.URLField(max_length=1000, required=False, default="")
    utm = UtmIn(required=False, default=dict)
    user_id = serializers.CharField(max_length=120, required=False, default="")
    sub_id = serializers.CharField(max_length=120, required=False, default="")


class LinkChangeIn(serializers.Serializer):
    status = serializers.ChoiceField(choices=SmartLink.Status.choices)


class LinkQuery(ListQuery):
    campaign_id = serializers.UUIDField(required=False)


class LinkOut(serializers.Serializer):
    """A smart link. `smart_link` names campaign and offer, `short_url` is the same without them.

    `network_url` goes past our redirect: in the click's place it names the link and the macro `{click_id}`,
    to be filled by whoever sends people there.
    """

    link_id = serializers.UUIDField(source="id")
    campaign_id = serializers.UUIDField()
    offer_id = serializers.UUIDField(source="campaign.offer_id")
    pid = serializers.CharField(source="campaign.pid")
    code = serializers.CharField()
    smart_link = serializers.SerializerMethodField()
    short_url = serializers.SerializerMethodField()
    network_url = serializers.SerializerMethodField()
    qr_svg_url = serializers.SerializerMethodField()
    qr_png_url = serializers.SerializerMethodField()
    deep_link = serializers.CharField()
    utm = serializers.DictField(child=serializers.CharField())
    user_id = serializers.CharField()
    sub_id = serializers.CharField()
    status = serializers.ChoiceField(choices=SmartLink.Status.choices)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    def get_smart_link(self, link: SmartLink) -> str:
        campaign = link.campaign
        return f"{link_address(link.code)}?pid={campaign.pid}&offer_id={campaign.offer_id}"

    def get_short_url(self, link: SmartLink) -> str:
        return link_address(link.code)

    def get_network_url(self, link: SmartLink) -> str:
        campaign = link.campaign
        address = network_address(
            campaign.offer, campaign, code=link.code, deep_link=link.deep_link, utm=link.utm
        )
        return raw_network_address(address, code=link.code)

    def get_qr_svg_url(self, link: SmartLink) -> str:
        return _hub(reverse("link-qr", args=[link.code, "svg"]))

    def get_qr_png_url(self, link: SmartLink) -> str:
        return _hub(reverse("link-qr", args=[link.code, "png"]))


def link_address(code: str) -> str:
    """Where people are sent: the hub's address of a link."""
    return _hub(f"/r/{code}")


def _hub(path: str) -> str:
    return f"{settings.HUB_URL}{path}"
