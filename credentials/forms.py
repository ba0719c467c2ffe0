"""The key form of contract B."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from config.tenancy import Environment
from credentials.limits import CALL_ANALYSIS_PER_MINUTE
from credentials.scopes import Scope
from credentials.services.key_terms import ip_allowlist_clean
from credentials.services.keys import (
    CALL_ANALYSIS_SCOPES,
    DEFAULT_VALIDITY_DAYS,
)
from partners.models import Company, Organization


class KeyForm(forms.Form):
    """Partner name, environment, validity, company, IP list, requests per minute, scopes."""

    # chosen with the form, so that a form sent twice issues one key
    api_key_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid7)
    organization = forms.ModelChoiceField(Organization.objects.none(), label=_("Organization"))
    partner_name = forms.CharField(
        max_length=255,
        label=_("Partner name"),
        help_text=_("Who gets this key, such as “CompanyX Call Center”."),
    )
    environment = forms.ChoiceField(
        choices=Environment.choices,
        label=_("Environment"),
        help_text=_("Sandbox and production data never meet."),
    )
    expires_in_days = forms.IntegerField(
        min_value=1,
        max_value=3650,
        initial=DEFAULT_VALIDITY_DAYS,
        label=_("Valid for (days)"),
    )
    company = forms.ModelChoiceField(
        Company.objects.none(),
        required=False,
        label=_("Bound to company"),
        empty_label=_("All companies"),
        help_text=_("A bound key sees and names this company only."),
    )
    ip_allowlist = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "203.0.113.7\n2001:db8::/32"}),
        label=_("Allowed IP addresses"),
        help_text=_("One address or CIDR range a line; empty admits any."),
    )
    requests_per_minute = forms.IntegerField(
        min_value=1,
        max_value=100_000,
        initial=CALL_ANALYSIS_PER_MINUTE,
        label=_("Requests per minute"),
    )
    scopes = forms.MultipleChoiceField(
        choices=Scope.choices,
        initial=[str(scope) for scope in CALL_ANALYSIS_SCOPES],
        label=_("Scopes"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        organizations = Organization.objects.filter(status=Organization.Status.ACTIVE)
        self.fields["organization"].queryset = organizations  # type: ignore[attr-defined]
        self.fields["company"].queryset = Company.objects.select_related(  # type: ignore[attr-defined]
            "organization"
        ).order_by("name")

    def clean_ip_allowlist(self) -> list[str]:
        try:
            return ip_allowlist_clean(self.cleaned_data["ip_allowlist"].split())
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        company, organization = data.get("company"), data.get("organization")
        if company and (company.organization, company.environment) != (
            organization,
            data.get("environment"),
        ):
            self.add_error("company", _("This company belongs to another organization or environment."))
        return data

    def issue_arguments(self) -> dict[str, Any]:
        """What `key_issue` takes, from a valid form."""
        data = self.cleaned_data
        company: Company | None = data["company"]
        organization_id: UUID = data["organization"].id
        return {
            "api_key_id": data["api_key_id"],
            "organization_id": organization_id,
            "environment": data["environment"],
            "name": data["partner_name"],
            "scopes": data["scopes"],
            "expires_at": timezone.now() + timedelta(days=data["expires_in_days"]),
            "company_id": company.id if company else None,
            "ip_allowlist": data["ip_allowlist"],
            "requests_per_minute": data["requests_per_minute"],
        }

    def scope_groups(self) -> list[dict[str, Any]]:
        """The scopes by their noun, as the page lays them out."""
        chosen = set(self["scopes"].value() or ())
        groups: dict[str, dict[str, Any]] = {}
        for scope in Scope:
            noun = scope.split(":")[0]
            group = groups.setdefault(noun, {"label": noun.capitalize(), "scopes": []})
            group["scopes"].append(
                {"value": str(scope), "label": scope.label, "checked": str(scope) in chosen}
            )
        return list(groups.values())


class RotateForm(forms.Form):
    """When the old secret ends: now, in 1 hour, 24 hours or 7 days."""

    grace_seconds = forms.TypedChoiceField(
        coerce=int,
        choices=[
            (0, _("now")),
            (3600, _("in 1 hour")),
            (86_400, _("in 24 hours")),
            (604_800, _("in 7 days")),
        ],
    )
