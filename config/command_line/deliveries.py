"""`hub deliveries`: webhook deliveries followed, looked at and sent again."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from config import tenancy
from config.command_line.following import tail
from config.command_line.names import client_named, delivery_named, organization_named, shell_actor
from config.command_line.options import AsJson, Follow, InEnvironment, InOrganization, Limit
from config.command_line.output import print_facts, print_json, print_table
from webhooks.models import Delivery
from webhooks.selectors import attempts_of
from webhooks.serializers import DeliveryDetail, DeliveryOut
from webhooks.services.deliveries import delivery_resend

app = typer.Typer(help="Deliveries of webhooks.", no_args_is_help=True)
_DELIVERY = typer.Argument(metavar="DELIVERY", help="Its id.")
_COLUMNS = ("createdAt", "id", "eventType", "status", "responseCode", "attemptCount", "url", "lastError")
_AT_ONCE = 500


@app.command("tail")
def tail_(
    follow: Follow = False,
    status: Annotated[
        str | None, typer.Option(help="pending, retrying, delivered, failed or canceled")
    ] = None,
    event: Annotated[str | None, typer.Option(help="An event type, such as lead.created.")] = None,
    client: Annotated[str | None, typer.Option(help="A client's id or name.")] = None,
    organization: InOrganization = None,
    environment: InEnvironment = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """Print the newest deliveries; with --follow also those that come, and each as it moves on."""
    if status and status.upper() not in Delivery.Status:
        raise typer.BadParameter(f"choose one of: {', '.join(Delivery.Status.values)}", param_hint="--status")
    with tenancy.operator():
        rows = Delivery.objects.order_by("-created_at", "-id")
        if client or organization:
            rows = _of(rows, client, organization, environment.value if environment else None)
        if environment:
            rows = rows.filter(environment=environment.value)
        if event:
            rows = rows.filter(event_type=event)
        if status:
            rows = rows.filter(status=status.upper())
    # what is older than those printed is not news
    known: set[Any] = set()

    def read() -> Iterator[tuple[Any, dict[str, Any]]]:
        with tenancy.operator():
            found = list(rows[: _AT_ONCE if follow else limit])
        if not known:
            known.update(map(_identity, found[limit:]))
        for row in reversed(found):
            if _identity(row) not in known:
                yield _identity(row), _shown(row)

    tail(read, columns=_COLUMNS, follow=follow, as_json=as_json, empty="There is no such delivery.")


@app.command("show")
def show(delivery: Annotated[str, _DELIVERY], as_json: AsJson = False) -> None:
    """Show one delivery and its attempts, the newest first."""
    with tenancy.operator():
        found: Any = delivery_named(delivery)
        found.attempts = list(attempts_of(found))
        shown = {**DeliveryDetail(found).data, "url": found.url}
    if as_json:
        print_json(shown)
        return
    names = ("id", "eventType", "webhookId", "url", "status", "attemptCount", "responseCode", "lastError")
    print_facts({name: shown[name] for name in (*names, "scheduledFor", "deliveredAt", "createdAt")})
    print_table(
        ("attempt", "at", "status", "ms", "error"),
        (
            (
                str(attempt.attempt_number),
                attempt.created_at,
                attempt.http_status,
                f"{attempt.latency_ms:.0f}",
                attempt.error_message or attempt.error_code,
            )
            for attempt in found.attempts
        ),
        empty="It was not tried yet.",
    )


@app.command("resend")
def resend(
    deliveries: Annotated[list[str], typer.Argument(metavar="DELIVERY...", help="Their ids.")],
    as_json: AsJson = False,
) -> None:
    """Send deliveries again now, with the same webhook id and body; none where one is unknown."""
    with tenancy.operator():
        found = [delivery_named(one) for one in deliveries]
        sent = [delivery_resend(delivery_id=one.id, actor=shell_actor()) for one in found]
        shown = [_shown(one) for one in sent]
    if as_json:
        print_json({"data": shown})
        return
    print_table(
        ("id", "eventType", "status", "url"),
        ((row["id"], row["eventType"], row["status"], row["url"]) for row in shown),
        empty="",
    )


def _of(rows: Any, client: str | None, organization: str | None, environment: str | None) -> Any:
    if client:
        return rows.filter(client=client_named(client, organization=organization, environment=environment))
    return rows.filter(organization=organization_named(organization))


def _identity(row: Delivery) -> tuple[Any, ...]:
    return row.id, row.status, row.attempt_count


def _shown(row: Delivery) -> dict[str, Any]:
    return {**DeliveryOut(row).data, "url": row.url}
