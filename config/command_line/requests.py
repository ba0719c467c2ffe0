"""`hub requests`: the request log."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import typer
from django.utils import timezone

from config import tenancy
from config.command_line.following import tail
from config.command_line.names import key_named, organization_named
from config.command_line.options import AsJson, Follow, InEnvironment, InOrganization, Limit
from credentials.models import RequestLog
from credentials.selectors.requests import RequestSearch, request_search

app = typer.Typer(help="Requests of partners.", no_args_is_help=True)
_STATUS = re.compile(r"[1-5](?:[0-9]{2}|xx)")
_COLUMNS = ("createdAt", "status", "method", "path", "ms", "keyId", "error", "requestId")
# A row may reach the log this long after its request.
_LATE = timedelta(seconds=30)
_AT_ONCE = 1000


@app.command("tail")
def tail_(
    follow: Follow = False,
    status: Annotated[str | None, typer.Option(help="404, or a class of them: 4xx")] = None,
    key: Annotated[str | None, typer.Option(help="A key id (pk_…).")] = None,
    path: Annotated[str, typer.Option(help="The beginning of a path.")] = "",
    method: Annotated[str, typer.Option()] = "",
    organization: InOrganization = None,
    environment: InEnvironment = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """Print the newest requests, and with --follow those that come."""
    if status and not _STATUS.fullmatch(status):
        raise typer.BadParameter("a status such as 404, or a class such as 4xx", param_hint="--status")
    with tenancy.operator():
        narrowed: dict[str, Any] = {
            "organization_id": organization_named(organization).id if organization else None,
            "key": str(key_named(key).id) if key else "",
            "status": status[0] if status and status.endswith("xx") else status or "",
            "path": path,
            "method": method.upper(),
            "environment": environment.value if environment else "",
        }
    began: list[datetime] = []

    def read() -> Iterator[tuple[UUID, dict[str, Any]]]:
        since = max(began[0], timezone.now() - _LATE) if began else None
        at_most = _AT_ONCE if began else limit
        if not began:
            began.append(timezone.now() - _LATE)
        with tenancy.operator():
            found = request_search(RequestSearch(since=since, **narrowed), limit=at_most).rows
            if since is None and follow:
                # what is older than those printed is not news
                began[0] = max(began[0], found[-1].created_at) if len(found) == limit else began[0]
            yield from [(row.id, _shown(row)) for row in reversed(found)]

    tail(read, columns=_COLUMNS, follow=follow, as_json=as_json, empty="There is no such request.")


def _shown(row: RequestLog) -> dict[str, Any]:
    return {
        "id": row.id,
        "createdAt": row.created_at,
        "requestId": row.request_id,
        "keyId": row.key_id or None,
        "userId": row.user_id,
        "organizationId": row.organization_id,
        "environment": row.environment or None,
        "method": row.method,
        "path": row.path,
        "endpoint": row.endpoint,
        "status": row.response_status,
        "error": row.error_code or None,
        "ms": f"{row.response_time_ms:.1f}",
        "ip": row.ip,
    }
