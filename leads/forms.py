"""How people write leads down, change them, and bring files of them."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from babel.numbers import get_currency_precision
from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from config.api.exceptions import DomainError
from config.tenancy import Environment
from leads.csv_files import FIELDS, MAX_BYTES, minor_read, tags_read
from leads.models import Lead
from leads.serializers import CURRENCIES, MAX_TAGS, MAX_VALUE_MINOR
from partners.models import Agent, Company

_LABELS = {
    "name": _("Name"),
    "email": _("E-mail"),
    "phone": _("Phone"),
    "externalId": _("External id"),
    "source": _("Source"),
    "notes": _("Notes"),
    "tags": _("Tags"),
    "value": _("Value"),
    "currency": _("Currency"),
    "company": _("Company"),
    "agent": _("Agent"),
}


class LeadForm(forms.Form):
    """A lead's terms. `company` and `agent` are chosen among those of one organization and environment."""

    name = forms.CharField(max_length=255, label=_("Name"))
    email = forms.EmailField(max_length=254, required=False, label=_("E-mail"))
    phone = forms.CharField(max_length=40, required=False, label=_("Phone"))
    source = forms.CharField(max_length=120, required=False, label=_("Source"))
    external_id = forms.CharField(max_length=255, required=False, label=_("External id"))
    tags = forms.CharField(
        max_length=3200, required=False, label=_("Tags"), help_text=_("With commas between them.")
    )
    value = forms.CharField(max_length=30, required=False, label=_("Value"))
    currency = forms.CharField(max_length=3, required=False, label=_("Currency"))
    company = forms.ModelChoiceField(Company.objects.none(), required=False, label=_("Company"))
    agent = forms.ModelChoiceField(Agent.objects.none(), required=False, label=_("Agent"))
    notes = forms.CharField(
        max_length=10_000, required=False, label=_("Notes"), widget=forms.Textarea(attrs={"rows": 5})
    )

    def __init__(self, *args: Any, organization_id: UUID, environment: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, rows in (("company", Company.objects), ("agent", Agent.objects)):
            choices: QuerySet[Any] = rows.for_organization(organization_id, environment)
            self.fields[name].queryset = choices.order_by("name", "id")  # type: ignore[attr-defined]

    @staticmethod
    def initial_of(lead: Lead) -> dict[str, Any]:
        """What the form of a lead shows first."""
        same = ("name", "email", "phone", "source", "external_id", "currency", "company", "agent", "notes")
        value = ""
        if lead.value_minor is not None:
            value = f"{Decimal(lead.value_minor).scaleb(-get_currency_precision(lead.currency)):f}"
        return {name: getattr(lead, name) for name in same} | {"tags": ", ".join(lead.tags), "value": value}

    def clean_tags(self) -> list[str]:
        tags = list(dict.fromkeys(tags_read(self.cleaned_data["tags"])))
        if len(tags) > MAX_TAGS or any(len(tag) > 60 for tag in tags):
            raise forms.ValidationError(_("At most 50 tags, of at most 60 letters."))
        return tags

    def clean_currency(self) -> str:
        code = self.cleaned_data["currency"].upper()
        if code and code not in CURRENCIES:
            raise forms.ValidationError(_("This is not an ISO 4217 currency."))
        return code

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        value = data.pop("value", "")
        data["value_minor"] = None
        if value and data.get("currency"):
            try:
                data["value_minor"] = minor_read(value, data["currency"])
            except ValueError:
                self.add_error("value", _("This is not an amount."))
            else:
                if not 0 <= data["value_minor"] <= MAX_VALUE_MINOR:
                    self.add_error("value", _("This is not an amount."))
        elif value:
            self.add_error("currency", _("A value needs its currency."))
        return data

    def terms(self) -> dict[str, Any]:
        """The columns to write."""
        data = dict(self.cleaned_data)
        company, agent = data.pop("company"), data.pop("agent")
        data["company_id"], data["agent_id"] = company and company.id, agent and agent.id
        return data

    def refuse(self, refusal: DomainError) -> None:
        """Show a refusal beside its field."""
        for name, messages in refusal.details.items():
            field = {"companyId": "company", "agentId": "agent", "externalId": "external_id"}.get(name, name)
            if field in self.fields and isinstance(messages, list):
                self.add_error(field, messages)
        if not self.errors:
            self.add_error(None, refusal.message)


class FileForm(forms.Form):
    """A CSV file, and the world its leads are for."""

    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV in UTF-8, with commas or semicolons, a line of column names first; at most 10 MB."),
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
    )
    environment = forms.ChoiceField(choices=Environment.choices, label=_("Environment"))

    def clean_file(self) -> UploadedFile:
        file: UploadedFile = self.cleaned_data["file"]
        if (file.size or 0) > MAX_BYTES:
            raise forms.ValidationError(_("The file is larger than 10 MB."))
        return file


class ColumnsForm(forms.Form):
    """Which column of a file holds which field of a lead."""

    keeps_others = forms.BooleanField(required=False, label=_("Keep the other columns as custom fields"))

    def __init__(self, *args: Any, header: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        columns = [(str(place), name or f"({place + 1})") for place, name in enumerate(header)]
        for field in FIELDS:
            self.fields[field] = forms.TypedChoiceField(
                choices=[("", "—"), *columns],
                coerce=int,
                empty_value=None,
                required=False,
                label=_LABELS[field],
            )

    @property
    def column_fields(self) -> list[forms.BoundField]:
        return [self[field] for field in FIELDS]

    def columns(self) -> dict[str, int]:
        """The valid form's columns by field."""
        chosen = {field: self.cleaned_data[field] for field in FIELDS}
        return {field: place for field, place in chosen.items() if place is not None}

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("name") is None:
            self.add_error("name", _("Say which column holds the name."))
        if data.get("email") is None and data.get("phone") is None:
            self.add_error("email", _("Say which column holds the e-mail address or the phone number."))
        return data
