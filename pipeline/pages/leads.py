"""The board on which leads go through their stages, and what the pipeline has of one lead."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from config.api.exceptions import DomainError
from config.tenancy import Environment
from leads.models import Lead
from leads.services.leads import TRANSITIONS, lead_move
from partners.models import GOVERNORS, READERS
from partners.pages import Reach, actor_of, reached
from pipeline.forms import AssignForm, LineForm, LineForms, QuoteForm, ReasonForm
from pipeline.models import Quote
from pipeline.selectors import belongings_of, stages
from pipeline.services.assignments import assignment_create
from pipeline.services.quotes import quote_create, quote_revise, quote_update

_FILTERS = ("q", "environment")
_STAGES = {
    "new": gettext_lazy("New"),
    "qualified": gettext_lazy("Qualified"),
    "quoted": gettext_lazy("Quoted"),
    "proposed": gettext_lazy("Proposed"),
    "converted": gettext_lazy("Customers"),
    "rejected": gettext_lazy("Rejected"),
}


@require_GET
@reached(*READERS)
def board(request: HttpRequest, reach: Reach) -> HttpResponse:
    """The reach's leads by stage, those that moved last on top."""
    filters = {name: request.GET.get(name, "").replace("\x00", "").strip()[:200] for name in _FILTERS}
    leads: Any = Lead.objects.all()
    if reach.organization:
        leads = leads.for_organization(reach.organization.id)
    if filters["environment"]:
        leads = leads.filter(environment=filters["environment"])
    if filters["q"]:
        leads = leads.matching(filters["q"])
    columns = [(_STAGES[name], name, rows, more) for name, rows, more in stages(leads)]
    context = {
        "columns": columns,
        "has_any": any(rows for _label, _name, rows, _more in columns),
        "filters": filters,
        "is_filtered": any(filters.values()),
        "environments": Environment.choices,
        "reach": reach,
        "tab": "board",
    }
    return render(request, "dashboard/pipeline/board.html", context)


@never_cache
@require_GET
@reached(*READERS)
def lead_pipeline(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """One lead's assignments, quotes, proposals and policies, and what comes next."""
    return _page(request, reach, _lead(pk))


@require_POST
@reached(*GOVERNORS)
def lead_step(request: HttpRequest, reach: Reach, pk: UUID, status: str) -> HttpResponse:
    """Qualify or convert a lead, or reject it with a reason."""
    lead = _lead(pk)
    if status not in Lead.Status:
        raise Http404
    reason = ReasonForm(request.POST) if status == Lead.Status.REJECTED else None
    if reason is not None and not reason.is_valid():
        return _page(request, reach, lead, rejecting=reason, status=422)
    text = reason.cleaned_data["reason"] if reason is not None else ""
    try:
        lead_move(lead_id=pk, status=status, reason=text, actor=actor_of(request))
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, _("The lead is moved on."))
    return redirect("dashboard-pipeline-lead", pk)


@require_POST
@reached(*GOVERNORS)
def lead_assign(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Offer a lead to an agent."""
    lead = _lead(pk)
    form = AssignForm(request.POST, lead=lead)
    if not form.is_valid():
        return _page(request, reach, lead, assigning=form, status=422)
    try:
        made = assignment_create(
            lead_id=pk, client_id=lead.client_id, actor=actor_of(request), **form.terms()
        )
    except DomainError as refusal:
        messages.error(request, refusal.message)
        return redirect("dashboard-pipeline-lead", pk)
    return redirect("dashboard-pipeline-record", "assignments", made.id)


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*GOVERNORS)
def quote_new(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Write a quote for a lead."""
    lead = _lead(pk)
    form = QuoteForm(request.POST or None, initial={"currency": lead.currency or "ILS"})
    lines = LineForms(request.POST or None, prefix="lines")
    terms = _terms(form, lines)
    if terms is not None:
        try:
            made = quote_create(lead_id=pk, client_id=lead.client_id, actor=actor_of(request), **terms)
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            return redirect("dashboard-pipeline-record", "quotes", made.id)
    return _quote_form(request, form, lines, lead=lead, quote=None)


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*GOVERNORS)
def quote_edit(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Change a draft, or write the next version of a quote that went out."""
    quote = get_object_or_404(Quote.objects.select_related("lead", "organization"), pk=pk)
    form = QuoteForm(request.POST or None, initial=QuoteForm.initial_of(quote))
    lines = LineForms(request.POST or None, prefix="lines", initial=LineForm.initial_of(quote))
    terms = _terms(form, lines)
    if terms is not None:
        write = quote_update if quote.status == Quote.Status.DRAFT else quote_revise
        try:
            made = write(quote_id=pk, changes=terms, actor=actor_of(request))
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            return redirect("dashboard-pipeline-record", "quotes", made.id)
    return _quote_form(request, form, lines, lead=quote.lead, quote=quote)


def _terms(form: QuoteForm, lines: Any) -> dict[str, Any] | None:
    """What the valid forms say; None while something is missing, which the forms then show."""
    if not form.is_bound or not (form.is_valid() & lines.is_valid()):
        return None
    given = [line.line(form.cleaned_data["currency"]) for line in lines]
    if any(line.errors for line in lines):
        return None
    if not any(given):
        form.add_error(None, _("A quote needs a line."))
        return None
    return {**form.cleaned_data, "lines": [line for line in given if line]}


def _quote_form(
    request: HttpRequest, form: QuoteForm, lines: Any, *, lead: Lead, quote: Quote | None
) -> HttpResponse:
    context = {"form": form, "lines": lines, "lead": lead, "quote": quote}
    is_wrong = form.errors or (form.is_bound and any(line.errors for line in lines))
    return render(request, "dashboard/pipeline/quote_form.html", context, status=422 if is_wrong else 200)


def _lead(pk: UUID) -> Lead:
    return get_object_or_404(Lead.objects.select_related("organization", "agent", "company"), pk=pk)


def _page(
    request: HttpRequest,
    reach: Reach,
    lead: Lead,
    *,
    assigning: AssignForm | None = None,
    rejecting: ReasonForm | None = None,
    status: int = 200,
) -> HttpResponse:
    belongings = belongings_of(lead)
    is_open = lead.status in (Lead.Status.NEW, Lead.Status.QUALIFIED)
    is_taken = any(one.status in ("offered", "accepted") for one in belongings["assignments"])
    moves = TRANSITIONS[lead.status] if reach.may_govern else ()
    context = {
        "lead": lead,
        "moves": [move for move in moves if move != Lead.Status.REJECTED],
        "may_assign": reach.may_govern and is_open and not is_taken,
        "may_quote": reach.may_govern and lead.status in (Lead.Status.QUALIFIED, Lead.Status.CONVERTED),
        "may_reject": Lead.Status.REJECTED in moves,
        "assigning": assigning or AssignForm(lead=lead),
        "rejecting": rejecting or ReasonForm(),
        "reach": reach,
        **belongings,
    }
    return render(request, "dashboard/pipeline/lead.html", context, status=status)
