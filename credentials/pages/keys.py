"""The pages of keys: issue, see, change, rotate, suspend, resume and revoke.

Super-admins have them at `/dashboard/admin/partner-api` for every organization, others at
`/dashboard/keys` for the organization they are in.
"""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
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
from credentials.forms import KeyChangeForm, KeyForm, RotateForm
from credentials.models import ApiKey, RequestLog
from credentials.selectors import usage_today
from credentials.services.authority import grantable_scopes
from credentials.services.keys import (
    IssuedKey,
    key_change_status,
    key_issue,
    key_rotate,
    key_update,
)
from credentials.services.signing_secrets import signing_secret_rotate
from credentials.snapshots import key_limits
from partners.models import GOVERNORS, READERS, AuditEntry
from partners.pages import PAGE_SIZE, Reach, actor_of, audit_row, reached

STATES = ("active", "suspended", "revoked", "expired")


@require_GET
@reached(*READERS)
def key_list(request: HttpRequest, reach: Reach) -> HttpResponse:
    """Keys, newest first, by name, id, status and environment."""
    filters = {name: request.GET.get(name, "").strip()[:200] for name in ("q", "status", "environment")}
    keys = ApiKey.objects.with_last_four().order_by("-created_at", "-id")
    if reach.organization:
        keys = keys.for_organization(reach.organization.id)
    if filters["q"]:
        keys = keys.filter(Q(name__icontains=filters["q"]) | Q(key_id__startswith=filters["q"]))
    if filters["status"] in STATES:
        keys = keys.in_state(filters["status"])
    if filters["environment"]:
        keys = keys.filter(environment=filters["environment"])
    page = Paginator(keys, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"keys": [key_row(key) for key in page], "filters": filters, "page_obj": page}
    return _page(request, reach, "list", context)


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*GOVERNORS)
def key_create(request: HttpRequest, reach: Reach) -> HttpResponse:
    """The key form; a valid one answers the page that shows the key once."""
    actor = actor_of(request)
    initial = {"organization": reach.organization} if reach.organization else None
    form = KeyForm(request.POST or None, initial=initial, offered=grantable_scopes(actor))
    if request.method == "POST" and form.is_valid():
        try:
            issued = key_issue(**form.issue_arguments(), actor=actor)
        except KeyExists:
            messages.info(
                request, _("This form was sent already. Its key was shown once; rotate it if it is lost.")
            )
            return _to_key(reach, form.cleaned_data["api_key_id"])
        except DomainError as error:
            form.add_error(None, _sentence(error))
        else:
            return _reveal(request, reach, issued)
    if form.names_what_is_not_there():
        raise Http404
    status = 422 if form.is_bound else 200
    return _page(request, reach, "form", {"form": form, "scope_groups": form.scope_groups()}, status)


