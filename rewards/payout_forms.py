"""How people attribute conversions, put payouts together, and say where money goes."""

from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from config.tenancy import Environment
from partners.models import ApiClient
from rewards.models import Payee, PayoutBatch, RewardTerms
from rewards.postbacks import currencies, minor_units


def _environment() -> forms.ChoiceField:
    return forms.ChoiceField(
        choices=Environment.choices, initial=Environment.PRODUCTION, label=_("Environment")
    )


class AttributeForm(forms.Form):
    """Which click or link brought a conversion."""

    reference = forms.CharField(
        label=_("Click id or link code"),
        max_length=120,
        help_text=_("With a link's code and “.x” the reward goes to the link's own user."),
    )


class BatchForm(forms.Form):
    """A new payout batch."""

    environment = _environment()
    provider = forms.ChoiceField(choices=PayoutBatch.Provider.choices, label=_("Paid by"))
    currency = forms.CharField(label=_("Currency"), max_length=3, min_length=3, initial="EUR")
    minimum = forms.DecimalField(
        label=_("Pay from"),
        required=False,
        max_digits=12,
        decimal_places=3,
        min_value=Decimal(0),
        help_text=_("Payees with less wait for a later batch. Empty: the organization's minimum."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not settings.STRIPE_SECRET_KEY:
            provider: Any = self.fields["provider"]
            provider.choices = [one for one in PayoutBatch.Provider.choices if one[0] != "stripe"]

    def clean_currency(self) -> str:
        return _currency(self.cleaned_data["currency"])

    def minimum_minor(self) -> int | None:
        """The minimum in minor units; None for the organization's."""
        given = self.cleaned_data["minimum"]
        return None if given is None else minor_units(given, self.cleaned_data["currency"])


class FailureForm(forms.Form):
    """Why the bank did not pay."""

    reason = forms.CharField(label=_("Why"), max_length=200)


class PayeeForm(forms.Form):
    """Where the money of a partner or its user goes."""

    client = forms.ModelChoiceField(queryset=ApiClient.objects.none(), label=_("Partner"))
    user_id = forms.CharField(
        label=_("User id"), max_length=120, required=False, help_text=_("Empty: the partner itself.")
    )
    method = forms.ChoiceField(choices=Payee.Method.choices, label=_("Paid by"))
    name = forms.CharField(label=_("Account holder"), max_length=70)
    iban = forms.CharField(label=_("IBAN"), max_length=42, required=False)
    bic = forms.CharField(label=_("BIC"), max_length=11, required=False)
    account = forms.CharField(label=_("Stripe account"), max_length=60, required=False, help_text=_("acct_…"))

    def __init__(self, *args: Any, organization_id: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        clients: Any = self.fields["client"]
        clients.queryset = ApiClient.objects.for_organization(organization_id).order_by("name")
        clients.label_from_instance = lambda one: f"{one.name} · {one.get_environment_display()}"


class TermsForm(forms.Form):
    """How commissions are shared, and whose account pays."""

    environment = _environment()
    platform_share = forms.DecimalField(
        label=_("We keep (%)"), min_value=Decimal(0), max_value=Decimal(100), max_digits=5, decimal_places=2
    )
    hold_days = forms.IntegerField(label=_("Days on hold"), min_value=0, max_value=365)
    minimum_payout_minor = forms.IntegerField(
        label=_("Smallest payout"), min_value=0, help_text=_("In minor units, such as cents.")
    )
    payer_name = forms.CharField(label=_("Paying account holder"), max_length=70, required=False)
    payer_iban = forms.CharField(
        label=_("Paying IBAN"), max_length=42, required=False, help_text=_("Empty: stays as it is.")
    )
    payer_bic = forms.CharField(label=_("BIC"), max_length=11, required=False)

    @classmethod
    def of(cls, terms: RewardTerms) -> "TermsForm":
        """The form as the terms stand; the account is not shown again."""
        return cls(
            initial={
                "environment": terms.environment,
                "platform_share": Decimal(terms.platform_share) / 100,
                "hold_days": terms.hold_days,
                "minimum_payout_minor": terms.minimum_payout_minor,
            }
        )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if bool(data.get("payer_name")) != bool(data.get("payer_iban")):
            self.add_error("payer_iban", _("The account needs both its holder and its IBAN."))
        return data


class RateForm(forms.Form):
    """What one unit of a currency is in another."""

    source = forms.CharField(label=_("From"), max_length=3, min_length=3)
    target = forms.CharField(label=_("To"), max_length=3, min_length=3)
    rate = forms.DecimalField(
        label=_("Rate"), max_digits=18, decimal_places=8, min_value=Decimal("0.00000001")
    )

    def clean_source(self) -> str:
        return _currency(self.cleaned_data["source"])

    def clean_target(self) -> str:
        return _currency(self.cleaned_data["target"])


def _currency(text: str) -> str:
    code = text.upper()
    if code not in currencies():
        raise forms.ValidationError(_("This is no ISO 4217 currency."))
    return code
