"""What rewards say is owed, against what the ledger says."""

from collections.abc import Iterator
from uuid import UUID

from django.db import connection

from ledger.services.upkeep import Difference

# What is owed is what is queued or failed and in no payout that is approved; what is on its way is the net of
# payouts that are approved and not settled.
_PAYABLE = """
WITH owed AS (
  SELECT r.client_id, r.user_id, r.currency, sum(r.amount_minor) AS total FROM rewards_reward r
  LEFT JOIN rewards_payoutitem i ON i.id = r.item_id
  WHERE r.organization_id = %(organization)s AND r.environment = %(environment)s
    AND r.status IN ('queued', 'failed') AND (i.id IS NULL OR i.status = 'draft')
  GROUP BY r.client_id, r.user_id, r.currency
), booked AS (
  SELECT a.client_id, a.user_id, a.currency, -sum(b.balance_minor) AS total
  FROM ledger_balance b JOIN ledger_account a ON a.id = b.account_id
  WHERE a.organization_id = %(organization)s AND a.environment = %(environment)s
    AND a.kind IN ('user_payable', 'partner_payable')
  GROUP BY a.client_id, a.user_id, a.currency
)
SELECT client_id::text || '/' || user_id || ' ' || currency, coalesce(owed.total, 0)::bigint,
  coalesce(booked.total, 0)::bigint
FROM owed FULL JOIN booked USING (client_id, user_id, currency)
WHERE coalesce(owed.total, 0) <> coalesce(booked.total, 0) LIMIT 100
"""
_CLEARING = """
WITH open AS (
  SELECT currency, sum(net_minor) AS total FROM rewards_payoutitem
  WHERE organization_id = %(organization)s AND environment = %(environment)s
    AND status IN ('queued', 'sending', 'sent')
  GROUP BY currency
), booked AS (
  SELECT a.currency, -sum(b.balance_minor) AS total
  FROM ledger_balance b JOIN ledger_account a ON a.id = b.account_id
  WHERE a.organization_id = %(organization)s AND a.environment = %(environment)s
    AND a.kind = 'payout_clearing'
  GROUP BY a.currency
)
SELECT currency, coalesce(open.total, 0)::bigint, coalesce(booked.total, 0)::bigint
FROM open FULL JOIN booked USING (currency) WHERE coalesce(open.total, 0) <> coalesce(booked.total, 0)
"""
_CHECKS = {"rewards_differ": _PAYABLE, "payouts_differ": _CLEARING}


def rewards_check(organization_id: UUID, environment: str) -> Iterator[Difference]:
    """Where rewards and payouts do not say what the ledger says. In the caller's context and moment."""
    with connection.cursor() as cursor:
        for name, sql in _CHECKS.items():
            cursor.execute(sql, {"organization": organization_id, "environment": environment})
            for subject, expected, found in cursor.fetchall():
                yield {"check": name, "subject": subject, "expected": expected, "found": found}
