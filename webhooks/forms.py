"""The forms of endpoints and of request bins."""

import json
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from config.api.exceptions import DomainError
from config.tenancy import Environment
from partners.models import ApiClient, Organization
from partners.pages import Reach
from webhooks.models import Subscription
from webhooks.registry import EVENT_TYPES
from webhooks.secrets import subscription_headers_of

# The statuses that show what an endpoint does with them.
ANSWERS = (200, 204, 400, 410, 429, 500, 503)
_CODE = {"spellcheck": "false", "class": "mono"}
# The names of the API, and the form's.
_WIRE = {
    "url": "url",
    "events": "events",
    "description": "description",
    "payloadFilters": "payload_filters",
    "customHeaders": "custom_headers",
    "ordered": "is_ordered",
    "ratePerSecond": "rate_per_second",
}
_WIRE_RETRY = {
    "maxRetries": "max_retries",
    "retryDelay": "retry_delay_s",
    "backoffMultiplier": "backoff_multiplier",
    "timeout": "timeout_s",
}


class EndpointForm(forms.Form):
    """An endpoint's address, events and terms. Its clients are those that the database context shows."""

    client = forms.ModelChoiceField(ApiClient.objects.none(), label=_("Partner"))
    url = forms.CharField(
        max_length=2048,
        label=_("Address"),
        widget=forms.TextInput(attrs={"inputmode": "url", "placeholder": "https://partner.example/webhooks"}),
        help_text=_("Each message is sent there as a signed POST."),
    )
    description = forms.CharField(max_length=255, required=False, label=_("Description"))
    events = forms.MultipleChoiceField(label=_("Events"))
    payload_filters = forms.CharField(
        required=False,
        label=_("Payload filters"),
        widget=forms.Textarea(
            attrs=_CODE
            | {"rows": 3, "placeholder": '[{"field": "source", "operator": "equals", "value": "web"}]'}
        ),
        help_text=_("A JSON list of conditions on an event's data. All must hold; empty sends everything."),
    )
    custom_headers = forms.CharField(
        required=False,
        label=_("Headers of your own"),
        widget=forms.Textarea(attrs=_CODE | {"rows": 3, "placeholder": "X-Route: hub"}),
        help_text=_(
            "One “Name: value” a line, sent beside ours and never instead. Values are kept sealed, and shown "
            "only to those who may change them."
        ),
    )
    is_ordered = forms.BooleanField(
        required=False,
        label=_("Strict order"),
        help_text=_("One message at a time, oldest first. A failing one holds back those behind it."),
    )
    signs_v1a = forms.BooleanField(
        required=False,
        label=_("Sign with Ed25519 too"),
        help_text=_("Adds a v1a signature, which is verified with a public key instead of the secret."),
    )
    rate_per_second = forms.IntegerField(
        min_value=1,
        max_value=10_000,
        required=False,
        label=_("At most a second"),
        help_text=_("Empty: no limit."),
    )
    max_retries = forms.IntegerField(min_value=0, max_value=10, initial=3, label=_("Retries"))
    retry_delay_s = forms.IntegerField(
        min_value=1, max_value=86_400, initial=60, label=_("First wait, in seconds")
    )
    backoff_multiplier = forms.FloatField(
        min_value=1, max_value=10, initial=2, label=_("Each wait is … times the last")
    )
    timeout_s = forms.IntegerField(
        min_value=1, max_value=30, initial=30, label=_("Time to answer, in seconds")
    )

    def __init__(self, *args: Any, clients: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["client"].queryset = clients  # type: ignore[attr-defined]
        families = sorted({name.split(".")[0] for name in EVENT_TYPES})
        names = ["*", *(f"{family}.*" for family in families), *sorted(EVENT_TYPES)]
        self.fields["events"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]

    @classmethod
    def of(cls, subscription: Subscription, data: Any, *, clients: Any) -> "EndpointForm":
        """The form of an endpoint that is there, filled in."""
        names = ("url", "description", "is_ordered", "rate_per_second", "max_retries", "retry_delay_s")
        initial = {name: getattr(subscription, name) for name in (*names, "backoff_multiplier", "timeout_s")}
        filters, headers = subscription.payload_filters, subscription_headers_of(subscription)
        initial |= {
            "client": subscription.client_id,
            "events": subscription.event_types,
            "payload_filters": json.dumps(filters, ensure_ascii=False, indent=2) if filters else "",
            "custom_headers": "\n".join(f"{name}: {value}" for name, value in headers.items()),
            "signs_v1a": bool(subscription.signing_key_sealed),
        }
        form = cls(data, initial=initial, clients=clients)
        form.fields["client"].disabled = True
        return form

    def terms(self, wire: type[serializers.Serializer]) -> dict[str, Any] | None:
        """The terms of a valid form by the rules of the API (`wire`); None with the form's errors set."""
        data = self.cleaned_data
        serializer = wire(
            data={
                **{field: data[name] for field, name in _WIRE.items()},
                "retryConfig": {field: data[name] for field, name in _WIRE_RETRY.items()},
                "signatureScheme": "v1a" if data["signs_v1a"] else "v1",
            }
        )
        if serializer.is_valid():
            return dict(serializer.validated_data)
        names = _WIRE | _WIRE_RETRY | {"retryConfig": None, "signatureScheme": None}
        for field, errors in serializer.errors.items():
            self.add_error(names.get(field), [str(error) for error in _flat(errors)])
        return None

    def refuse(self, error: DomainError) -> None:
        """Show what the hub's rules refuse, at its fields where it names some."""
        by_field = {name: why for name, why in error.details.items() if isinstance(why, list)}
        for name, sentences in (by_field or {"": [error.message]}).items():
            self.add_error(_WIRE.get(name), sentences)

    def clean_payload_filters(self) -> list[Any]:
        text = self.cleaned_data["payload_filters"].strip()
        try:
            filters = json.loads(text) if text else []
        except ValueError as error:
            raise forms.ValidationError(_("This is not JSON: %(why)s"), params={"why": error}) from error
        if not isinstance(filters, list):
            raise forms.ValidationError(_("Give a list of conditions, in square brackets."))
        return filters

    def clean_custom_headers(self) -> dict[str, str]:
        headers = {}
        for line in filter(None, map(str.strip, self.cleaned_data["custom_headers"].splitlines())):
            name, colon, value = line.partition(":")
            if not colon:
                raise forms.ValidationError(_("“%(line)s” has no colon."), params={"line": line})
            headers[name.strip()] = value.strip()
        return headers

    def event_groups(self) -> list[dict[str, Any]]:
        """The event types by family, as the page lays them out."""
        chosen = set(self["events"].value() or ())
        families: dict[str, list[dict[str, Any]]] = {}
        for name, kind in sorted(EVENT_TYPES.items()):
            family = families.setdefault(name.split(".")[0], [])
            family.append({"value": name, "label": kind.summary, "checked": name in chosen})
        return [
            {
                "label": family.capitalize(),
                "pattern": f"{family}.*",
                "checked": f"{family}.*" in chosen,
                "events": events,
            }
            for family, events in families.items()
        ]

    @property
    def wants_everything(self) -> bool:
        return "*" in (self["events"].value() or ())


class BinAnswerForm(forms.Form):
    """What a request bin answers: any status that the API takes."""

    answer_status = forms.IntegerField(
        min_value=200,
        max_value=599,
        label=_("Answers"),
        widget=forms.NumberInput(attrs={"list": "answer-choices"}),
    )

    answers = ANSWERS


class RequestBinForm(forms.Form):
    """A new request bin; super-admins say for which organization."""

    name = forms.CharField(max_length=120, label=_("Name"))
    organization = forms.ModelChoiceField(Organization.objects.none(), label=_("Organization"))
    environment = forms.ChoiceField(choices=Environment.choices, label=_("Environment"))
    answer_status = forms.ChoiceField(
        choices=[(status, status) for status in ANSWERS],
        label=_("Answers"),
        help_text=_("500 shows retries, 410 disables the endpoint."),
    )

    def __init__(self, *args: Any, reach: Reach, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._organization = reach.organization
        if reach.organization:
            del self.fields["organization"]
        else:
            self.fields["organization"].queryset = Organization.objects.all()  # type: ignore[attr-defined]

    def terms(self) -> dict[str, Any]:
        """The terms of a valid form, as the service takes them."""
        organization = self._organization or self.cleaned_data["organization"]
        return {
            "organization_id": organization.id,
            "environment": self.cleaned_data["environment"],
            "name": self.cleaned_data["name"],
            "answer_status": int(self.cleaned_data["answer_status"]),
        }


def _flat(errors: Any) -> list[Any]:
    """The sentences of a serializer's errors, however deep they lie."""
    if isinstance(errors, dict):
        return [sentence for part in errors.values() for sentence in _flat(part)]
    if isinstance(errors, list):
        return [sentence for part in errors for sentence in _flat(part)]
    return [errors]
