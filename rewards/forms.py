"""How people make campaigns and links."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from catalog.models import WHOLE, Offer
from catalog.selectors import offer_is_open
from config.money import minor_units
from partners.models import ApiClient

_UTM = ("source", "medium", "campaign", "term", "content")


class _Named(forms.ModelChoiceField):
    """Rows named with their environment, since a form's choices hold both."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name} ({obj.get_environment_display()})"


class CampaignForm(forms.Form):
    """A campaign of one of the organization's partners, for an offer of the same environment."""

    offer = _Named(Offer.objects.none(), label=_("Offer"))
    client = _Named(ApiClient.objects.none(), label=_("Partner"))
    name = forms.CharField(
        max_length=200, required=False, label=_("Name"), help_text=_("Without one, the offer's.")
    )
    reward = forms.ChoiceField(
        choices=[("share", _("A share of the commission")), ("flat", _("A flat amount"))],
        initial="share",
        label=_("The end user gets"),
    )
    share_pct = forms.DecimalField(
        label=_("Share, in %"), required=False, min_value=0, max_value=100, max_digits=5, decimal_places=2
    )
    flat_reward = forms.DecimalField(
        label=_("Flat amount"),
        required=False,
        min_value=Decimal("0.01"),
        max_digits=14,
        decimal_places=2,
        help_text=_("In the currency of the offer's commission."),
    )

    def __init__(self, *args: Any, organization_id: UUID, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offers = Offer.objects.for_organization(organization_id).shown().open(at=timezone.now())
        self.fields["offer"].queryset = offers.select_related("brand", "network").order_by("name", "id")  # type: ignore[attr-defined]
        clients = ApiClient.objects.for_organization(organization_id)
        self.fields["client"].queryset = clients.order_by("name", "id")  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        offer, client = data.get("offer"), data.get("client")
        if offer and client and offer.environment != client.environment:
            self.add_error("client", _("The partner is of the other environment."))
        if offer and not offer_is_open(offer, timezone.now()):
            self.add_error("offer", _("The offer is not active."))
        wanted = "flat_reward" if data.get("reward") == "flat" else "share_pct"
        if data.get(wanted) is None and wanted not in self.errors:
            self.add_error(wanted, _("This field is required."))
        return data

    def terms(self) -> dict[str, Any]:
        """What campaign_create takes."""
        data = self.cleaned_data
        terms = {"offer": data["offer"], "client_id": data["client"].id, "name": data["name"]}
        if data["reward"] == "flat":
            currency = data["offer"].commission_currency
            return terms | {
                "flat_reward_minor": minor_units(data["flat_reward"], currency),
                "currency": currency,
            }
        return terms | {"share": int(data["share_pct"] * WHOLE / 100)}


class LinkForm(forms.Form):
    """A smart link; everything about it is optional."""

    deep_link = forms.URLField(
        max_length=1000,
        required=False,
        label=_("Deep link"),
        assume_scheme="https",
        help_text=_("A page of the offer's own site. Without one it leads where the offer does."),
    )
    utm_source = forms.CharField(max_length=100, required=False, label="utm_source")
    utm_medium = forms.CharField(max_length=100, required=False, label="utm_medium")
    utm_campaign = forms.CharField(max_length=100, required=False, label="utm_campaign")
    utm_term = forms.CharField(max_length=100, required=False, label="utm_term")
    utm_content = forms.CharField(max_length=100, required=False, label="utm_content")
    user_id = forms.CharField(
        max_length=120,
        required=False,
        label=_("User"),
        help_text=_("Whose the reward is, by the partner's own id."),
    )
    sub_id = forms.CharField(
        max_length=120, required=False, label=_("Sub id"), help_text=_("Tells placements apart.")
    )

    @property
    def utm_fields(self) -> list[forms.BoundField]:
        return [self[f"utm_{name}"] for name in _UTM]

    def terms(self) -> dict[str, Any]:
        """What link_create takes."""
        data = self.cleaned_data
        return {
            "deep_link": data["deep_link"],
            "utm": {name: data[f"utm_{name}"] for name in _UTM if data[f"utm_{name}"]},
            "user_id": data["user_id"],
            "sub_id": data["sub_id"],
        }
