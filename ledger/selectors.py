"""Reads of the ledger: balances, and statements with a running balance. They need the tenant's context."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from ledger.models import ASSETS, Account, AccountKey, Reconciliation

# A fetch of an export.
_CHUNK = 1000
MAX_BIGINT = 2**63 - 1


class StatementLine(NamedTuple):
    """A posting as its account's statement shows it: `amount_minor` and the balance after it.

    Both have the sign that is natural to the account: what is owed to a payee, or to us, is positive.
    """

    id: int
    at: datetime
    kind: str
    description: str
    source_type: str
    source_id: UUID | None
    transaction_id: UUID
    amount_minor: int
    balance_minor: int


class AccountBalance(NamedTuple):
    """An account and what is on it, with the sign that is natural to it."""

    account: Account
    balance_minor: int
    entries: int


def sign_of(kind: str) -> int:
    """What turns debits and credits into an account's natural sign."""
    return 1 if kind in ASSETS else -1


def balance_of(key: AccountKey, *, organization_id: UUID, environment: str) -> int:
    """What is on an account, with its natural sign; 0 for one that nothing was posted to."""
    return balances_of([key], organization_id=organization_id, environment=environment)[key]


def balances_of(
    keys: Sequence[AccountKey], *, organization_id: UUID, environment: str
) -> dict[AccountKey, int]:
    """What is on these accounts, with their natural signs. At most 64 small rows are read for each."""
    ids = {key.id_in(organization_id, environment): key for key in keys}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT account_id, sum(balance_minor)::bigint FROM ledger_balance"
            " WHERE account_id = ANY(%s) GROUP BY account_id",
            [list(ids)],
        )
        found = {ids[account_id]: int(total) for account_id, total in cursor.fetchall()}
    return {key: sign_of(key.kind) * found.get(key, 0) for key in keys}


def accounts_with_balances(
    accounts: Sequence[Account],
) -> list[AccountBalance]:
    """These accounts with what is on them, in their order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT account_id, sum(balance_minor)::bigint, sum(entries)::bigint FROM ledger_balance"
            " WHERE account_id = ANY(%s) GROUP BY account_id",
            [[account.id for account in accounts]],
        )
        found = {account_id: (int(total), int(entries)) for account_id, total, entries in cursor.fetchall()}
    return [
        AccountBalance(
            account,
            sign_of(account.kind) * found.get(account.id, (0, 0))[0],
            found.get(account.id, (0, 0))[1],
        )
        for account in accounts
    ]


# The balance above a page is that of the newest checkpoint at or below it, and what came between.
_PAGE = """
WITH page AS MATERIALIZED (
  SELECT p.id, p.created_at, p.transaction_id, p.amount_minor FROM ledger_posting p
  WHERE p.account_id = %(account)s AND p.id < %(before)s AND p.id >= %(first)s
  ORDER BY p.id DESC LIMIT %(limit)s
), top AS (SELECT max(id) AS id FROM page),
closed AS (
  -- a row at any rate: past row-level security a COALESCE in the condition below would keep it from the index
  SELECT coalesce(k.posting_id, 0) AS posting_id, coalesce(k.balance_minor, 0) AS balance_minor
  FROM top LEFT JOIN LATERAL (
    SELECT k.posting_id, k.balance_minor FROM ledger_checkpoint k
    WHERE k.account_id = %(account)s AND k.posting_id <= top.id ORDER BY k.posting_id DESC LIMIT 1) k ON true
), above AS (
  SELECT (SELECT balance_minor FROM closed) + coalesce((
    SELECT sum(p.amount_minor) FROM ledger_posting p WHERE p.account_id = %(account)s
      AND p.id > (SELECT posting_id FROM closed) AND p.id <= (SELECT id FROM top)), 0) AS balance
)
SELECT page.id, page.created_at, t.kind, t.description, t.source_type, t.source_id, t.id, page.amount_minor,
  ((SELECT balance FROM above) - coalesce(sum(page.amount_minor) OVER (
    ORDER BY page.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0))::bigint
FROM page JOIN ledger_transaction t ON t.id = page.transaction_id ORDER BY page.id DESC
"""


def statement_page(
    account: Account,
    *,
    before: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 50,
) -> tuple[list[StatementLine], int | None]:
    """One page of an account's statement, newest first, and what to give as `before` for the next (or None).

    Its cost depends neither on the account's size nor on the page's depth. `since` and `until` (inclusive)
    bound the time.
    """
    first, last = _bounds(account, since, until)
    lines = _lines(account, before=min(before or MAX_BIGINT, last), first=first, limit=limit + 1)
    more = len(lines) > limit
    lines = lines[:limit]
    return lines, lines[-1].id if more else None


def statement_lines(
    account: Account, *, since: datetime | None = None, until: datetime | None = None
) -> Iterator[StatementLine]:
    """An account's whole statement, newest first, read in chunks. Needs its context to the end."""
    first, before = _bounds(account, since, until)
    while lines := _lines(account, before=before, first=first, limit=_CHUNK):
        yield from lines
        before = lines[-1].id


def _lines(account: Account, **bounds: int) -> list[StatementLine]:
    sign = sign_of(account.kind)
    with connection.cursor() as cursor:
        cursor.execute(_PAGE, {"account": account.id, **bounds})
        return [StatementLine._make((*row[:7], sign * row[7], sign * row[8])) for row in cursor.fetchall()]


def _bounds(account: Account, since: datetime | None, until: datetime | None) -> tuple[int, int]:
    """Times as ids of postings: the first that counts, and the first that does not any more."""
    first, last = 0, MAX_BIGINT
    with connection.cursor() as cursor:
        if since:
            cursor.execute(
                "SELECT min(id) FROM ledger_posting WHERE account_id = %s AND created_at >= %s",
                [account.id, since],
            )
            first = cursor.fetchone()[0] or MAX_BIGINT
        if until:
            cursor.execute(
                "SELECT max(id) FROM ledger_posting WHERE account_id = %s AND created_at <= %s",
                [account.id, until],
            )
            last = (cursor.fetchone()[0] or 0) + 1
    return first, last


def reconciliations_latest() -> list[Reconciliation]:
    """The newest reconciliation of each organization and environment in reach."""
    rows = Reconciliation.objects.select_related("organization").order_by(
        "organization_id", "environment", "-created_at"
    )
    return list(rows.distinct("organization_id", "environment"))


def differences_open() -> Sequence[Mapping[str, Any]]:
    """What the newest reconciliations in reach found wrong; empty when the books agree."""
    return [
        {"organization": row.organization, "environment": row.environment, "at": row.created_at, **difference}
        for row in reconciliations_latest()
        for difference in row.differences
    ]
