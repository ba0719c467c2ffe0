"""How people keep the inventory, take orders by hand, and take items back."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from babel.numbers import get_currency_precision
from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from config.tenancy import Environment
from rentals.models import MAX_QUANTITY, Item, Line
from rentals.services.orders import Back, Wanted

LINES = 5
_PRICES = {
    "price_hour": _("Price of an hour"),
    "price_day": _("Price of a day"),
    "price_week": _("Price of a week"),
}
_MOMENT = forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"})


class ItemForm(forms.ModelForm):
    """An item; amounts in the currency's units."""

    environment = forms.ChoiceField(choices=Environment.choices, label=_("Environment"))
    currency = forms.RegexField(r"^[A-Z]{3}$", label=_("Currency"), initial="ILS")
    tax_rate = forms.DecimalField(
        label=_("Tax, in %"), min_value=0, max_value=100, max_digits=5, decimal_places=2, initial=0
    )

    class Meta:
        model = Item
        fields = ("name", "sku", "category", "description", "quantity", "tax_rate", "currency", "is_active")
        labels = {
            "name": _("Name"),
            "sku": _("SKU"),
            "category": _("Category"),
            "description": _("Description"),
            "quantity": _("Quantity"),
            "is_active": _("Is rented out"),
        }
        widgets = {
            "description": forms.Textarea(attrs={"rows": 3}),
            "category": forms.TextInput(attrs={"list": "categories", "autocomplete": "off"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in {**_PRICES, "deposit": _("Deposit")}.items():
            stored = getattr(self.instance, f"{name}_minor")
            self.fields[name] = forms.DecimalField(
                label=label,
                required=False,
                min_value=0,
                max_digits=12,
                decimal_places=2,
                initial=None
                if stored is None
                else Decimal(stored).scaleb(-self._digits(self.instance.currency)),
            )
        if not self.instance._state.adding:
            del self.fields["environment"]

    @property
    def prices(self) -> list[forms.BoundField]:
        return [self[name] for name in _PRICES]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if all(data.get(name) is None for name in _PRICES) and not self.errors:
            raise forms.ValidationError(_("Give the price of an hour, a day or a week."))
        if (data.get("quantity") or 0) > MAX_QUANTITY:
            self.add_error("quantity", _("That is too many."))
        return data

    def _post_clean(self) -> None:
        """The columns are checked by this form and by PostgreSQL: the instance stays as it is stored."""

    def terms(self) -> dict[str, Any]:
        """The columns to write."""
        data = {name: value for name, value in self.cleaned_data.items() if name != "environment"}
        digits = self._digits(data["currency"])
        for name in (*_PRICES, "deposit"):
            amount = data.pop(name)
            data[f"{name}_minor"] = None if amount is None else int(amount.scaleb(digits))
        return data | {"deposit_minor": data["deposit_minor"] or 0}

    @staticmethod
    def _digits(currency: str) -> int:
        return get_currency_precision(currency or "ILS")


class ImageForm(forms.Form):
    """A picture of an item."""

    image = forms.FileField(
        label=_("Picture"),
        help_text=_("PNG, JPEG or WebP, at most 10 MB."),
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
    )

    def clean_image(self) -> bytes:
        file: UploadedFile = self.cleaned_data["image"]
        if (file.size or 0) > 10_000_000:
            raise forms.ValidationError(_("The picture is larger than 10 MB."))
        return file.read()


class _Clocked(forms.Form):
    """Times of `zone`, as the clocks there show them."""

    def __init__(self, *args: Any, zone: ZoneInfo, **kwargs: Any) -> None:
        self._zone = zone
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        for name in ("starts_at", "ends_at"):
            moment = data.get(name)
            if isinstance(moment, datetime):
                # the form read it as UTC; it was meant as the clock of the zone
                data[name] = moment.replace(tzinfo=self._zone)
        starts, ends = data.get("starts_at"), data.get("ends_at")
        if starts and ends and ends <= starts:
            self.add_error("ends_at", _("The end must be after the start."))
        return data


class BlockForm(_Clocked):
    """Some of an item out of use."""

    quantity = forms.IntegerField(label=_("Quantity"), min_value=1, max_value=MAX_QUANTITY, initial=1)
    starts_at = forms.DateTimeField(label=_("From"), widget=_MOMENT)
    ends_at = forms.DateTimeField(
        label=_("Until"), widget=_MOMENT, required=False, help_text=_("Empty: until somebody ends it.")
    )
    reason = forms.CharField(label=_("Reason"), max_length=200)
    is_fact = forms.BooleanField(
        label=_("Even if they are promised"), required=False, help_text=_("What is broken is broken.")
    )


class OrderForm(_Clocked):
    """An order taken by hand: when, for whom, and up to five lines."""

    starts_at = forms.DateTimeField(label=_("From"), widget=_MOMENT)
    ends_at = forms.DateTimeField(label=_("Until"), widget=_MOMENT)
    name = forms.CharField(max_length=255, label=_("Name"))
    email = forms.EmailField(max_length=254, required=False, label=_("E-mail"))
    phone = forms.CharField(max_length=40, required=False, label=_("Phone"))
    notes = forms.CharField(
        max_length=4000, required=False, label=_("Notes"), widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, items: Sequence[Item], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "—"), *((str(item.id), item.name) for item in items)]
        for number in range(LINES):
            self.fields[f"item_{number}"] = forms.ChoiceField(
                choices=choices, required=False, label=_("Item")
            )
            self.fields[f"quantity_{number}"] = forms.IntegerField(
                required=False, min_value=1, max_value=MAX_QUANTITY, label=_("Quantity"), initial=1
            )

    @property
    def lines(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        return [(self[f"item_{number}"], self[f"quantity_{number}"]) for number in range(LINES)]

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        data["wanted"] = [
            Wanted(item_id, data.get(f"quantity_{number}") or 1)
            for number in range(LINES)
            if (item_id := data.get(f"item_{number}"))
        ]
        if not data["wanted"] and not self.errors:
            raise forms.ValidationError(_("Choose at least one item."))
        return data


class ReturnForm(forms.Form):
    """How many of each line came back, and how many of these are damaged."""

    def __init__(self, *args: Any, lines: Sequence[Line], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lines = [line for line in lines if line.out_quantity]
        for line in self._lines:
            for name, most in (("back", line.out_quantity), ("damaged", 0)):
                self.fields[f"{name}_{line.id}"] = forms.IntegerField(
                    label=_("Back") if name == "back" else _("Damaged"),
                    min_value=0,
                    max_value=line.out_quantity,
                    initial=most,
                )

    @property
    def rows(self) -> list[tuple[Line, forms.BoundField, forms.BoundField]]:
        return [(line, self[f"back_{line.id}"], self[f"damaged_{line.id}"]) for line in self._lines]

    def back(self) -> list[Back]:
        """What the valid form says came back."""
        data = self.cleaned_data
        found = [Back(one.id, data[f"back_{one.id}"], data[f"damaged_{one.id}"]) for one in self._lines]
        return [one for one in found if one.quantity or one.damaged]


class CancelForm(forms.Form):
    """Why an order is cancelled."""

    reason = forms.CharField(max_length=500, required=False, label=_("Reason"))
