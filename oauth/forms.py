"""The forms of API clients."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from config.tenancy import Environment
from credentials.limits import TIERS
from credentials.scopes import Scope
from credentials.services.key_terms import ip_allowlist_clean
from oauth.models import Application
from partners.addresses import redirect_uri_check
from partners.models import ApiClient, Organization, Tier

_TIERS = [(tier.value, f"{tier.label} · {TIERS[tier].per_minute}/min") for tier in Tier]
_LINES = {"rows": 3, "placeholder": "https://partner.example/oauth/callback", "spellcheck": "false"}


class ClientTermsForm(forms.Form):
    """What is said of a client. `offered` are the scopes that the person may hand out."""

    name = forms.CharField(
        max_length=255, label=_("Name"), help_text=_("People see it when it asks for consent.")
    )
    description = forms.CharField(
        max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2}), label=_("Description")
    )
    contact_email = forms.EmailField(max_length=254, label=_("Contact address"))
    website = forms.URLField(max_length=2048, required=False, assume_scheme="https", label=_("Website"))
    redirect_uris = forms.CharField(
        widget=forms.Textarea(attrs=_LINES),
        label=_("Redirect URIs"),
        help_text=_(
            "One a line, compared as it stands: https, no fragment, no wildcard; http on 127.0.0.1 only."
        ),
    )
    rate_limit_tier = forms.ChoiceField(choices=_TIERS, initial=Tier.STANDARD, label=_("Tier"))
    scopes = forms.MultipleChoiceField(required=False, label=_("Scopes"))

    def __init__(self, *args: Any, offered: frozenset[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offered = [scope for scope in Scope if scope in offered]
        self.fields["scopes"].choices = [  # type: ignore[attr-defined]
            (scope.value, scope.label) for scope in self.offered
        ]

    def clean_redirect_uris(self) -> list[str]:
        uris = list(dict.fromkeys(self.cleaned_data["redirect_uris"].split()))
        for uri in uris:
            try:
                redirect_uri_check(uri)
            except ValueError as error:
                raise forms.ValidationError(f"{uri}: {error}") from error
        if len(uris) > 20:
            raise forms.ValidationError(_("Twenty at most."))
        return uris

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


class ClientForm(ClientTermsForm):
    """A new client: also whose, and where."""

    organization = forms.ModelChoiceField(Organization.objects.none(), label=_("Organization"))
    environment = forms.ChoiceField(
        choices=Environment.choices,
        label=_("Environment"),
        help_text=_("Sandbox and production data never meet."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organization"].queryset = Organization.objects.all()  # type: ignore[attr-defined]


class ClientChangeForm(ClientTermsForm):
    """A client's terms as they stand, to be changed."""

    @classmethod
    def of(cls, client: ApiClient, data: Any, *, offered: frozenset[str]) -> "ClientChangeForm":
        names = ("name", "description", "contact_email", "website", "rate_limit_tier", "scopes")
        initial = {name: getattr(client, name) for name in names}
        initial["redirect_uris"] = "\n".join(client.redirect_uris)
        # what the person may not hand out, they may still take away or leave
        return cls(data, initial=initial, offered=offered | frozenset(client.scopes))


class OAuthForm(forms.Form):
    """How a client uses OAuth."""

    client_type = forms.ChoiceField(
        choices=[
            (Application.Type.CONFIDENTIAL, _("Confidential: a server that can keep a secret")),
            (Application.Type.PUBLIC, _("Public: an app on people's machines, without a secret")),
        ],
        label=_("Type"),
    )
    ip_allowlist = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "203.0.113.7\n2001:db8::/32"}),
        label=_("Allowed IP addresses"),
        help_text=_("Where its tokens work from, one address or CIDR range a line; empty admits any."),
    )

    def clean_ip_allowlist(self) -> list[str]:
        try:
            return ip_allowlist_clean(self.cleaned_data["ip_allowlist"].split())
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error
