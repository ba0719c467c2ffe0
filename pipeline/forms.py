"""How people hand out leads, write quotes, take steps and ask for files."""

from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_precision
from django import forms
from django.utils.translation import gettext_lazy as _

from config.tenancy import Environment
from leads.csv_files import minor_read
from leads.models import Lead
from leads.serializers import CURRENCIES, MAX_VALUE_MINOR
from partners.models import Agent
from pipeline.models import Export, Policy, Proposal, Quote
from pipeline.models.assignments import MAX_ANSWER_MINUTES, MAX_OFFERS, Strategy
from pipeline.models.quotes import MAX_LINES
from pipeline.serializers.proposals import MAX_VALID_DAYS

_DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class ReasonForm(forms.Form):
    reason = forms.CharField(max_length=500, label=_("Reason"))


class AcceptForm(forms.Form):
    name = forms.CharField(max_length=255, label=_("Name of who accepts"))


class DeclineForm(forms.Form):
    name = forms.CharField(max_length=255, required=False, label=_("Name of who declines"))
    reason = forms.CharField(max_length=500, label=_("Reason"))


class ActivateForm(forms.Form):
    early = forms.BooleanField(required=False, label=_("Cover begins before the term does"))


class CancelForm(forms.Form):
    cancelled_from = forms.DateField(required=False, label=_("No cover from"), widget=_DAY)
    reason = forms.CharField(max_length=500, label=_("Reason"))


class AmountField(forms.CharField):
    """An amount as people write it; `minor` reads it once the currency is known."""

    def __init__(self, **given: Any) -> None:
        super().__init__(max_length=30, **given)

    def minor(self, text: str, currency: str) -> int:
        """Minor units, 0 for nothing. Raises ValidationError."""
        try:
            amount = minor_read(text, currency) if text else 0
        except ValueError:
            amount = -1
        if not 0 <= amount <= MAX_VALUE_MINOR:
            raise forms.ValidationError(_("This is not an amount."))
        return amount


def amount_text(minor: int, currency: str) -> str:
    """Minor units as a form shows them."""
    return f"{Decimal(minor).scaleb(-get_currency_precision(currency)):f}"


class PolicyForm(forms.Form):
    """The term and premium of a policy; `currency` is its proposal's."""

    starts_on = forms.DateField(label=_("First day"), widget=_DAY)
    ends_on = forms.DateField(required=False, label=_("Last day"), widget=_DAY, help_text=_("Empty: a year."))
    premium = AmountField(label=_("Premium"))

    def __init__(self, *args: Any, currency: str, **given: Any) -> None:
        super().__init__(*args, **given)
        self.currency = currency

    def clean_premium(self) -> int:
        field: Any = self.fields["premium"]
        return field.minor(self.cleaned_data["premium"], self.currency)

    def terms(self) -> dict[str, Any]:
        data = {name: value for name, value in self.cleaned_data.items() if value is not None}
        return {"premium_minor": data.pop("premium"), **data}


class EndorseForm(PolicyForm):
    """What an endorsement changes, and why."""

    ends_on = forms.DateField(label=_("Last day"), widget=_DAY)
    product = forms.CharField(max_length=200, label=_("Product"))
    reason = forms.CharField(max_length=500, required=False, label=_("Reason"))

    @staticmethod
    def initial_of(policy: Policy) -> dict[str, Any]:
        return {
            "starts_on": policy.starts_on,
            "ends_on": policy.ends_on,
            "product": policy.product,
            "premium": amount_text(policy.premium_minor, policy.currency),
        }


class ProposalForm(forms.Form):
    """What a proposal says beside its quote."""

    title = forms.CharField(max_length=200, label=_("Title"))
    terms = forms.CharField(
        max_length=20_000, required=False, label=_("Terms"), widget=forms.Textarea(attrs={"rows": 6})
    )
    valid_days = forms.IntegerField(
        min_value=1, max_value=MAX_VALID_DAYS, initial=14, label=_("Days the customer has")
    )

    @staticmethod
    def initial_of(proposal: Proposal) -> dict[str, Any]:
        return {name: getattr(proposal, name) for name in ("title", "terms", "valid_days")}


class AssignForm(forms.Form):
    """To whom a lead is offered."""

    agent = forms.ModelChoiceField(
        Agent.objects.none(), required=False, label=_("Agent"), empty_label=_("Whose turn it is")
    )
    strategy = forms.ChoiceField(
        choices=[("", _("As the organization says")), *Strategy.choices], required=False, label=_("Chosen")
    )
    answer_minutes = forms.IntegerField(
        min_value=1, max_value=MAX_ANSWER_MINUTES, required=False, label=_("Minutes to answer")
    )

    def __init__(self, *args: Any, lead: Lead, **given: Any) -> None:
        super().__init__(*args, **given)
        agents = Agent.objects.for_organization(lead.organization_id, lead.environment)
        if lead.company_id:
            agents = agents.filter(company_id=lead.company_id)
        self.fields["agent"].queryset = agents.order_by("name", "id")  # type: ignore[attr-defined]

    def terms(self) -> dict[str, Any]:
        agent = self.cleaned_data["agent"]
        return {
            "agent_id": agent.id if agent else None,
            "strategy": self.cleaned_data["strategy"] or None,
            "answer_minutes": self.cleaned_data["answer_minutes"],
        }


