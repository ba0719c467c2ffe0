"""A large account, written by the superuser."""

import psycopg

# Past every trigger and constraint: the rows are known to balance, and judging each would take minutes. Ids
# are of the kind that the product makes, in the order of time.
_FILL = """
WITH made AS (
  INSERT INTO ledger_transaction (id, organization_id, environment, created_at, updated_at, kind,
    idempotency_key, source_type, description)
  SELECT uuidv7(), %(organization)s, 'sandbox', now(), now(), 'conversion', %(lot)s || '-' || n, '',
    'Filled' FROM generate_series(1, %(count)s) n RETURNING id
)
INSERT INTO ledger_posting
  (organization_id, environment, transaction_id, account_id, amount_minor, created_at)
SELECT %(organization)s, 'sandbox', made.id, side.account, side.amount, now()
FROM made, (VALUES (%(receivable)s::uuid, 1000), (%(revenue)s::uuid, -1000)) AS side (account, amount)
"""
_BALANCES = """
INSERT INTO ledger_balance AS held (account_id, slot, organization_id, environment, balance_minor, entries)
SELECT p.account_id, 0, p.organization_id, p.environment, sum(p.amount_minor), count(*)
FROM ledger_posting p WHERE p.organization_id = %(organization)s
GROUP BY p.account_id, p.organization_id, p.environment
"""


def account_fill(
    superuser: psycopg.Connection, organization_id: str, accounts: dict[str, str], entries: int
) -> None:
    """Bring the accounts of a first transaction to so many entries, with the balances that triggers keep."""
    given = {
        "organization": organization_id,
        "lot": "filled",
        "count": entries - 1,
        "receivable": accounts["network_receivable"],
        "revenue": accounts["platform_revenue"],
    }
    superuser.execute("SET session_replication_role = replica")
    superuser.execute(_FILL, given)
    superuser.execute("DELETE FROM ledger_balance WHERE organization_id = %(organization)s", given)
    superuser.execute(_BALANCES, given)
    superuser.execute("SET session_replication_role = origin")
    superuser.execute("VACUUM ANALYZE ledger_transaction, ledger_posting, ledger_balance")