@require_GET
@reached(*READERS)
def key_detail(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
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
        "may_change": reach.may_govern and grantable_scopes(actor_of(request)) >= set(key.scopes),
    }
    return _page(request, reach, "detail", context)


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*GOVERNORS)
def key_change(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """The form of a key's terms; the answer shows a fresh signing secret once where there is one."""
    key = get_object_or_404(ApiKey.objects.with_last_four(), pk=pk)
    actor = actor_of(request)
    if not grantable_scopes(actor) >= set(key.scopes):
        raise PermissionDenied
    form = KeyChangeForm.of(key, request.POST or None, offered=grantable_scopes(actor))
    if request.method == "POST" and form.is_valid():
        try:
            changed = key_update(key_id=pk, changes=form.changes(), actor=actor)
        except DomainError as error:
            form.add_error(None, _sentence(error))
        else:
            if changed.signing_secret:
                return _reveal_signing_secret(request, reach, pk, changed.signing_secret)
            messages.success(request, _("The key is changed."))
            return _to_key(reach, pk)
    status = 422 if form.is_bound else 200
    context = {"form": form, "scope_groups": form.scope_groups(), "key": key_row(key)}
    return _page(request, reach, "form", context, status)


@never_cache
@require_POST
@reached(*GOVERNORS)
def key_rotate_page(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """A new secret, shown once; the old one ends when the form says."""
    return _rotated(request, reach, pk, lambda **given: _reveal(request, reach, key_rotate(**given)))


@never_cache
@require_POST
@reached(*GOVERNORS)
def signing_secret_rotate_page(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """A new signing secret, shown once; the old one verifies until the form says."""

    def rotate(**given: Any) -> HttpResponse:
        rotated = signing_secret_rotate(**given)
        return _reveal_signing_secret(request, reach, pk, rotated.secret, rotated.old_ends_at)

    return _rotated(request, reach, pk, rotate)


@require_POST
@reached(*GOVERNORS)
def key_suspend(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    return _change_status(request, reach, pk, ApiKey.Status.SUSPENDED, _("The key is suspended."))


@require_POST
@reached(*GOVERNORS)
def key_resume(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    return _change_status(request, reach, pk, ApiKey.Status.ACTIVE, _("The key works again."))


@require_POST
@reached(*GOVERNORS)
def key_revoke(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Revoke for good, once the partner's name was typed."""
    key = get_object_or_404(ApiKey, pk=pk)
    if request.POST.get("confirm", "").strip() != key.name:
        messages.error(request, _("Type the partner's name to confirm; the key was not revoked."))
        return _to_key(reach, pk)
    return _change_status(request, reach, pk, ApiKey.Status.REVOKED, _("The key is revoked."))


def _rotated(request: HttpRequest, reach: Reach, pk: UUID, rotate: Any) -> HttpResponse:
    form = RotateForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose when the old secret ends."))
        return _to_key(reach, pk)
    try:
        return rotate(key_id=pk, actor=actor_of(request), grace_s=form.cleaned_data["grace_seconds"])
    except ApiKey.DoesNotExist as error:
        raise Http404 from error
    except DomainError as error:
        messages.error(request, error.message)
        return _to_key(reach, pk)


def _change_status(request: HttpRequest, reach: Reach, pk: UUID, status: str, done: str) -> HttpResponse:
    try:
        key_change_status(key_id=pk, status=status, actor=actor_of(request))
    except ApiKey.DoesNotExist as error:
        raise Http404 from error
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, done)
    return _to_key(reach, pk)


def _reveal(request: HttpRequest, reach: Reach, issued: IssuedKey) -> HttpResponse:
    url = request.build_absolute_uri("/api/partner/v1/health")
    context = {
        "key": key_row(ApiKey.objects.with_last_four().get(pk=issued.key.pk)),
        "raw_key": issued.raw,
        "key_id": issued.key.key_id,
        "secret": issued.secret,
        "webhook_secret": issued.webhook_secret,
        "signing_secret": issued.signing_secret,
        "old_ends_at": issued.old_ends_at,
        "curl_example": f'curl -s -H "x-partner-api-key: {issued.raw}" {url}',
    }
    return _page(request, reach, "reveal", context)


def _reveal_signing_secret(
    request: HttpRequest, reach: Reach, pk: UUID, secret: str, old_ends_at: Any = None
) -> HttpResponse:
    key = key_row(ApiKey.objects.with_last_four().get(pk=pk))
    context = {"key": key, "signing_secret": secret, "old_ends_at": old_ends_at}
    return _page(request, reach, "reveal_signing", context)


def _page(
    request: HttpRequest, reach: Reach, name: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    context |= {"reach": reach, "routes": _routes(reach)}
    return render(request, f"dashboard/partner_api/{name}.html", context, status=status)


def _routes(reach: Reach) -> str:
    return "partner-api" if reach.is_everywhere else "keys"


def _to_key(reach: Reach, pk: UUID) -> HttpResponse:
    return redirect(f"{_routes(reach)}-detail", pk=pk)


def _sentence(error: DomainError) -> str:
    """A refusal as a form shows it: what is wrong with which field, where that is known."""
    said = [" ".join(value) for value in error.details.values() if isinstance(value, list)]
    return " ".join(said) or error.message


def key_row(key: Any) -> dict[str, Any]:
    """A key as the pages show it; an active key past its expiry reads "expired"."""
    now = timezone.now()
    expired = key.expires_at is not None and key.expires_at <= now
    old_signing_ends_at = key.previous_signing_secret_ends_at
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
        "offer_allowlist": key.offer_allowlist,
        "brand_allowlist": key.brand_allowlist,
        "organization_wide": key.organization_wide,
        "tier": key.get_tier_display(),
        "limits": key_limits(key),
        "signing_mode": key.signing_mode,
        "signing_label": key.get_signing_mode_display(),
        "old_signing_ends_at": old_signing_ends_at
        if old_signing_ends_at and old_signing_ends_at > now
        else None,
        "created_at": key.created_at,
        "created_by": key.created_by,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
    }
