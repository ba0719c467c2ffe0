"""Access to dashboard pages, and the page of the audit trail."""

import csv
import io
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST
from uuid_utils import uuid7

from config import tenancy
from config.api.client_address import client_address
from config.api.renderers import dumps
from partners.models import GOVERNORS, READERS, AuditEntry, Membership, Organization, User
from partners.selectors import EXPORTED, audit_export, cell, memberships_of
from partners.services.audit import Actor

View = Callable[..., HttpResponse]
PAGE_SIZE = 25
_CHOSEN = "organization"


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a signed-in person is, and as what.

    Super-admins are everywhere, as owners: `organization` is None. Others are in one of `organizations`,
    which are all they belong to.
    """

    organization: Organization | None
    role: str
    organizations: tuple[Organization, ...] = ()

    @property
    def is_everywhere(self) -> bool:
        return self.organization is None

    @property
    def may_govern(self) -> bool:
        return self.role in GOVERNORS

    @property
    def is_owner(self) -> bool:
        return self.role == Membership.Role.OWNER

    def context(self) -> AbstractContextManager[None]:
        """The database context to run in: what lies beyond the reach is not there (404)."""
        return tenancy.operator() if self.organization is None else tenancy.tenant(self.organization.id)


def reach_of(request: HttpRequest) -> Reach | None:
    """What the signed-in person reaches; None for guests and for people who belong nowhere.

    Of several organizations it is the one chosen last, or the first by name.
    """
    if not hasattr(request, "reach"):
        request.reach = _reach(request)  # type: ignore[attr-defined]
    return request.reach  # type: ignore[attr-defined]


def _reach(request: HttpRequest) -> Reach | None:
    user = request.user
    if not isinstance(user, User):
        return None
    if user.is_superuser:
        return Reach(None, Membership.Role.OWNER)
    with tenancy.operator():
        memberships = memberships_of(user)
    if not memberships:
        return None
    chosen = request.session.get(_CHOSEN)
    here = next((m for m in memberships if str(m.organization_id) == chosen), memberships[0])
    return Reach(here.organization, here.role, tuple(m.organization for m in memberships))


def reached(*roles: str) -> Callable[[View], View]:
    """Admit people who hold one of the roles where they are; super-admins may all.

    The view is called with the Reach after the request, and runs in its context in one transaction; it
    must return a rendered response. Others get 403, guests the sign-in page. A route that gives
    `everywhere=True` admits super-admins only.
    """

    def decorate(view: View) -> View:
        @login_required
        @wraps(view)
        def guarded(
            request: HttpRequest, *args: Any, everywhere: bool = False, **kwargs: Any
        ) -> HttpResponse:
            reach = reach_of(request)
            if reach is None or reach.role not in roles or (everywhere and not reach.is_everywhere):
                raise PermissionDenied
            with reach.context():
                return view(request, reach, *args, **kwargs)

        return guarded

    return decorate


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
    """The signed-in person as the audit trail names it, in the role they hold where they are."""
    request_id = getattr(request, "request_id", "") or str(uuid7())
    reach = reach_of(request)
    role = reach.role if reach else Membership.Role.MEMBER
    return Actor(signed_in(request).email, client_address(request.META), request_id, role)


@require_POST
@login_required
def organization_choose(request: HttpRequest) -> HttpResponse:
    """Go to another organization of one's own; 404 for anybody else's."""
    reach = reach_of(request)
    mine = {str(organization.id) for organization in reach.organizations} if reach else set()
    chosen = request.POST.get("organization", "")
    if chosen not in mine:
        raise Http404
    request.session[_CHOSEN] = chosen
    return redirect("dashboard-home")


@reached(*READERS)
def audit_list(request: HttpRequest, reach: Reach) -> HttpResponse:
    """The reach's audit trail, newest first, searchable by actor, action, target and request id."""
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
@reached(*READERS)
def audit_download(request: HttpRequest, reach: Reach) -> HttpResponse:
    """The reach's whole audit trail as CSV or as JSON lines (`format=jsonl`), oldest first."""
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
