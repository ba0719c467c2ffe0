"""Dashboard pages of the ledger: balances, statements, debts, and whether the books agree."""

import csv
import io
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from config.api.exceptions import DomainError
from config.api.pagination import moment
from config.api.renderers import dumps
from ledger.models import GUARDED, Account, Kind
from ledger.selectors import (
    accounts_with_balances,
    differences_open,
    reconciliations_latest,
    statement_lines,
    statement_page,
)
from partners.models import READERS, ApiClient
from partners.pages import PAGE_SIZE, Reach, reached
from partners.selectors import cell

_OF_PAYEES = (Kind.USER_PAYABLE, Kind.PARTNER_PAYABLE, Kind.PAYEE_DEBT)
_EXPORTED = (
    "at",
    "kind",
    "description",
    "source",
    "transaction",
    "amount_minor",
    "balance_minor",
    "currency",
)


@require_GET
@reached(*READERS)
def balances(request: HttpRequest, reach: Reach) -> HttpResponse:
    """The organization's own accounts, and those of its partners and their users."""
    filters = _filters(request)
    accounts = _accounts(reach)
    own = accounts.exclude(kind__in=_OF_PAYEES).order_by("environment", "currency", "kind", "organization_id")
    payees = accounts.filter(kind__in=_OF_PAYEES)
    if filters["kind"]:
        payees = payees.filter(kind=filters["kind"])
    if filters["q"]:
        payees = payees.filter(user_id=filters["q"])
    page = Paginator(payees.order_by("-created_at", "-id"), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "own": accounts_with_balances(list(own[:100])),
        "page_obj": page,
        "payees": _named(list(page)),
        "filters": filters,
        "is_filtered": any(filters.values()),
        "kinds": [(kind.value, kind.label) for kind in _OF_PAYEES],
        "differences": differences_open(),
        "reach": reach,
        "tab": "balances",
    }
    return render(request, "dashboard/ledger/balances.html", context)


@require_GET
@reached(*READERS)
def debts(request: HttpRequest, reach: Reach) -> HttpResponse:
    """Payees who owe: what was taken back after it had been paid."""
    accounts = _accounts(reach).filter(kind=Kind.PAYEE_DEBT).order_by("-created_at", "-id")
    page = Paginator(accounts, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"page_obj": page, "debts": _named(list(page)), "reach": reach, "tab": "debts"}
    return render(request, "dashboard/ledger/debts.html", context)


@require_GET
@reached(*READERS)
def statement(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """An account's statement by key, the newest first, with the balance after each posting."""
    account = get_object_or_404(Account.objects.select_related("organization"), pk=pk)
    since, until, error = _times(request)
    before = request.GET.get("before", "")
    lines, more = statement_page(
        account,
        before=int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None,
        since=since,
        until=until,
    )
    [held] = _named([account])
    context = {
        "account": account,
        "held": held,
        "lines": lines,
        "before": more,
        "filters": {name: request.GET.get(name, "") for name in ("from", "to")},
        "error": error,
        "reach": reach,
    }
    return render(request, "dashboard/ledger/statement.html", context)


@require_GET
@reached(*READERS)
def statement_download(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """The statement as CSV, or as JSON lines (`format=jsonl`), the newest first."""
    account = get_object_or_404(Account, pk=pk)
    since, until, _ = _times(request)
    rows = (
        (
            line.at.isoformat().replace("+00:00", "Z"),
            line.kind,
            line.description,
            f"{line.source_type}:{line.source_id}" if line.source_id else "",
            str(line.transaction_id),
            line.amount_minor,
            line.balance_minor,
            account.currency,
        )
        for line in statement_lines(account, since=since, until=until)
    )
    name = f"statement-{account.id}"
    if request.GET.get("format") == "jsonl":
        content = b"".join(dumps(dict(zip(_EXPORTED, row, strict=True))) + b"\n" for row in rows)
        return _attachment(content, f"{name}.jsonl", "application/jsonl")
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_EXPORTED)
    writer.writerows([cell(value) for value in row] for row in rows)
    return _attachment(text.getvalue().encode(), f"{name}.csv", "text/csv; charset=utf-8")


@require_GET
@reached(*READERS)
def reconciliation(request: HttpRequest, reach: Reach) -> HttpResponse:
    """When the books were last recomputed, and what did not agree."""
    context = {
        "latest": reconciliations_latest(),
        "differences": differences_open(),
        "reach": reach,
        "tab": "reconciliation",
    }
    return render(request, "dashboard/ledger/reconciliation.html", context)


def _accounts(reach: Reach) -> Any:
    rows = Account.objects.select_related("organization")
    return rows.filter(organization=reach.organization) if reach.organization else rows


def _named(accounts: list[Account]) -> list[tuple[Any, str]]:
    """Accounts with what is on them, and the name of the partner they belong to."""
    clients = {one.client_id for one in accounts if one.client_id}
    names = dict(ApiClient.objects.filter(id__in=clients).values_list("id", "name"))
    found = accounts_with_balances(accounts)
    return [(one, names.get(one.account.client_id, "") if one.account.client_id else "") for one in found]


def _filters(request: HttpRequest) -> dict[str, str]:
    given = {name: request.GET.get(name, "").replace("\x00", "").strip()[:120] for name in ("q", "kind")}
    return given if given["kind"] in {*GUARDED, Kind.PARTNER_PAYABLE, ""} else given | {"kind": ""}


def _times(request: HttpRequest) -> tuple[datetime | None, datetime | None, str]:
    since = until = None
    try:
        if text := request.GET.get("from"):
            since = moment(text, field="from")
        if text := request.GET.get("to"):
            until = moment(text, field="to", end_of_day=True)
    except DomainError as error:
        return None, None, error.message
    return since, until, ""


def _attachment(content: bytes, name: str, content_type: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type=content_type, headers=headers)
