"""How people keep networks, brands and offers."""

from collections.abc import Iterable
from datetime import UTC
from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_precision
from django import forms
from django.utils.translation import gettext_lazy as _

from catalog.adapters.registry import ADAPTERS
from catalog.models import WHOLE, AffiliateNetwork, Brand, Offer
from config.tenancy import Environment
from credentials.services.key_terms import ip_allowlist_clean

_CURRENCY = r"^[A-Za-z]{3}$"
_MOMENT = forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"})
LABELS = {
    "name": _("Name"),
    "category": _("Category"),
    "description": _("Description"),
    "image_urls": _("Pictures"),
    "tracking_url": _("Tracking link"),
    "preview_url": _("Site"),
    "commission_type": _("Commission"),
    "commission_value": _("Commission value"),
    "commission_currency": _("Currency"),
    "status": _("Status"),
    "starts_at": _("Starts"),
    "ends_at": _("Ends"),
    "regions": _("Countries"),
    "daily_conversion_cap": _("Conversions a day"),
    "total_conversion_cap": _("Conversions in all"),
    "daily_revenue_cap_minor": _("Revenue a day"),
    "total_revenue_cap_minor": _("Revenue in all"),
}


def percent(hundredths: int | None) -> Decimal | None:
    """Hundredths of a percent as per cent."""
    return None if hundredths is None else Decimal(hundredths) / 100


def units(minor: int | None, currency: str) -> Decimal | None:
    """Minor units in the currency's own."""
    return None if minor is None else Decimal(minor).scaleb(-get_currency_precision(currency or "USD"))


