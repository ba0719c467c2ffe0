"""The form that sends a recorded call in."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from jobs.analysis.audio import container_of
from jobs.analysis.errors import AnalysisError
from jobs.audio_input import MAX_AUDIO_BYTES
from partners.models import Agent, Company

# what a browser offers to choose from; the file's own first bytes decide
_ACCEPTED = "audio/*,.wav,.mp3,.m4a,.ogg,.opus,.webm,.flac,.amr"


class _CompanyField(forms.ModelChoiceField):
    """Companies by name and environment, and by organization where there may be several."""

    with_organization = False

    def label_from_instance(self, obj: Company) -> str:
        parts = [
            obj.name,
            obj.organization.name if self.with_organization else "",
            obj.get_environment_display(),
        ]
        return " · ".join(filter(None, parts))


class _AgentField(forms.ModelChoiceField):
    def label_from_instance(self, obj: Agent) -> str:
        return f"{obj.name} · {obj.email}"


class CallForm(forms.Form):
    """A recording, and whose call it is. `companies` are those within reach; agents are the chosen one's."""

    company = _CompanyField(
        Company.objects.none(),
        label=_("Company"),
        widget=forms.Select(
            attrs={
                "hx-get": reverse_lazy("dashboard-call-new"),
                "hx-trigger": "change",
                "hx-select": "#agent-field",
                "hx-target": "#agent-field",
                "hx-swap": "outerHTML",
            }
        ),
    )
    agent = _AgentField(Agent.objects.none(), required=False, label=_("Agent"))
    call_type = forms.RegexField(
        r"^[A-Za-z0-9_\- ]{1,60}$",
        initial="general",
        label=_("Call type"),
        help_text=_("Decides the checklist and what counts how much."),
        widget=forms.TextInput(attrs={"list": "call-types", "autocomplete": "off"}),
    )
    recording = forms.FileField(
        label=_("Recording"),
        help_text=_(
            "wav, mp3, m4a, ogg, opus, webm, flac or amr; at most 60 MB and 2 hours. It is stored encrypted."
        ),
        widget=forms.FileInput(attrs={"accept": _ACCEPTED}),
    )

    def __init__(
        self, *args: Any, companies: QuerySet[Company], with_organization: bool, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        company, agent = self.fields["company"], self.fields["agent"]
        assert isinstance(company, _CompanyField)
        assert isinstance(agent, _AgentField)
        company.queryset, company.with_organization = companies, with_organization
        try:
            chosen = company.clean(self["company"].value())
        except forms.ValidationError:
            return
        agent.queryset = Agent.objects.filter(company=chosen).order_by("name", "id")

    def clean_recording(self) -> bytes:
        file: UploadedFile = self.cleaned_data["recording"]
        content = file.read(MAX_AUDIO_BYTES + 1)
        if len(content) > MAX_AUDIO_BYTES:
            raise forms.ValidationError(_("The recording is larger than 60 MB."))
        try:
            container_of(content)
        except AnalysisError as error:
            raise forms.ValidationError(error.message) from error
        return content
