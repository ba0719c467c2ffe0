"""The forms of calls: one that sends a recording in, and a call type's checklist."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.urls import reverse_lazy
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from config.tenancy import Environment
from jobs.analysis.audio import container_of
from jobs.analysis.content import call_type_of
from jobs.analysis.errors import AnalysisError
from jobs.analysis.phrases import CHECKLIST
from jobs.audio_input import MAX_AUDIO_BYTES
from jobs.models import Checklist
from partners.models import Agent, Company

# what a browser offers to choose from; the file's own first bytes decide
_ACCEPTED = "audio/*,.wav,.mp3,.m4a,.ogg,.opus,.webm,.flac,.amr"


CALL_TYPE = r"^[A-Za-z0-9_\- ]{1,60}$"
_ITEMS, _EXAMPLES, _ITEM_LENGTH, _EXAMPLE_LENGTH = 30, 20, 80, 200


COMPONENTS = {
    "protocol": _("Checklist"),
    "customer_sentiment": _("Customer's mood"),
    "agent_tone": _("Agent's tone"),
    "dynamics": _("Listening and pauses"),
    "outcome": _("Outcome"),
}


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
        CALL_TYPE,
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


class CompanyForm(forms.Form):
    """A company whose calls are analysed."""

    name = forms.CharField(max_length=255, label=_("Name"))
    environment = forms.ChoiceField(choices=Environment.choices, label=_("Environment"))
    industry = forms.CharField(max_length=120, required=False, label=_("Industry"))
    contact_email = forms.EmailField(max_length=254, required=False, label=_("E-mail"))


class AgentForm(forms.Form):
    """A person of a company who takes its calls."""

    name = forms.CharField(max_length=255, label=_("Name"))
    email = forms.EmailField(max_length=254, label=_("E-mail"))
    role = forms.CharField(max_length=120, required=False, label=_("Role"))


class ChecklistForm(forms.Form):
    """A call type's checklist, an item a line, and its weights in percent."""

    environment = forms.ChoiceField(choices=Environment.choices, label=_("Environment"))
    call_type = forms.RegexField(
        CALL_TYPE,
        label=_("Call type"),
        help_text=_("As your partners send it. A standard one's checklist is replaced by yours."),
        widget=forms.TextInput(attrs={"list": "call-types", "autocomplete": "off"}),
    )
    items = forms.CharField(
        label=_("The agent should have"),
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 12, "dir": "auto"}),
    )

    def __init__(self, *args: Any, checklist: Checklist | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if checklist:
            del self.fields["environment"], self.fields["call_type"]
            items, weights = checklist.items, checklist.weights
        else:
            standard = call_type_of(self.initial.get("call_type", ""))
            items = [{"item": name, "examples": []} for name in standard.checklist]
            weights = standard.weights
        self.fields["items"].initial = "\n".join(map(_line_of, items))
        for name, label in COMPONENTS.items():
            self.fields[name] = forms.IntegerField(
                label=label, min_value=0, max_value=100, initial=round(100 * weights[name])
            )

    @property
    def components(self) -> list[forms.BoundField]:
        return [self[name] for name in COMPONENTS]

    def clean_items(self) -> list[dict[str, Any]]:
        items = [_item_of(line) for line in self.cleaned_data["items"].splitlines() if line.strip()]
        if len(items) > _ITEMS:
            raise forms.ValidationError(_now("At most %(n)s items.") % {"n": _ITEMS})
        names = [one["item"].casefold() for one in items]
        for name in names:
            if names.count(name) > 1:
                raise forms.ValidationError(_now("“%(name)s” is there twice.") % {"name": name})
        return items

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        data["weights"] = {name: data.pop(name, 0) / 100 for name in COMPONENTS}
        if not any(data["weights"].values()) and not self.errors:
            raise forms.ValidationError(_now("Something must weigh more than nothing."))
        return data

    def terms(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("items", "weights")}


def _line_of(one: dict[str, Any]) -> str:
    return one["item"] + (": " + " | ".join(one["examples"]) if one["examples"] else "")


def _item_of(line: str) -> dict[str, Any]:
    item, _colon, said = (part.strip() for part in line.partition(":"))
    examples = [example.strip() for example in said.split("|") if example.strip()]
    if not item:
        raise forms.ValidationError(_now("Give the item a name before the colon: %(line)s") % {"line": line})
    if (
        len(item) > _ITEM_LENGTH
        or len(examples) > _EXAMPLES
        or max(map(len, examples), default=0) > _EXAMPLE_LENGTH
    ):
        raise forms.ValidationError(
            _now("“%(item)s” is too long: %(name)s characters, %(n)s examples of %(length)s at most.")
            % {"item": item[:40], "name": _ITEM_LENGTH, "n": _EXAMPLES, "length": _EXAMPLE_LENGTH}
        )
    known = item.lower().replace(" ", "_")
    return {"item": known if known in CHECKLIST and not examples else item, "examples": examples}
