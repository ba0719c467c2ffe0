"""The overview, the request log, and one of its requests."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from config.tenancy import Environment
from credentials.models import ApiKey, RequestLog
from credentials.pages.usage import usage_chart, usage_tiles
from credentials.selectors.requests import Place, RequestSearch, request_find, request_search
from credentials.selectors.usage import usage_timeline
from credentials.selectors.usage_range import UsageRange
from partners.models import READERS, Organization
from partners.pages import Reach, reached, super_admin_required

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# one status, or a class of them
_STATUS = re.compile(r"([2-5])(?:xx)?|([1-5][0-9][0-9])")
_FILTERS = ("q", "key", "person", "path", "method", "status", "environment", "since", "until")


@require_GET
@super_admin_required
def operator_home(request: HttpRequest) -> HttpResponse:
    """The overview of the whole hub."""
    extent = UsageRange.of()
    times = usage_timeline(extent)
    tiles = [
        *usage_tiles(times),
        {
            "label": _("Active keys"),
            "value": ApiKey.objects.in_state("active").count(),
            "hint": "",
            "url": f"{reverse('partner-api-list')}?status=active",
        },
    ]
    context = {
        "tiles": tiles,
        "recent_requests": RequestLog.objects.with_person().order_by("-created_at", "-id")[:10],
        "chart": usage_chart(times, extent, ((_("Requests"), "requests"), (_("Errors"), "errors"))),
    }
    return render(request, "dashboard/home.html", context)


@require_GET
@reached(*READERS)
def request_log(request: HttpRequest, reach: Reach) -> HttpResponse:
    """The request log, newest first: by request id, key, person, path, method, status, environment, time."""
    filters = {name: request.GET.get(name, "").replace("\x00", "").strip()[:200] for name in _FILTERS}
    search = RequestSearch(
        organization_id=reach.organization.id if reach.organization else None,
        request_id=filters["q"],
        key=filters["key"],
        person=filters["person"],
        path=filters["path"],
        method=filters["method"] if filters["method"] in METHODS else "",
        status=_status(filters["status"]),
        environment=filters["environment"] if filters["environment"] in Environment.values else "",
        since=_minute(filters["since"]),
        until=_minute(filters["until"], end=True),
    )
    page = request_search(search, behind=_place(request.GET.get("before", "")))
    context = {
        "reach": reach,
        "rows": page.rows,
        "filters": filters,
        "is_filtered": any(filters.values()),
        "methods": METHODS,
        "environments": Environment.choices,
        "searched_to": page.searched_to,
        "next_cursor": f"{page.next.created_at.isoformat()}_{page.next.id}" if page.next else "",
    }
    return render(request, "dashboard/requests.html", context)


@require_GET
@reached(*READERS)
def request_detail(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """One request of the log."""
    try:
        row = request_find(pk)
    except RequestLog.DoesNotExist as error:
        raise Http404 from error
    context = {
        "reach": reach,
        "row": row,
        "key": ApiKey.objects.filter(pk=row.partner_api_key_id).first() if row.partner_api_key_id else None,
        "organization": (
            Organization.objects.filter(pk=row.organization_id).first() if row.organization_id else None
        ),
    }
    return render(request, "dashboard/request.html", context)


def _status(text: str) -> str:
    found = _STATUS.fullmatch(text)
    return (found[1] or found[2]) if found else ""


def _minute(text: str, *, end: bool = False) -> datetime | None:
    """A minute of UTC from a form's field, or the end of it; None for none."""
    try:
        at = parse_datetime(text)
    except ValueError:
        return None
    if at is None or not 1 < at.year < 9999:
        return None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return at + timedelta(minutes=1) if end else at


def _place(text: str) -> Place | None:
    at, _separator, pk = text.partition("_")
    try:
        moment, identity = parse_datetime(at), UUID(pk)
    except ValueError:
        return None
    if moment is None or moment.tzinfo is None or not 1 < moment.year < 9999:
        return None
    return Place(moment, identity)