class RosterForm(forms.Form):
    strategy = forms.ChoiceField(choices=Strategy.choices, label=_("Agents are chosen"))
    answer_minutes = forms.IntegerField(
        min_value=1, max_value=MAX_ANSWER_MINUTES, label=_("Minutes to answer")
    )
    max_offers = forms.IntegerField(min_value=1, max_value=MAX_OFFERS, label=_("Agents asked at most"))


class DeskForm(forms.Form):
    capacity = forms.IntegerField(min_value=0, max_value=10_000, label=_("Capacity"))
    is_available = forms.BooleanField(required=False, label=_("Available"))


class QuoteForm(forms.Form):
    """What a quote says beside its lines."""

    title = forms.CharField(max_length=200, label=_("Title"))
    currency = forms.CharField(max_length=3, label=_("Currency"))
    valid_until = forms.DateField(label=_("Valid until"), widget=_DAY)
    notes = forms.CharField(
        max_length=10_000, required=False, label=_("Notes"), widget=forms.Textarea(attrs={"rows": 3})
    )

    def clean_currency(self) -> str:
        code = self.cleaned_data["currency"].upper()
        if code not in CURRENCIES:
            raise forms.ValidationError(_("This is not an ISO 4217 currency."))
        return code

    @staticmethod
    def initial_of(quote: Quote) -> dict[str, Any]:
        return {name: getattr(quote, name) for name in ("title", "currency", "valid_until", "notes")}


class LineForm(forms.Form):
    """A line; one without a description is none."""

    description = forms.CharField(max_length=300, required=False, label=_("Description"))
    quantity = forms.DecimalField(
        max_digits=12,
        decimal_places=3,
        min_value=Decimal("0.001"),
        required=False,
        label=_("Quantity"),
    )
    unit_price = AmountField(required=False, label=_("Price of one"))
    discount = AmountField(required=False, label=_("Discount"))
    tax_rate = forms.DecimalField(
        max_digits=5, decimal_places=2, min_value=0, max_value=100, required=False, label=_("Tax %")
    )

    def line(self, currency: str) -> dict[str, Any] | None:
        """The line as services take it; None for an empty one, or with an error that is shown beside it."""
        data = self.cleaned_data
        if not data.get("description"):
            return None
        amounts = {}
        for name in ("unit_price", "discount"):
            field: Any = self.fields[name]
            try:
                amounts[f"{name}_minor"] = field.minor(data.get(name, ""), currency)
            except forms.ValidationError as error:
                self.add_error(name, error)
        if self.errors:
            return None
        return {
            "description": data["description"],
            "quantity": data["quantity"] or Decimal(1),
            "tax_rate": data["tax_rate"] or Decimal(0),
            **amounts,
        }

    @staticmethod
    def initial_of(quote: Quote) -> list[dict[str, Any]]:
        return [
            {
                "description": line["description"],
                "quantity": line["quantity"],
                "unit_price": amount_text(line["unitPriceMinor"], quote.currency),
                "discount": amount_text(line["discountMinor"], quote.currency),
                "tax_rate": line["taxRate"],
            }
            for line in quote.lines
        ]


LineForms = forms.formset_factory(
    LineForm, extra=3, max_num=MAX_LINES, validate_max=True, absolute_max=MAX_LINES + 3
)


class ExportForm(forms.Form):
    """What goes into a file."""

    kind = forms.ChoiceField(choices=Export.Kind.choices, label=_("What"))
    file_format = forms.ChoiceField(choices=Export.Format.choices, label=_("Format"))
    environment = forms.ChoiceField(choices=Environment.choices, label=_("Environment"))
    status = forms.ChoiceField(
        choices=[
            ("", _("Any status")),
            (_("Leads"), [*Lead.Status.choices]),
            (_("Policies"), [*Policy.Status.choices]),
        ],
        required=False,
        label=_("Status"),
    )
    date_from = forms.DateField(required=False, label=_("Created from"), widget=_DAY)
    date_to = forms.DateField(required=False, label=_("Created to"), widget=_DAY)

    def filters(self) -> dict[str, str]:
        data = self.cleaned_data
        given = {"status": data["status"], "dateFrom": data["date_from"], "dateTo": data["date_to"]}
        return {name: str(value) for name, value in given.items() if value}


class AnswerForm(forms.Form):
    """The end customer's answer: the name typed, and with a declined one maybe why."""

    name = forms.CharField(
        max_length=255,
        label=_("Your full name"),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    reason = forms.CharField(max_length=500, required=False, label=_("Why not? (only if you decline)"))
