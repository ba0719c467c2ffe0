"""Dashboard pages of invoices: found, read, printed, paid, credited; and what they print."""

from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from config.api.exceptions import DomainError
from config.tenancy import Environment
from invoices.electronic import invoice_xml, xml_answer
from invoices.forms import CreditForm, PaymentForm, ProfileForm
from invoices.models import Invoice, Profile
from invoices.selectors import lines_left, lines_of
from invoices.services.issuing import credit_note_issue
from invoices.services.payments import payment_record
from invoices.services.profiles import profile_save
from partners.models import GOVERNORS, READERS
from partners.pages import PAGE_SIZE, Reach, actor_of, reached


@require_GET
@reached(*READERS)
def invoice_list(request: HttpRequest, reach: Reach) -> HttpResponse:
    """The reach's invoices and credit notes, the newest first; and what is open of them."""
    filters = {
        name: request.GET.get(name, "").replace("\x00", "").strip()[:200]
        for name in ("q", "status", "environment")
    }
    everything: QuerySet[Invoice] = Invoice.objects.select_related("organization", "client")
    if reach.organization:
        everything = everything.filter(organization=reach.organization)
    invoices = everything
    if filters["status"] == "overdue":
        invoices = invoices.overdue(now=timezone.now())  # type: ignore[attr-defined]
    elif filters["status"]:
        invoices = invoices.filter(status=filters["status"])
    if filters["environment"]:
        invoices = invoices.filter(environment=filters["environment"])
    if text := filters["q"]:
        invoices = invoices.filter(
            Q(number__icontains=text) | Q(customer__name__icontains=text) | Q(customer__email__icontains=text)
        )
    page = Paginator(invoices.order_by("-created_at", "-id"), PAGE_SIZE).get_page(request.GET.get("page"))
    unpaid = everything.open().filter(environment=Environment.PRODUCTION)  # type: ignore[attr-defined]
    sums = unpaid.values("currency").annotate(
        total=Sum("total_minor") - Sum("paid_minor") - Sum("credited_minor")
    )
    context = {
        "page_obj": page,
        "filters": filters,
        "is_filtered": any(filters.values()),
        "statuses": [*Invoice.Status.choices, ("overdue", _("Overdue"))],
        "environments": Environment.choices,
        "sums": sums.order_by("currency"),
        "now": timezone.now(),
        "reach": reach,
        "tab": "invoices",
    }
    return render(request, "dashboard/invoices/list.html", context)


@require_GET
@reached(*READERS)
def invoice_detail(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """One invoice: its lines, payments and credit notes, and what may be done."""
    return _detail(request, reach, _invoice(pk))


@require_GET
@reached(*READERS)
def invoice_document(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """An invoice as PDF; `lang` chooses the language."""
    from invoices.documents import invoice_pdf, pdf_answer  # noqa: PLC0415 (fonts and pictures: 30 MB)

    language = request.GET.get("lang")
    invoice = _invoice(pk)
    language = language if language in Profile.Language.values else None
    return pdf_answer(invoice, invoice_pdf(invoice, lines_of(invoice), language=language))


@require_GET
@reached(*READERS)
def invoice_for_programs(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """An invoice as XML."""
    invoice = _invoice(pk)
    return xml_answer(invoice, invoice_xml(invoice, lines_of(invoice)))


@require_POST
@reached(*GOVERNORS)
def invoice_payment(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Note money received."""
    invoice = _invoice(pk)
    form = PaymentForm(request.POST, currency=invoice.currency, due_minor=invoice.due_minor)
    if form.is_valid():
        data = form.cleaned_data
        try:
            payment_record(
                invoice=invoice,
                amount_minor=data["amount"],
                method=data["method"],
                reference=data["reference"],
                paid_at=datetime.combine(data["paid_on"], time(), UTC),
                actor=actor_of(request),
            )
        except DomainError as error:
            form.add_error("amount", error.message)
        else:
            messages.success(request, _("The payment is noted."))
            return redirect("dashboard-invoice", pk=pk)
    return _detail(request, reach, invoice, paying=form)


@require_POST
@reached(*GOVERNORS)
def invoice_credit(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Issue a credit note."""
    invoice = _invoice(pk)
    form = CreditForm(request.POST, lines=lines_left(invoice))
    if form.is_valid():
        try:
            note = credit_note_issue(
                invoice=invoice, reason=form.cleaned_data["reason"], credited=form.credited()
            )
        except DomainError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("The credit note is issued."))
            return redirect("dashboard-invoice", pk=note.pk if note else pk)
    return _detail(request, reach, invoice, crediting=form)


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*GOVERNORS)
def profile(request: HttpRequest, reach: Reach) -> HttpResponse:
    """What the invoices of the organization the person is in print."""
    if reach.organization is None:
        raise Http404
    given = request.POST.get("environment") or request.GET.get("environment") or ""
    environment = given if given in Environment.values else Environment.PRODUCTION
    known = Profile.objects.for_organization(reach.organization.id, environment).first()
    form = ProfileForm(request.POST or None, instance=known, initial={"environment": environment})
    if request.method == "POST" and form.is_valid():
        terms = {name: value for name, value in form.cleaned_data.items() if name != "environment"}
        profile_save(
            organization_id=reach.organization.id, environment=environment, actor=actor_of(request), **terms
        )
        messages.success(request, _("Invoices from now on print this."))
        return redirect("dashboard-invoices")
    context = {"form": form, "reach": reach, "tab": "profile"}
    status = 422 if form.is_bound else 200
    return render(request, "dashboard/invoices/profile.html", context, status=status)


def _invoice(pk: UUID) -> Invoice:
    rows = Invoice.objects.select_related("organization", "client", "corrects")
    return get_object_or_404(rows, pk=pk)


def _detail(
    request: HttpRequest,
    reach: Reach,
    invoice: Invoice,
    *,
    paying: PaymentForm | None = None,
    crediting: CreditForm | None = None,
) -> HttpResponse:
    left = lines_left(invoice)
    is_invoice = invoice.kind == Invoice.Kind.INVOICE
    context: dict[str, Any] = {
        "invoice": invoice,
        "lines": [line for line, _left in left],
        "payments": invoice.payments.order_by("paid_at", "id"),
        "credit_notes": invoice.credit_notes.order_by("created_at", "id"),
        "paying": paying or PaymentForm(currency=invoice.currency, due_minor=invoice.due_minor),
        "crediting": crediting or CreditForm(lines=left),
        "may_pay": reach.may_govern and invoice.due_minor > 0,
        "may_credit": reach.may_govern and is_invoice and any(quantity > 0 for _line, quantity in left),
        "is_overdue": invoice.due_minor > 0 and invoice.due_at <= timezone.now(),
        "languages": Profile.Language.choices,
        "reach": reach,
    }
    status = 422 if paying or crediting else 200
    return render(request, "dashboard/invoices/detail.html", context, status=status)
