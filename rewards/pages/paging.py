"""Pages by key: their cost does not grow with depth, and nothing is counted."""

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from partners.pages import PAGE_SIZE


def older(request: HttpRequest, rows: QuerySet) -> tuple[list[Any], UUID | None]:
    """A page of rows, the newest first, behind the one that `before` names; and what the next is behind."""
    try:
        before = UUID(request.GET.get("before", ""))
    except ValueError:
        before = None
    if before is not None:
        at = rows.model.objects.filter(id=before).values_list("created_at", flat=True).first()
        if at is not None:
            rows = rows.filter(created_at__lte=at).filter(Q(created_at__lt=at) | Q(id__lt=before))
    found = list(rows.order_by("-created_at", "-id")[: PAGE_SIZE + 1])
    more = len(found) > PAGE_SIZE
    found = found[:PAGE_SIZE]
    return found, found[-1].id if more else None


def filters_of(request: HttpRequest, *names: str) -> dict[str, str]:
    """What a list is narrowed to."""
    return {name: request.GET.get(name, "").replace("\x00", "").strip()[:200] for name in names}
