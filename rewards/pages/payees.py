"""Dashboard pages: to whom payouts go, and the organization's terms and rates."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from config.api.exceptions import DomainError
from config.tenancy import Environment
from partners.models import GOVERNORS, READERS, ApiClient
from partners.pages import PAGE_SIZE, Reach, actor_of, reached
from rewards.models import ExchangeRate, Payee
from rewards.payout_forms import PayeeForm, RateForm, TermsForm
from rewards.providers.bank_file import Account
from rewards.selectors.rates import terms_of
from rewards.services.payees import exchange_rate_add, payee_set, terms_set

_RATES = 20


@require_GET
@reached(*READERS)
def payee_list(request: HttpRequest, reach: Reach) -> HttpResponse:
    """The reach's payees; their accounts by the last digits."""
    search = request.GET.get("q", "").replace("\x00", "").strip()[:120]
    rows = Payee.objects.select_related("organization")
    if reach.organization:
        rows = rows.filter(organization=reach.organization)
    if search:
        rows = rows.filter(user_id=search)
    page = Paginator(rows.order_by("-updated_at", "-id"), PAGE_SIZE).get_page(request.GET.get("page"))
    names = dict(ApiClient.objects.filter(id__in={one.client_id for one in page}).values_list("id", "name"))
    context = {
        "page_obj": page,
        "payees": [(one, names.get(one.client_id, "—")) for one in page],
        "q": search,
        "reach": reach,
        "tab": "payees",
    }
    return render(request, "dashboard/rewards/payees.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*GOVERNORS)
def payee_new(request: HttpRequest, reach: Reach) -> HttpResponse:
    """Say where a partner's or a user's money goes; what was said before is replaced."""
    if reach.organization is None:
        raise Http404
    form = PayeeForm(request.POST or None, organization_id=reach.organization.id)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        client = data.pop("client")
        try:
            payee_set(
                organization_id=reach.organization.id,
                environment=client.environment,
                client_id=client.id,
                actor=actor_of(request),
                **data,
            )
        except DomainError as error:
            _explain(form, error)
        else:
            messages.success(request, _("Payouts go there from now on."))
            return redirect("dashboard-payees")
    context = {"form": form, "reach": reach, "tab": "payees"}
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "dashboard/rewards/payee_form.html", context, status=status)


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*GOVERNORS)
def terms(request: HttpRequest, reach: Reach) -> HttpResponse:
    """How the organization shares commissions and pays; and its exchange rates."""
    organization_id = _organization_id(reach)
    environment = _environment(request)
    form = TermsForm(request.POST) if request.method == "POST" else None
    if form and form.is_valid():
        data = form.cleaned_data
        payer = None
        if data["payer_iban"]:
            payer = Account(data["payer_name"], data["payer_iban"], data["payer_bic"])
        try:
            terms_set(
                organization_id=organization_id,
                environment=data["environment"],
                platform_share=int(data["platform_share"] * 100),
                hold_days=data["hold_days"],
                minimum_payout_minor=data["minimum_payout_minor"],
                payer=payer,
                actor=actor_of(request),
            )
        except DomainError as error:
            _explain(form, error, prefix="payer_")
        else:
            messages.success(request, _("Conversions from now on are shared so."))
            return redirect(f"{request.path}?environment={data['environment']}")
    return _terms(request, reach, environment, form=form)


@require_POST
@reached(*GOVERNORS)
def rate_add(request: HttpRequest, reach: Reach) -> HttpResponse:
    """A new exchange rate."""
    organization_id, environment = _organization_id(reach), _environment(request)
    form = RateForm(request.POST)
    if form.is_valid():
        try:
            exchange_rate_add(
                organization_id=organization_id,
                environment=environment,
                actor=actor_of(request),
                **form.cleaned_data,
            )
        except DomainError as error:
            _explain(form, error)
        else:
            messages.success(request, _("The rate holds from now on."))
            return redirect("dashboard-reward-terms")
    return _terms(request, reach, environment, rate_form=form)


def _terms(
    request: HttpRequest,
    reach: Reach,
    environment: str,
    *,
    form: TermsForm | None = None,
    rate_form: RateForm | None = None,
) -> HttpResponse:
    organization_id = _organization_id(reach)
    present = terms_of(organization_id, environment)
    rates = ExchangeRate.objects.for_organization(organization_id, environment).order_by("-valid_from", "-id")
    context = {
        "form": form or TermsForm.of(present),
        "rate_form": rate_form or RateForm(),
        "rates": rates[:_RATES],
        "environment": environment,
        "environments": Environment.choices,
        "has_payer": bool(present.payer_sealed),
        "reach": reach,
        "tab": "terms",
    }
    bad = (form and form.errors) or (rate_form and rate_form.errors)
    return render(request, "dashboard/rewards/terms.html", context, status=422 if bad else 200)


def _organization_id(reach: Reach) -> UUID:
    if reach.organization is None:
        raise Http404
    return reach.organization.id


def _environment(request: HttpRequest) -> str:
    given = request.POST.get("environment") or request.GET.get("environment") or ""
    return given if given in Environment.values else Environment.PRODUCTION


def _explain(form: PayeeForm | TermsForm | RateForm, error: DomainError, prefix: str = "") -> None:
    fields = {f"{prefix}{name}": found for name, found in error.details.items() if isinstance(found, list)}
    for name, found in fields.items():
        form.add_error(name if name in form.fields else None, found)
    if not fields:
        form.add_error(None, error.message)
