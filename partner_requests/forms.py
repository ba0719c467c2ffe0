"""How an operator decides a request."""

import json
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from partner_requests.models import PartnerRequest


class DecisionForm(forms.Form):
    """Completed with a result, or failed; a reason in any case."""

    status = forms.ChoiceField(
        choices=[
            (PartnerRequest.Status.COMPLETED.value, _("Completed")),
            (PartnerRequest.Status.FAILED.value, _("Failed")),
        ],
        label=_("Decision"),
    )
    reason = forms.CharField(
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        label=_("Reason"),
        help_text=_("The partner reads it where the request failed; the history keeps it."),
    )
    result = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "class": "mono"}),
        label=_("Result"),
        help_text=_("JSON, for a completed request."),
    )

    def clean_result(self) -> Any:
        text = self.cleaned_data["result"].strip()
        try:
            return json.loads(text, parse_constant=_refuse) if text else None
        except ValueError as error:
            raise forms.ValidationError(_("This is not JSON: %(why)s"), params={"why": error}) from error


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
