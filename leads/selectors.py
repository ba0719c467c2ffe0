"""Reads of leads for pages: found ones, and files that were imported."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from leads.csv_files import Row, rows_read
from leads.models import Lead, LeadImport
from leads.querysets import LeadQuerySet

_PREVIEWED = 10


def lead_search(
    *, q: str, status: str, source: str, tag: str, environment: str, duplicates: str
) -> LeadQuerySet:
    """Leads, newest first; "" is any, `q` an id or part of a text. Merged ones only where asked for."""
    leads: LeadQuerySet = Lead.objects.select_related("organization", "company", "agent")
    leads = leads.filter(status=status) if status else leads.exclude(status=Lead.Status.MERGED)
    for column, value in (("source", source), ("environment", environment)):
        if value:
            leads = leads.filter(**{column: value})
    if tag:
        leads = leads.filter(tags__contains=[tag])
    if duplicates:
        leads = leads.exclude(duplicate_of=None)
    if q:
        leads = leads.matching(q)
    return leads.order_by("-created_at", "-id")


def first_rows(found: LeadImport) -> list[Row]:
    """The first rows of a file, to be looked at."""
    rows = rows_read(bytes(found.content), delimiter=found.delimiter, width=len(found.header))
    return list(islice(rows, _PREVIEWED))


def refused_rows(found: LeadImport) -> Iterator[list[Any]]:
    """The rows of an import that became no lead, under the file's own header, with row number and reason."""
    yield [*found.header, "row", "reason"]
    for row in found.refused.order_by("number").iterator(1000):
        reason = "; ".join(f"{name}: {' '.join(messages)}" for name, messages in row.reasons.items())
        yield [*row.cells, row.number, reason]
