"""Dashboard pages of companies and their agents: whose calls are analysed."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from config.api.exceptions import DomainError
from jobs.forms import AgentForm, CompanyForm
from partners.models import READERS, Company
from partners.pages import PAGE_SIZE, Reach, actor_of, reached
from partners.services.companies import agent_create, company_create


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*READERS)
def company_list(request: HttpRequest, reach: Reach) -> HttpResponse:
    """The reach's companies; governors of an organization add to them."""
    form = CompanyForm(request.POST or None)
    if request.method == "POST":
        if not reach.may_govern or reach.organization is None:
            raise Http404
        if form.is_valid():
            made = company_create(
                organization_id=reach.organization.id, actor=actor_of(request), **form.cleaned_data
            )
            messages.success(request, _("The company is added. Who takes its calls?"))
            return redirect("dashboard-company", pk=made.id)
    rows = Company.objects.select_related("organization")
    if reach.organization:
        rows = rows.for_organization(reach.organization.id)
    search = request.GET.get("q", "").replace("\x00", "").strip()[:200]
    if search:
        rows = rows.matching(search)
    rows = rows.annotate(agent_count=Count("agents")).order_by("-created_at", "-id")
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"page_obj": page, "search": search, "form": form, "reach": reach, "tab": "companies"}
    status = 422 if form.is_bound else 200
    return render(request, "dashboard/calls/companies.html", context, status=status)


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*READERS)
def company_detail(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """A company and its agents; governors add agents."""
    company = get_object_or_404(Company.objects.select_related("organization"), pk=pk)
    form = AgentForm(request.POST or None)
    if request.method == "POST":
        if not reach.may_govern:
            raise Http404
        if form.is_valid():
            try:
                agent_create(
                    organization_id=company.organization_id,
                    environment=company.environment,
                    company_id=company.id,
                    actor=actor_of(request),
                    **form.cleaned_data,
                )
            except DomainError as error:
                form.add_error("email", error.message)
            else:
                messages.success(request, _("The agent is added."))
                return redirect("dashboard-company", pk=pk)
    page = Paginator(company.agents.order_by("name", "id"), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"company": company, "page_obj": page, "form": form, "reach": reach}
    status = 422 if form.is_bound else 200
    return render(request, "dashboard/calls/company.html", context, status=status)
