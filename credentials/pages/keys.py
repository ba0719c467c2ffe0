"""`/dashboard/admin/partner-api`: issue, see, rotate, suspend, resume and revoke keys."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from config.api.exceptions import DomainError
from credentials.exceptions import KeyExists
from credentials.forms import KeyForm, RotateForm
from credentials.models import ApiKey, RequestLog
from credentials.selectors import usage_today
from credentials.services.keys import IssuedKey, key_change_status, key_issue, key_rotate
from partners.models import AuditEntry
from partners.pages import PAGE_SIZE, actor_of, audit_row, super_admin_required

STATES = ("active", "suspended", "revoked", "expired")


@require_GET
@super_admin_required
def key_list(request: HttpRequest) -> HttpResponse:
    """Every key, newest first, by name, id, status and environment."""
    filters = {name: request.GET.get(name, "").strip()[:200] for name in ("q", "status", "environment")}
    keys = ApiKey.objects.with_last_four().order_by("-created_at", "-id")
    if filters["q"]:
        keys = keys.filter(Q(name__icontains=filters["q"]) | Q(key_id__startswith=filters["q"]))
    if filters["status"] in STATES:
        keys = keys.in_state(filters["status"])
    if filters["environment"]:
        keys = keys.filter(environment=filters["environment"])
    page = Paginator(keys, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"keys": [key_row(key) for key in page], "filters": filters, "page_obj": page}
    return render(request, "dashboard/partner_api/list.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@super_admin_required
def key_create(request: HttpRequest) -> HttpResponse:
    """The key form; a valid one answers the page that shows the key once."""
    form = KeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            issued = key_issue(**form.issue_arguments(), actor=actor_of(request))
        except KeyExists:
            messages.info(
                request, _("This form was sent already. Its key was shown once; rotate it if it is lost.")
            )
            return redirect("partner-api-detail", pk=form.cleaned_data["api_key_id"])
        except DomainError as error:
            form.add_error(None, str(error.details))
        else:
            return _reveal(request, issued)
    status = 422 if form.is_bound else 200
    context = {"form": form, "scope_groups": form.scope_groups()}
    return render(request, "dashboard/partner_api/form.html", context, status=status)


@require_GET
@super_admin_required
def key_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One key: facts, secrets, today's use, latest requests, audit."""
    key = get_object_or_404(ApiKey.objects.with_last_four(), pk=pk)
    audit = AuditEntry.objects.select_related("organization").filter(
        target_type="apikey", target_id=str(key.pk)
    )[:20]
    context = {
        "key": key_row(key),
        "secrets": key.secrets.order_by("-created_at"),
        "usage": usage_today(key),
        "recent_requests": RequestLog.objects.filter(partner_api_key_id=key.pk).order_by("-created_at")[:10],
        "audit": [audit_row(entry) for entry in audit],
        "grace_choices": RotateForm().fields["grace_seconds"].choices,  # type: ignore[attr-defined]
    }
    return render(request, "dashboard/partner_api/detail.html", context)


@never_cache
@require_POST
@super_admin_required
def key_rotate_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A new secret, shown once; the old one ends when the form says."""
    form = RotateForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose when the old secret ends."))
        return redirect("partner-api-detail", pk=pk)
    try:
        issued = key_rotate(key_id=pk, actor=actor_of(request), grace_s=form.cleaned_data["grace_seconds"])
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("partner-api-detail", pk=pk)
    return _reveal(request, issued)


@require_POST
@super_admin_required
def key_suspend(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _change(request, pk, ApiKey.Status.SUSPENDED, _("The key is suspended."))


@require_POST
@super_admin_required
def key_resume(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _change(request, pk, ApiKey.Status.ACTIVE, _("The key works again."))


@require_POST
@super_admin_required
def key_revoke(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Revoke for good, once the partner's name was typed."""
    key = get_object_or_404(ApiKey, pk=pk)
    if request.POST.get("confirm", "").strip() != key.name:
        messages.error(request, _("Type the partner's name to confirm; the key was not revoked."))
        return redirect("partner-api-detail", pk=pk)
    return _change(request, pk, ApiKey.Status.REVOKED, _("The key is revoked."))


def _change(request: HttpRequest, pk: UUID, status: str, done: str) -> HttpResponse:
    try:
        key_change_status(key_id=pk, status=status, actor=actor_of(request))
    except ApiKey.DoesNotExist as error:
        raise Http404 from error
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, done)
    return redirect("partner-api-detail", pk=pk)


def _reveal(request: HttpRequest, issued: IssuedKey) -> HttpResponse:
    key = ApiKey.objects.with_last_four().get(pk=issued.key.pk)
    url = request.build_absolute_uri("/api/partner/v1/health")
    context = {
        "key": key_row(key),
        "raw_key": issued.raw,
        "key_id": key.key_id,
        "secret": issued.secret,
        "webhook_secret": issued.webhook_secret,
        "curl_example": f'curl -s -H "x-partner-api-key: {issued.raw}" {url}',
    }
    return render(request, "dashboard/partner_api/reveal.html", context)


def key_row(key: Any) -> dict[str, Any]:
    """A key as the pages show it; an active key past its expiry reads "expired"."""
    expired = key.expires_at is not None and key.expires_at <= timezone.now()
    return {
        "id": key.id,
        "partner_name": key.name,
        "organization_name": key.organization_name,
        "company_name": key.company_name,
        "environment": key.environment,
        "key_id": key.key_id,
        "last_four": key.last_four,
        "status": "expired" if expired and key.status == ApiKey.Status.ACTIVE else key.status,
        "scopes": key.scopes,
        "ip_allowlist": key.ip_allowlist,
        "requests_per_minute": key.requests_per_minute,
        "daily_quota": key.daily_quota,
        "created_at": key.created_at,
        "created_by": key.created_by,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
    }
