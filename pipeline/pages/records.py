"""Lists of assignments, quotes, proposals and policies; each one with its history and the steps it allows."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from config.api.exceptions import DomainError
from config.tenancy import Environment
from partners.models import GOVERNORS, READERS
from partners.pages import PAGE_SIZE, Reach, actor_of, reached
from pipeline.forms import PolicyForm, ProposalForm, amount_text
from pipeline.models import Change, Policy, Proposal, Quote
from pipeline.pages.kinds import KINDS, Kind, form_of
from pipeline.selectors import history_of
from pipeline.services.policies import policy_create
from pipeline.services.proposals import proposal_create, proposal_link

_FILTERS = ("q", "status", "environment", "exhausted")


@require_GET
@reached(*READERS)
def record_list(request: HttpRequest, reach: Reach, plural: str) -> HttpResponse:
    """The reach's assignments, quotes, proposals or policies, newest first."""
    kind = KINDS[plural]
    filters = {name: request.GET.get(name, "").replace("\x00", "").strip()[:200] for name in _FILTERS}
    rows = kind.model.objects.select_related("lead", "agent", "organization")
    if reach.organization:
        rows = rows.for_organization(reach.organization.id)
    for name in ("status", "environment"):
        if filters[name]:
            rows = rows.filter(**{name: filters[name]})
    if filters["exhausted"] and plural == "assignments":
        rows = rows.filter(is_exhausted=True)
    if filters["q"]:
        rows = rows.named(*kind.searched, search=filters["q"])
    page = Paginator(rows.order_by("-created_at", "-id"), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "kind": kind,
        "rows": page,
        "page_obj": page,
        "filters": filters,
        "is_filtered": any(filters.values()),
        "statuses": kind.model.Status.choices,
        "environments": Environment.choices,
        "reach": reach,
        "tab": plural,
    }
    return render(request, "dashboard/pipeline/records.html", context)


@never_cache
@require_GET
@reached(*READERS)
def record_detail(request: HttpRequest, reach: Reach, plural: str, pk: UUID) -> HttpResponse:
    """One of them: what it says, its history, and a button for each step it allows."""
    kind = KINDS[plural]
    return _page(request, reach, kind, _row(kind, pk))


@require_POST
@reached(*GOVERNORS)
def record_step(request: HttpRequest, reach: Reach, plural: str, pk: UUID, step: str) -> HttpResponse:
    """Take a step; what it refuses is said on the page."""
    kind = KINDS[plural]
    row = _row(kind, pk)
    if step not in kind.steps:
        raise Http404
    taken = kind.steps[step]
    form = form_of(row, step, taken, request.POST)
    if form is not None and not form.is_valid():
        return _page(request, reach, kind, row, {step: form}, status=422)
    try:
        given = taken.given(form) if form is not None else {}
        taken.act(**{f"{kind.noun}_id": pk}, actor=actor_of(request), **given)
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, _("Done."))
    return redirect("dashboard-pipeline-record", plural, pk)


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*GOVERNORS)
def proposal_new(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Write a proposal from an accepted quote."""
    quote = get_object_or_404(Quote.objects.select_related("lead"), pk=pk)
    form = ProposalForm(request.POST or None, initial={"title": quote.title, "valid_days": 14})
    if form.is_bound and form.is_valid():
        try:
            made = proposal_create(
                quote_id=pk, client_id=quote.client_id, terms=form.cleaned_data, actor=actor_of(request)
            )
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            return redirect("dashboard-pipeline-record", "proposals", made.id)
    return _form(request, form, quote, _("New proposal"), "quotes")


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*GOVERNORS)
def policy_new(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Issue a policy from an accepted proposal."""
    proposal = get_object_or_404(Proposal.objects.select_related("lead"), pk=pk)
    premium = amount_text(proposal.total_minor, proposal.currency)
    form = PolicyForm(request.POST or None, currency=proposal.currency, initial={"premium": premium})
    if form.is_bound and form.is_valid():
        try:
            made = policy_create(
                proposal_id=pk, client_id=proposal.client_id, terms=form.terms(), actor=actor_of(request)
            )
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            return redirect("dashboard-pipeline-record", "policies", made.id)
    return _form(request, form, proposal, _("Issue a policy"), "proposals")


def _form(request: HttpRequest, form: forms.Form, source: Any, title: str, plural: str) -> HttpResponse:
    context = {"form": form, "source": source, "title": title, "kind": KINDS[plural]}
    return render(request, "dashboard/pipeline/form.html", context, status=422 if form.errors else 200)


def _row(kind: Kind, pk: UUID) -> Any:
    return get_object_or_404(kind.model.objects.select_related("lead", "agent", "organization"), pk=pk)


def _page(
    request: HttpRequest,
    reach: Reach,
    kind: Kind,
    row: Any,
    bound: dict[str, forms.Form] | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    allowed = kind.machine.allowed(row.status) if reach.may_govern else []
    steps = [(name, kind.steps[name]) for name in allowed if name in kind.steps]
    forms_shown = [
        (name, step, (bound or {}).get(name) or form_of(row, name, step)) for name, step in steps if step.form
    ]
    context = {
        "kind": kind,
        "row": row,
        "part": f"dashboard/pipeline/parts/{kind.noun}.html",
        "buttons": [(name, step) for name, step in steps if not step.form],
        "step_forms": forms_shown,
        "allowed": allowed,
        "history": [(one, _differences(one)) for one in history_of(row.id)[::-1]],
        "reach": reach,
        **_more(kind, row, may_govern=reach.may_govern),
    }
    return render(request, "dashboard/pipeline/record.html", context, status=status)


def _more(kind: Kind, row: Any, *, may_govern: bool) -> dict[str, Any]:
    """What one kind shows beside what all do."""
    if kind.model is Quote:
        return {
            "versions": Quote.objects.filter(series_id=row.series_id).order_by("-version"),
            "proposals": Proposal.objects.filter(quote=row).order_by("-created_at"),
        }
    if kind.model is Proposal:
        link = proposal_link(row) if may_govern and row.can_be_answered else ""
        return {"link": link, "policy": Policy.objects.filter(proposal=row).first()}
    if kind.model is Policy:
        return {}
    return {
        "chain": kind.model.objects.filter(chain_id=row.chain_id).select_related("agent").order_by("attempt")
    }


def _differences(change: Change) -> list[tuple[str, Any, Any]]:
    return [(name, change.before.get(name), after) for name, after in change.after.items()]
