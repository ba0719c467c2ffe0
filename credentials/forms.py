"""The forms of keys: issuing (contract B), changing, rotating; and of organizations and members."""

from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from config.tenancy import Environment
from credentials.limits import CALL_ANALYSIS_PER_MINUTE, TIERS
from credentials.models import ApiKey
from credentials.scopes import Scope
from credentials.services.key_terms import ip_allowlist_clean
from credentials.services.keys import CALL_ANALYSIS_SCOPES, DEFAULT_VALIDITY_DAYS
from partners.models import MAX_RETENTION_DAYS, Company, Membership, Organization, Tier

_UUID_LINES = {"rows": 2, "placeholder": "01a206a8-0ac0-770d-9ae2-31e5b138ff6a", "spellcheck": "false"}
_TIER_CHOICES = [
    (tier.value, f"{tier.label} · {TIERS[tier].per_minute}/min · {TIERS[tier].per_hour:,}/h") for tier in Tier
]
_SIGNING_CHOICES = [
    (ApiKey.SigningMode.NONE, _("No signature asked for")),
    (ApiKey.SigningMode.BODY, _("Body: HMAC of the body")),
    (ApiKey.SigningMode.TIMESTAMPED, _("Timestamped: each signature counts once")),
]


class KeyTermsForm(forms.Form):
    """What a key may do; the part that can be changed later.

    `offered` are the scopes that the person may hand out.
    """

    partner_name = forms.CharField(
        max_length=255,
        label=_("Partner name"),
        help_text=_("Who gets this key, such as “CompanyX Call Center”."),
    )
    requests_per_minute = forms.IntegerField(
        min_value=1,
        max_value=100_000,
        required=False,
        label=_("Requests per minute"),
        help_text=_("Empty: by tier; 300 with a burst of 1,000 for offers, campaigns and links."),
    )
    burst = forms.IntegerField(
        min_value=1,
        max_value=1_000_000,
        required=False,
        label=_("Burst"),
        help_text=_("So many at once, refilled at the pace of a minute."),
    )
    daily_quota = forms.IntegerField(
        min_value=1, max_value=2_000_000_000, required=False, label=_("Daily quota")
    )
    tier = forms.ChoiceField(choices=_TIER_CHOICES, initial=Tier.STANDARD, required=False, label=_("Tier"))
    ip_allowlist = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "203.0.113.7\n2001:db8::/32"}),
        label=_("Allowed IP addresses"),
        help_text=_("One address or CIDR range a line; empty admits any."),
    )
    signing_mode = forms.ChoiceField(
        choices=_SIGNING_CHOICES,
        initial=ApiKey.SigningMode.NONE,
        required=False,
        label=_("Request signing"),
    )
    offer_allowlist = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs=_UUID_LINES),
        label=_("Allowed offers"),
        help_text=_("One offer id a line; empty allows any."),
    )
    brand_allowlist = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs=_UUID_LINES),
        label=_("Allowed brands"),
        help_text=_("One brand id a line; empty allows any."),
    )
    organization_wide = forms.BooleanField(
        required=False,
        label=_("For the whole organization"),
        help_text=_("Its client, key, webhook and usage scopes reach every partner, not this one only."),
    )
    scopes = forms.MultipleChoiceField(label=_("Scopes"))

    def __init__(self, *args: Any, offered: frozenset[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offered = [scope for scope in Scope if scope in offered]
        self.fields["scopes"].choices = [  # type: ignore[attr-defined]
            (scope.value, scope.label) for scope in self.offered
        ]

    def clean_ip_allowlist(self) -> list[str]:
        try:
            return ip_allowlist_clean(self.cleaned_data["ip_allowlist"].split())
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error

    def clean_offer_allowlist(self) -> list[UUID]:
        return _uuids(self.cleaned_data["offer_allowlist"])

    def clean_brand_allowlist(self) -> list[UUID]:
        return _uuids(self.cleaned_data["brand_allowlist"])

    def terms(self) -> dict[str, Any]:
        """The terms of a valid form, as the services take them."""
        data = self.cleaned_data
        names = ("scopes", "requests_per_minute", "burst", "daily_quota", "ip_allowlist", "organization_wide")
        return {name: data[name] for name in (*names, "offer_allowlist", "brand_allowlist")} | {
            "name": data["partner_name"],
            "tier": data["tier"] or Tier.STANDARD,
            "signing_mode": data["signing_mode"] or ApiKey.SigningMode.NONE,
        }

    def scope_groups(self) -> list[dict[str, Any]]:
        """The scopes by their noun, as the page lays them out."""
        chosen = set(self["scopes"].value() or ())
        groups: dict[str, dict[str, Any]] = {}
        for scope in self.offered:
            noun = scope.split(":")[0]
            group = groups.setdefault(noun, {"label": noun.capitalize(), "scopes": []})
            group["scopes"].append(
                {"value": str(scope), "label": scope.label, "checked": str(scope) in chosen}
            )
        return list(groups.values())


class KeyForm(KeyTermsForm):
    """A new key: also for whom, where and for how long. Its organizations are those the context shows."""

    # chosen with the form, so that a form sent twice issues one key
    api_key_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid7)
    organization = forms.ModelChoiceField(Organization.objects.none(), label=_("Organization"))
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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organization"].queryset = Organization.objects.all()  # type: ignore[attr-defined]
        self.fields["company"].queryset = Company.objects.select_related(  # type: ignore[attr-defined]
            "organization"
        ).order_by("name")
        self.fields["scopes"].initial = [str(scope) for scope in CALL_ANALYSIS_SCOPES]
        self.fields["requests_per_minute"].initial = CALL_ANALYSIS_PER_MINUTE

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        company, organization = data.get("company"), data.get("organization")
        if company and (company.organization, company.environment) != (
            organization,
            data.get("environment"),
        ):
            self.add_error("company", _("This company belongs to another organization or environment."))
        return data

    def names_what_is_not_there(self) -> bool:
        """Whether a bound form names an organization or a company that its reader cannot see."""
        return any(self.has_error(field, "invalid_choice") for field in ("organization", "company"))

    def issue_arguments(self) -> dict[str, Any]:
        """What `key_issue` takes, from a valid form."""
        data = self.cleaned_data
        company: Company | None = data["company"]
        organization_id: UUID = data["organization"].id
        return self.terms() | {
            "api_key_id": data["api_key_id"],
            "organization_id": organization_id,
            "environment": data["environment"],
            "expires_at": timezone.now() + timedelta(days=data["expires_in_days"]),
            "company_id": company.id if company else None,
        }


class KeyChangeForm(KeyTermsForm):
    """A key's terms as they stand, to be changed."""

    expires_at = forms.DateTimeField(
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S"),
        label=_("Expires (UTC)"),
        help_text=_("Empty: never."),
    )

    @classmethod
    def of(cls, key: ApiKey, data: Any, *, offered: frozenset[str]) -> "KeyChangeForm":
        names = (
            "scopes",
            "requests_per_minute",
            "burst",
            "daily_quota",
            "tier",
            "signing_mode",
            "expires_at",
        )
        initial = {name: getattr(key, name) for name in (*names, "organization_wide")} | {
            "partner_name": key.name,
            "ip_allowlist": "\n".join(key.ip_allowlist),
            "offer_allowlist": "\n".join(map(str, key.offer_allowlist)),
            "brand_allowlist": "\n".join(map(str, key.brand_allowlist)),
        }
        return cls(data, initial=initial, offered=offered)

    def changes(self) -> dict[str, Any]:
        """What of a valid form differs from the key it was made of."""
        expires_at = self.cleaned_data["expires_at"]
        terms = self.terms() | {"expires_at": expires_at}
        touched = {"name" if name == "partner_name" else name for name in self.changed_data}
        return {term: value for term, value in terms.items() if term in touched}


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


ZONES = [
    (name, name.replace("_", " ")) for name in sorted(available_timezones()) if "/" in name or name == "UTC"
]


class OrganizationForm(forms.Form):
    """A new organization."""

    name = forms.CharField(max_length=255, label=_("Name"))
    slug = forms.SlugField(
        max_length=63,
        required=False,
        label=_("Short name"),
        help_text=_("Lower-case letters, digits and hyphens; made of the name where empty."),
    )
    region = forms.RegexField(
        r"^[A-Z]{2}$",
        initial="IL",
        label=_("Country"),
        help_text=_("ISO 3166 code, such as IL: the country of national phone numbers."),
    )
    time_zone = forms.ChoiceField(choices=ZONES, initial="UTC", label=_("Time zone"))


class TimeZoneForm(forms.Form):
    """Whose days an organization's calendars have."""

    time_zone = forms.ChoiceField(choices=ZONES, label=_("Time zone"))


class RecordingsForm(forms.Form):
    """What is kept of calls: recordings for how many days (empty: the hub's default), transcripts how."""

    days = forms.IntegerField(
        min_value=0, max_value=MAX_RETENTION_DAYS, required=False, label=_("Days until recordings are erased")
    )
    unmasked = forms.BooleanField(required=False, label=_("Keep personal data in transcripts"))


class MemberForm(forms.Form):
    """Who gets which role; the name is for an account that is made."""

    email = forms.EmailField(max_length=254, label=_("Email"))
    full_name = forms.CharField(max_length=150, required=False, label=_("Name, for a new account"))
    role = forms.ChoiceField(choices=Membership.Role.choices, label=_("Role"))


def _uuids(lines: str) -> list[UUID]:
    found = []
    for line in lines.split():
        try:
            found.append(UUID(line))
        except ValueError as error:
            raise forms.ValidationError(_("“%(line)s” is no id."), params={"line": line}) from error
    return found
