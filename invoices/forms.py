"""How people note payments, credit lines, and say what their invoices print."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_precision
from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from config.tenancy import Environment
from invoices.models import InvoiceLine, Profile
from invoices.services.issuing import Credited


class ProfileForm(forms.ModelForm):
    """What an environment's invoices print."""

    environment = forms.ChoiceField(choices=Environment.choices, label=_("Environment"))

    class Meta:
        model = Profile
        fields = ("details", "tax_number", "footer", "language", "payment_days")
        labels = {
            "details": _("Address and tax number"),
            "tax_number": _("VAT number"),
            "footer": _("Below the total"),
            "language": _("Language"),
            "payment_days": _("Days to pay"),
        }
        help_texts = {
            "footer": _("How to pay, and what must be said."),
            "tax_number": _("For electronic invoices (XML), such as DE123456789."),
        }
        widgets = {
            "details": forms.Textarea(attrs={"rows": 4, "dir": "auto"}),
            "footer": forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
        }

    def clean_payment_days(self) -> int:
        days: int = self.cleaned_data["payment_days"]
        if days > 365:
            raise forms.ValidationError(_("At most 365 days."))
        return days


class PaymentForm(forms.Form):
    """Money received; the amount in the currency's units."""

    amount = forms.DecimalField(
        label=_("Amount"), max_digits=14, decimal_places=3, min_value=Decimal("0.001")
    )
    method = forms.CharField(label=_("Method"), max_length=60, initial=_("Bank transfer"))
    reference = forms.CharField(label=_("Reference"), max_length=120)
    paid_on = forms.DateField(
        label=_("Received on"), widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )

    def __init__(self, *args: Any, currency: str, due_minor: int, **kwargs: Any) -> None:
        self._digits = get_currency_precision(currency)
        due = Decimal(due_minor).scaleb(-self._digits)
        kwargs["initial"] = {"amount": due, "paid_on": timezone.now().date()}
        super().__init__(*args, **kwargs)

    def clean_amount(self) -> int:
        amount: Decimal = self.cleaned_data["amount"].scaleb(self._digits)
        if amount != int(amount):
            raise forms.ValidationError(_("The currency has no such small part."))
        return int(amount)


class CreditForm(forms.Form):
    """How much of each line is taken back."""

    reason = forms.CharField(label=_("Reason"), max_length=500)

    def __init__(self, *args: Any, lines: Sequence[tuple[InvoiceLine, Decimal]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lines = [(line, left) for line, left in lines if left > 0]
        for line, left in self._lines:
            self.fields[f"line_{line.id}"] = forms.DecimalField(
                label=line.description,
                min_value=0,
                max_value=left,
                initial=left.normalize(),
                decimal_places=3,
            )

    @property
    def rows(self) -> list[tuple[InvoiceLine, Decimal, forms.BoundField]]:
        return [(line, left, self[f"line_{line.id}"]) for line, left in self._lines]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if not self.errors and not self.credited():
            raise forms.ValidationError(_("Credit something of at least one line."))
        return data

    def credited(self) -> list[Credited]:
        """What the valid form takes back."""
        found = [Credited(line.id, self.cleaned_data[f"line_{line.id}"]) for line, _left in self._lines]
        return [one for one in found if one.quantity]
