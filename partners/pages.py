"""Access to dashboard pages, and the page of the audit trail."""

import csv
import io
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from uuid_utils import uuid7

from config import tenancy
from config.api.client_address import client_address
from config.api.renderers import dumps
from partners.models import AuditEntry, User
from partners.selectors import EXPORTED, audit_export, cell
from partners.services.audit import Actor

View = Callable[..., HttpResponse]
PAGE_SIZE = 25


def super_admin_required(view: View) -> View:
    """Admit super-admins only (403 for other users, sign-in for guests), in the operator context.

    The whole view runs in one transaction; it must return a rendered response.
    """

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_superuser:
            raise PermissionDenied
        with tenancy.operator():
            return view(request, *args, **kwargs)

    return guarded


def signed_in(request: HttpRequest) -> User:
    """The person behind a page that asks for sign-in."""
    user = request.user
    if not isinstance(user, User):
        raise PermissionDenied
    return user


def actor_of(request: HttpRequest) -> Actor:
    """The signed-in person as the audit trail names it."""
    request_id = getattr(request, "request_id", "") or str(uuid7())
    return Actor(signed_in(request).email, client_address(request.META), request_id)


@super_admin_required
def audit_list(request: HttpRequest) -> HttpResponse:
    """The audit trail, newest first, searchable by actor, action, target and request id."""
    search = request.GET.get("q", "").strip()[:200]
    entries = AuditEntry.objects.select_related("organization")
    if search:
        entries = entries.filter(
            Q(actor__icontains=search)
            | Q(action__icontains=search)
            | Q(target_label__icontains=search)
            | Q(request_id=search)
        )
    page = Paginator(entries, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(
        request,
        "dashboard/audit.html",
        {"audit": [audit_row(entry) for entry in page], "page_obj": page, "filters": {"q": search}},
    )


@require_GET
@super_admin_required
def audit_download(request: HttpRequest) -> HttpResponse:
    """The whole audit trail as CSV or as JSON lines (`format=jsonl`), oldest first."""
    if request.GET.get("format") == "jsonl":
        lines = b"".join(dumps(entry) + b"\n" for entry in audit_export())
        return _attachment(lines, "audit.jsonl", "application/jsonl")
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(EXPORTED)
    for entry in audit_export():
        values = (dumps(v).decode() if isinstance(v, dict) else v for v in entry.values())
        writer.writerow([cell(value) for value in values])
    return _attachment(text.getvalue().encode(), "audit.csv", "text/csv; charset=utf-8")


def _attachment(content: bytes, name: str, content_type: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type=content_type, headers=headers)


def audit_row(entry: AuditEntry) -> dict[str, Any]:
    """An audit entry as the pages show it; `changes` lists (name, before, after)."""
    names = sorted(entry.before.keys() | entry.after.keys())
    return {
        "at": entry.created_at,
        "actor": entry.actor,
        "action": entry.action,
        "target": entry.target_label,
        "organization": entry.organization.name if entry.organization else "",
        "ip": entry.ip,
        "request_id": entry.request_id,
        "changes": [(name, entry.before.get(name), entry.after.get(name)) for name in names],
    }
