"""Reads of partner requests: how many, how late, how long."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

_FIGURES = """
SELECT type,
       count(*) FILTER (WHERE status IN ('SUBMITTED', 'PROCESSING')) AS open,
       count(*) FILTER (WHERE status = 'COMPLETED') AS completed,
       count(*) FILTER (WHERE status = 'FAILED') AS failed,
       count(*) FILTER (WHERE sla_breached_at IS NOT NULL OR settled_at > due_at) AS late,
       count(*) FILTER (WHERE settled_at <= due_at) AS in_time,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM settled_at - created_at)) AS p50_s,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM settled_at - created_at)) AS p95_s
FROM partner_requests_partnerrequest
WHERE created_at >= %(since)s AND (%(organization)s::uuid IS NULL OR organization_id = %(organization)s::uuid)
GROUP BY type ORDER BY type
"""


def request_figures(*, since: datetime, organization_id: UUID | None = None) -> list[dict[str, Any]]:
    """By type, of the requests submitted since then: how many are open, completed, failed, late and in time,
    and the median and 95th percentile of the seconds until they were settled (None without any).
    """
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES, {"since": since, "organization": organization_id})
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