class NetworkForm(forms.Form):
    """A network's terms. Secrets are only ever typed in: empty ones stay as they are."""

    environment = forms.ChoiceField(choices=Environment.choices, label=_("Environment"))
    name = forms.CharField(max_length=120, label=_("Name"))
    slug = forms.SlugField(
        max_length=63, label=_("Short name"), help_text=_("Stands in the address of its postbacks.")
    )
    adapter = forms.ChoiceField(label=_("Kind"))
    base_url = forms.URLField(max_length=2048, label=_("API address"), assume_scheme="https")
    publisher_id = forms.CharField(max_length=120, required=False, label=_("Our publisher id there"))
    currency = forms.RegexField(_CURRENCY, label=_("Currency"), initial="USD")
    link_template = forms.CharField(
        max_length=2048,
        required=False,
        label=_("Click address"),
        help_text=_("With {offer_id}, {publisher_id} and {click_id} where they belong."),
    )
    default_share = forms.DecimalField(
        label=_("End users' share, in %"),
        min_value=0,
        max_value=100,
        max_digits=5,
        decimal_places=2,
        initial=50,
        help_text=_("Of the commission of its new offers, where nothing else is said."),
    )
    sync_every_minutes = forms.IntegerField(
        label=_("Read every so many minutes"),
        min_value=0,
        max_value=43_200,
        initial=60,
        help_text=_("0: only by hand."),
    )
    is_enabled = forms.BooleanField(required=False, initial=True, label=_("Switched on"))
    postback_secret = forms.CharField(
        max_length=200,
        required=False,
        label=_("Secret of its postbacks"),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    postback_ip_allowlist = forms.CharField(
        required=False,
        max_length=4000,
        label=_("Addresses of its postbacks"),
        help_text=_("One address or range (CIDR) a line; empty: anywhere."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, network: AffiliateNetwork | None = None, **kwargs: Any) -> None:
        self._network = network
        if network:
            kwargs["initial"] = self._initial(network)
        super().__init__(*args, **kwargs)
        kinds = [(name, adapter.label) for name, adapter in ADAPTERS.items()]
        self.fields["adapter"].choices = kinds  # type: ignore[attr-defined]
        first = ADAPTERS[network.adapter if network and network.adapter in ADAPTERS else kinds[0][0]]
        if network:
            del self.fields["environment"]
        else:
            self.fields["base_url"].initial = first.default_base_url
            self.fields["link_template"].initial = first.default_link_template
        self._secrets = tuple(first.credential_labels)
        for name, label in first.credential_labels.items():
            self.fields[f"credential_{name}"] = forms.CharField(
                max_length=500,
                required=network is None,
                label=label,
                widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
                help_text=_("Kept sealed. Leave it empty to keep the present one.") if network else "",
            )

    @property
    def credential_fields(self) -> list[forms.BoundField]:
        return [self[f"credential_{name}"] for name in self._secrets]

    @staticmethod
    def _initial(network: AffiliateNetwork) -> dict[str, Any]:
        same = (
            "name", "slug", "adapter", "base_url", "publisher_id", "currency", "link_template",
            "sync_every_minutes", "is_enabled",
        )  # fmt: skip
        return {name: getattr(network, name) for name in same} | {
            "default_share": percent(network.default_share),
            "postback_ip_allowlist": "\n".join(network.postback_ip_allowlist),
        }

    def clean_currency(self) -> str:
        return str(self.cleaned_data["currency"]).upper()

    def clean_postback_ip_allowlist(self) -> list[str]:
        try:
            return ip_allowlist_clean(self.cleaned_data["postback_ip_allowlist"].split())
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error

    def clean_default_share(self) -> int:
        return int(self.cleaned_data["default_share"] * 100)

    def clean_link_template(self) -> str:
        text: str = self.cleaned_data["link_template"].strip()
        if text and not text.lower().startswith(("http://", "https://")):
            raise forms.ValidationError(_("Begin with https://."))
        return text

    def terms(self) -> dict[str, Any]:
        """The columns to write, and the secrets that were typed in."""
        data = dict(self.cleaned_data)
        data.pop("environment", None)
        typed = {name: data.pop(f"credential_{name}") for name in self._secrets}
        secret = data.pop("postback_secret")
        given: dict[str, Any] = {}
        if any(typed.values()):
            given["credentials"] = typed
        if secret:
            given["postback_secret"] = secret
        return data | given


class BrandForm(forms.Form):
    """A brand."""

    environment = forms.ChoiceField(choices=Environment.choices, label=_("Environment"))
    name = forms.CharField(max_length=200, label=_("Name"))
    website = forms.URLField(max_length=2048, required=False, label=_("Website"), assume_scheme="https")
    logo_url = forms.URLField(
        max_length=2048, required=False, label=_("Address of its logo"), assume_scheme="https"
    )
    status = forms.ChoiceField(
        choices=Brand.Status.choices,
        initial=Brand.Status.ACTIVE,
        label=_("Status"),
        help_text=_("Offers of an inactive brand are shown to nobody."),
    )

    def __init__(self, *args: Any, brand: Brand | None = None, **kwargs: Any) -> None:
        if brand:
            kwargs["initial"] = {
                name: getattr(brand, name) for name in ("name", "website", "logo_url", "status")
            }
        super().__init__(*args, **kwargs)
        if brand:
            del self.fields["environment"]

    def terms(self) -> dict[str, Any]:
        """The columns to write."""
        return {name: value for name, value in self.cleaned_data.items() if name != "environment"}


class OfferForm(forms.Form):
    """An offer; shares in per cent, amounts in the currency's units, times in UTC.

    Of a network's offer what is changed stays changed, and `restore` gives fields back to the network.
    """

    brand = forms.ModelChoiceField(Brand.objects.none(), label=_("Brand"))
    name = forms.CharField(max_length=255, label=_("Name"))
    category = forms.CharField(
        max_length=120,
        required=False,
        label=_("Category"),
        widget=forms.TextInput(attrs={"list": "categories", "autocomplete": "off"}),
    )
    description = forms.CharField(
        max_length=10_000, required=False, label=_("Description"), widget=forms.Textarea(attrs={"rows": 4})
    )
    commission_type = forms.ChoiceField(choices=Offer.CommissionType.choices, label=_("Commission"))
    commission = forms.DecimalField(
        min_value=0, max_digits=14, decimal_places=2, label=_("In %, or an amount")
    )
    commission_currency = forms.RegexField(_CURRENCY, label=_("Currency"), initial="USD")
    default_share = forms.DecimalField(
        min_value=0,
        max_value=100,
        max_digits=5,
        decimal_places=2,
        initial=50,
        label=_("End users' share, in %"),
    )
    status = forms.ChoiceField(choices=Offer.Status.choices, label=_("Status"))
    is_hidden = forms.BooleanField(required=False, label=_("Hidden from partners"))
    starts_at = forms.DateTimeField(required=False, label=_("Starts, UTC"), widget=_MOMENT)
    ends_at = forms.DateTimeField(required=False, label=_("Ends, UTC"), widget=_MOMENT)
    regions = forms.CharField(
        required=False,
        max_length=1000,
        label=_("Countries"),
        help_text=_("ISO codes with commas between them; empty: everywhere."),
    )
    tracking_url = forms.CharField(max_length=2048, required=False, label=_("Tracking link"))
    preview_url = forms.URLField(max_length=2048, required=False, label=_("Site"), assume_scheme="https")
    image_urls = forms.CharField(
        required=False,
        max_length=20_000,
        label=_("Pictures"),
        help_text=_("One address a line."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    daily_conversion_cap = forms.IntegerField(
        required=False, min_value=1, max_value=2**31 - 1, label=_("Conversions a day")
    )
    total_conversion_cap = forms.IntegerField(
        required=False, min_value=1, max_value=2**31 - 1, label=_("Conversions in all")
    )
    daily_revenue_cap = forms.DecimalField(
        required=False, min_value=0, max_digits=14, decimal_places=2, label=_("Revenue a day")
    )
    total_revenue_cap = forms.DecimalField(
        required=False, min_value=0, max_digits=14, decimal_places=2, label=_("Revenue in all")
    )
    restore = forms.MultipleChoiceField(
        required=False, widget=forms.CheckboxSelectMultiple, label=_("Follow the network again")
    )

    def __init__(
        self, *args: Any, offer: Offer | None = None, brands: Iterable[Brand] | None = None, **kwargs: Any
    ) -> None:
        if offer:
            kwargs["initial"] = self._initial(offer)
        super().__init__(*args, **kwargs)
        if offer:
            del self.fields["brand"]
        elif brands is not None:
            self.fields["brand"].queryset = brands  # type: ignore[attr-defined]
        kept = [name for name in (offer.overridden_fields if offer else ()) if name in LABELS]
        self.fields["restore"].choices = [(name, LABELS[name]) for name in kept]  # type: ignore[attr-defined]
        if not kept:
            del self.fields["restore"]

    @staticmethod
    def _initial(offer: Offer) -> dict[str, Any]:
        same = (
            "name", "category", "description", "commission_type", "commission_currency", "status",
            "is_hidden", "starts_at", "ends_at", "tracking_url", "preview_url", "daily_conversion_cap",
            "total_conversion_cap",
        )  # fmt: skip
        currency = offer.commission_currency
        is_share = offer.commission_type == Offer.CommissionType.PERCENTAGE
        value = offer.commission_value
        return {name: getattr(offer, name) for name in same} | {
            "commission": percent(value) if is_share else units(value, currency),
            "default_share": percent(offer.default_share),
            "regions": ", ".join(offer.regions),
            "image_urls": "\n".join(offer.image_urls),
            "daily_revenue_cap": units(offer.daily_revenue_cap_minor, currency),
            "total_revenue_cap": units(offer.total_revenue_cap_minor, currency),
        }

    def clean_description(self) -> str:
        return "\n".join(str(self.cleaned_data["description"]).splitlines())

    def clean_commission_currency(self) -> str:
        return str(self.cleaned_data["commission_currency"]).upper()

    def clean_regions(self) -> list[str]:
        codes = [code.upper() for code in self.cleaned_data["regions"].replace(",", " ").split()]
        if any(len(code) != 2 or not code.isalpha() for code in codes):
            raise forms.ValidationError(_("Use two-letter codes, like DE or IL."))
        return sorted(set(codes))

    def clean_image_urls(self) -> list[str]:
        field = forms.URLField(max_length=2048, assume_scheme="https")
        return [field.clean(line) for line in self.cleaned_data["image_urls"].split()][:20]

    def clean_tracking_url(self) -> str:
        text: str = self.cleaned_data["tracking_url"]
        if text and not text.lower().startswith(("http://", "https://")):
            raise forms.ValidationError(_("Begin with https://."))
        return text

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        starts, ends = data.get("starts_at"), data.get("ends_at")
        if starts and ends and starts >= ends:
            self.add_error("ends_at", _("The end must be after the start."))
        share = data.get("commission_type") == Offer.CommissionType.PERCENTAGE
        if share and (data.get("commission") or 0) * 100 > WHOLE:
            self.add_error("commission", _("A commission is at most the whole sale."))
        return data

    def terms(self) -> dict[str, Any]:
        """The columns to write, `restore`, and of a new offer its `brand`."""
        data = dict(self.cleaned_data)
        digits = get_currency_precision(data["commission_currency"])
        commission, is_share = data.pop("commission"), data["commission_type"] == "percentage"
        data["commission_value"] = int(commission * 100) if is_share else int(commission.scaleb(digits))
        data["default_share"] = int(data["default_share"] * 100)
        for name in ("starts_at", "ends_at"):
            data[name] = data[name] and data[name].astimezone(UTC)
        for name in ("daily_revenue_cap", "total_revenue_cap"):
            amount = data.pop(name)
            data[f"{name}_minor"] = None if amount is None else int(amount.scaleb(digits))
        return data
