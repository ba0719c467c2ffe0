"""The four things that pages show alike: how each is searched, and what its steps ask for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from pipeline import transitions
from pipeline.forms import (
    AcceptForm,
    ActivateForm,
    CancelForm,
    DeclineForm,
    EndorseForm,
    ProposalForm,
    ReasonForm,
)
from pipeline.models import Assignment, Policy, Proposal, Quote
from pipeline.services.assignments import assignment_accept, assignment_reject
from pipeline.services.policies import policy_activate, policy_cancel, policy_update
from pipeline.services.proposals import (
    Answer,
    proposal_accept,
    proposal_link_renew,
    proposal_reject,
    proposal_send,
    proposal_update,
)
from pipeline.services.quotes import quote_accept, quote_reject, quote_send

FormOf = Callable[..., forms.Form]


@dataclass(frozen=True, slots=True)
class Step:
    """A step on a page: its label, the form it asks for (None: a button), and what does it.

    `style` is the button's. `given` makes the service's arguments of the valid form.
    """

    label: Any
    act: Callable[..., Any]
    form: FormOf | None = None
    style: str = "btn-quiet"
    given: Callable[[Any], dict[str, Any]] = lambda form: form.cleaned_data


@dataclass(frozen=True, slots=True)
class Kind:
    """`noun` names the service's argument;

    `plural` is in the path; `searched` are columns beside the lead's.
    """

    noun: str
    plural: str
    title: Any
    model: Any
    machine: transitions.Machine
    searched: tuple[str, ...]
    steps: Mapping[str, Step]


def form_of(row: Any, name: str, step: Step, data: Any = None) -> forms.Form | None:
    """The form that a step of `row` asks for, filled in with what it changes; None for a button."""
    if step.form is None:
        return None
    # several stand on one page
    auto_id = f"id_{name}_%s"
    if step.form is EndorseForm:
        initial = EndorseForm.initial_of(row)
        return EndorseForm(data, currency=row.currency, initial=initial, auto_id=auto_id)
    if step.form is ProposalForm:
        return ProposalForm(data, initial=ProposalForm.initial_of(row), auto_id=auto_id)
    return step.form(data, auto_id=auto_id)


_DOOR = Proposal.Door.DASHBOARD
KINDS = {
    "assignments": Kind(
        "assignment",
        "assignments",
        _("Assignments"),
        Assignment,
        transitions.ASSIGNMENTS,
        ("agent__name",),
        {
            "accept": Step(_("Accept"), assignment_accept, style="btn-primary"),
            "reject": Step(_("Reject"), assignment_reject, ReasonForm, "btn-quiet btn-risk"),
        },
    ),
    "quotes": Kind(
        "quote",
        "quotes",
        _("Quotes"),
        Quote,
        transitions.QUOTES,
        ("title",),
        {
            "send": Step(_("Send"), quote_send, style="btn-primary"),
            "accept": Step(_("Accept"), quote_accept, style="btn-primary"),
            "reject": Step(_("Reject"), quote_reject, ReasonForm, "btn-quiet btn-risk"),
        },
    ),
    "proposals": Kind(
        "proposal",
        "proposals",
        _("Proposals"),
        Proposal,
        transitions.PROPOSALS,
        ("title", "customer__name"),
        {
            "send": Step(_("Send"), proposal_send, style="btn-primary"),
            "link": Step(_("New link"), proposal_link_renew),
            "update": Step(
                _("Save"), proposal_update, ProposalForm, given=lambda form: {"changes": form.cleaned_data}
            ),
            "accept": Step(
                _("Accept for the customer"),
                proposal_accept,
                AcceptForm,
                given=lambda form: {"answer": Answer(form.cleaned_data["name"], _DOOR)},
            ),
            "reject": Step(
                _("Decline for the customer"),
                proposal_reject,
                DeclineForm,
                "btn-quiet btn-risk",
                lambda form: {
                    "answer": Answer(form.cleaned_data["name"], _DOOR),
                    "reason": form.cleaned_data["reason"],
                },
            ),
        },
    ),
    "policies": Kind(
        "policy",
        "policies",
        _("Policies"),
        Policy,
        transitions.POLICIES,
        ("number", "product", "holder__name"),
        {
            "activate": Step(_("Activate"), policy_activate, ActivateForm, "btn-primary"),
            "update": Step(
                _("Endorse"),
                policy_update,
                EndorseForm,
                given=lambda form: {"reason": form.cleaned_data.pop("reason"), "changes": form.terms()},
            ),
            "cancel": Step(_("Cancel the policy"), policy_cancel, CancelForm, "btn-quiet btn-risk"),
        },
    ),
}
