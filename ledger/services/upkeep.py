"""What runs on a schedule: checkpoints that keep statements quick, and recomputation of the books."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

import structlog
from django.db import OperationalError, connection, transaction

from config import tenancy
from ledger.models import Reconciliation

log = structlog.get_logger(__name__)

Difference = dict[str, Any]
# A check of the app above: the differences it finds in one organization and environment.
Check = Callable[[UUID, str], Iterable[Difference]]

CHECKPOINT_EVERY = 1000
# Whoever posts waits so long at most for a checkpoint that waits for whoever posts.
_PATIENCE = "500ms"
# So many are kept in a record; one is enough to look.
_KEPT = 100

_CHECKS = {
    # transactions that do not sum to zero, whoever made the triggers look away
    "transaction_unbalanced": """
SELECT p.transaction_id::text, 0::bigint, sum(p.amount_minor)::bigint FROM ledger_posting p
JOIN ledger_account a ON a.id = p.account_id
WHERE p.organization_id = %(organization)s AND p.environment = %(environment)s
GROUP BY p.transaction_id, a.currency HAVING sum(p.amount_minor) <> 0 LIMIT %(limit)s""",
    # balances that are not the sum of their postings
    "balance_differs": """
SELECT coalesce(p.account_id, b.account_id)::text, coalesce(p.total, 0)::bigint, coalesce(b.total, 0)::bigint
FROM (SELECT account_id, sum(amount_minor) AS total, count(*) AS n FROM ledger_posting
  WHERE organization_id = %(organization)s AND environment = %(environment)s GROUP BY account_id) p
FULL JOIN (SELECT account_id, sum(balance_minor) AS total, sum(entries) AS n FROM ledger_balance
  WHERE organization_id = %(organization)s AND environment = %(environment)s GROUP BY account_id) b
  USING (account_id)
WHERE (p.total, p.n) IS DISTINCT FROM (b.total, b.n) LIMIT %(limit)s""",
    # checkpoints that are not the sum of the postings since the one before
    "checkpoint_differs": """
SELECT k.account_id::text, (k.was + coalesce((SELECT sum(p.amount_minor) FROM ledger_posting p
    WHERE p.account_id = k.account_id AND p.id > k.since AND p.id <= k.posting_id), 0))::bigint,
  k.balance_minor
FROM (SELECT account_id, posting_id, balance_minor,
    coalesce(lag(posting_id) OVER w, 0) AS since, coalesce(lag(balance_minor) OVER w, 0) AS was
  FROM ledger_checkpoint WHERE organization_id = %(organization)s AND environment = %(environment)s
  WINDOW w AS (PARTITION BY account_id ORDER BY posting_id)) k
WHERE k.balance_minor <> k.was + coalesce((SELECT sum(p.amount_minor) FROM ledger_posting p
  WHERE p.account_id = k.account_id AND p.id > k.since AND p.id <= k.posting_id), 0) LIMIT %(limit)s""",
    # what is owed to payees or to us, on the wrong side
    "wrong_side": """
SELECT b.account_id::text, 0::bigint, sum(b.balance_minor)::bigint FROM ledger_balance b
JOIN ledger_account a ON a.id = b.account_id
WHERE b.organization_id = %(organization)s AND b.environment = %(environment)s
  AND a.kind IN ('user_payable', 'partner_payable', 'payee_debt')
GROUP BY b.account_id, a.kind
HAVING sum(b.balance_minor) * CASE a.kind WHEN 'payee_debt' THEN 1 ELSE -1 END < 0 LIMIT %(limit)s""",
}


def statements_checkpoint(*, every: int = CHECKPOINT_EVERY) -> int:
    """Close accounts' stretches of postings; answers how many. Two at once do the same work once.

    While somebody's posting takes long it gives up, for the next run.
    """
    try:
        with tenancy.operator(), connection.cursor() as cursor:
            cursor.execute("SELECT hub_ledger_checkpoint(%s, %s)", [every, _PATIENCE])
            return cursor.fetchone()[0]
    except OperationalError:
        log.info("ledger_checkpoint_postponed")
        return 0


def books_reconcile(*, checks: Sequence[Check] = ()) -> int:
    """Recompute the books of every organization and environment; answers how many differences there are.

    Each gets a Reconciliation, of one moment. `checks` are those of the app above. Differences are logged as
    errors, and stand in the dashboard until a later run finds none.
    """
    with tenancy.operator(), connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT organization_id, environment FROM ledger_account")
        worlds = cursor.fetchall()
    return sum(
        len(book_reconcile(organization_id=o, environment=e, checks=checks).differences) for o, e in worlds
    )


def book_reconcile(
    *, organization_id: UUID, environment: str, checks: Sequence[Check] = ()
) -> Reconciliation:
    """`books_reconcile` for one organization and environment."""
    began = time.monotonic()
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            # all checks see one moment
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        with tenancy.tenant(organization_id, environment):
            found = _differences(organization_id, environment)
            for check in checks:
                found += check(organization_id, environment)
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT count(DISTINCT account_id), coalesce(sum(entries), 0)::bigint FROM ledger_balance"
                    " WHERE organization_id = %s AND environment = %s",
                    [organization_id, environment],
                )
                accounts, postings = cursor.fetchone()
            made = Reconciliation.objects.create(
                organization_id=organization_id,
                environment=environment,
                accounts=accounts,
                postings=postings,
                differences=found[:_KEPT],
                duration_ms=round((time.monotonic() - began) * 1000),
            )
    if found:
        log.error(
            "ledger_differs",
            organization=str(organization_id),
            environment=environment,
            differences=len(found),
            first=found[0],
        )
    return made


def _differences(organization_id: UUID, environment: str) -> list[Difference]:
    found: list[Difference] = []
    given: dict[str, Any] = {"organization": organization_id, "environment": environment, "limit": _KEPT}
    with connection.cursor() as cursor:
        for name, sql in _CHECKS.items():
            cursor.execute(sql, given)
            found += [
                {"check": name, "subject": subject, "expected": expected, "found": actual}
                for subject, expected, actual in cursor.fetchall()
            ]
    return found
