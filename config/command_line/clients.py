"""`hub clients`: API clients made, listed, looked at, suspended and resumed."""

from typing import Annotated, Any

import typer

from config import tenancy
from config.command_line.names import client_named, organization_named, shell_actor
from config.command_line.options import (
    AsJson,
    EnvironmentName,
    InEnvironment,
    InOrganization,
    Limit,
    Sure,
    TierName,
    confirmed,
)
from config.command_line.output import print_facts, print_json, print_secret, print_table
from credentials.client_parts import WEBHOOK_SUBSCRIPTIONS, client_part_rows
from credentials.selectors.clients import clients_matching, clients_with_keys
from credentials.serializers.clients import ClientIn, ClientOut
from credentials.services.clients import client_create
from credentials.services.suspension import client_change_status
from partners.models import ApiClient
from partners.services.clients import webhook_secret_of

app = typer.Typer(help="API clients: the partners of an organization.", no_args_is_help=True)
_NAME = typer.Argument(metavar="CLIENT", help="Its id, or its name.")


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What the partner is called.")],
    email: Annotated[str, typer.Option(help="Whom to write to.")],
    redirect_uri: Annotated[list[str], typer.Option(help="Where OAuth may send people back to; repeat it.")],
    organization: InOrganization = None,
    environment: Annotated[EnvironmentName, typer.Option("--environment", "-e")] = EnvironmentName.SANDBOX,
    scope: Annotated[list[str] | None, typer.Option(help="What its keys may hold; repeat it.")] = None,
    tier: Annotated[TierName, typer.Option(help="Its rate limits.")] = TierName.STANDARD,
    description: Annotated[str, typer.Option()] = "",
    website: Annotated[str, typer.Option()] = "",
    webhook_url: Annotated[str, typer.Option(help="Where callbacks go that name no address.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make an API client; its webhook secret is shown."""
    given = ClientIn(
        data={
            "name": name,
            "contactEmail": email,
            "redirectUris": redirect_uri,
            "environment": environment.value,
            "scopes": scope or [],
            "rateLimitTier": tier.value,
            "description": description,
            "website": website,
            "webhookUrl": webhook_url,
        }
    )
    given.is_valid(raise_exception=True)
    with tenancy.operator():
        client = client_create(
            organization_id=organization_named(organization).id, actor=shell_actor(), **given.validated_data
        )
        shown = _shown([client], secret=webhook_secret_of(client))[0]
    if as_json:
        print_json(shown)
        return
    _print_client(shown)
    print_secret(
        "Webhook secret", shown["webhookSecret"], "It signs the client's callbacks: hand it on in private."
    )


@app.command("list")
def list_(
    organization: InOrganization = None,
    environment: InEnvironment = None,
    status: Annotated[str | None, typer.Option(help="active or suspended")] = None,
    search: Annotated[str | None, typer.Option(help="In name, description and address.")] = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List API clients, the newest first."""
    if status and status.upper() not in ApiClient.Status:
        raise typer.BadParameter("choose active or suspended", param_hint="--status")
    with tenancy.operator():
        rows: Any = clients_with_keys().select_related("organization").order_by("-created_at", "-id")
        if organization:
            rows = rows.filter(organization=organization_named(organization))
        if environment:
            rows = rows.filter(environment=environment.value)
        if status:
            rows = rows.filter(status=status.upper())
        if search:
            rows = rows.filter(clients_matching(search))
        found = list(rows[:limit])
        shown = _shown(found)
    if as_json:
        print_json({"data": shown})
        return
    print_table(
        ("id", "name", "organization", "environment", "status", "tier", "keys", "created"),
        (
            (
                client.id,
                client.name,
                client.organization.slug,
                client.environment,
                client.status,
                client.rate_limit_tier,
                str(len(client.newest_keys)),
                client.created_at,
            )
            for client in found
        ),
        empty="There is no such client.",
    )


@app.command("show")
def show(
    client: Annotated[str, _NAME],
    organization: InOrganization = None,
    environment: InEnvironment = None,
    as_json: AsJson = False,
) -> None:
    """Show one client with its keys and webhook subscriptions."""
    with tenancy.operator():
        found = client_named(client, organization=organization, environment=environment)
        shown = _shown([found])[0]
    if as_json:
        print_json(shown)
        return
    _print_client(shown)
    print_table(
        ("key", "name", "status", "scopes", "last used"),
        (
            (key["keyId"], key["name"], key["status"], key["scopes"], key["lastUsedAt"])
            for key in shown["apiKeys"]
        ),
        empty="It has no key.",
    )
    print_table(
        ("webhook", "status", "events"),
        ((hook["url"], hook["status"], hook["events"]) for hook in shown["webhookSubscriptions"]),
        empty="It has no webhook subscription.",
    )


@app.command("suspend")
def suspend(
    client: Annotated[str, _NAME],
    organization: InOrganization = None,
    environment: InEnvironment = None,
    yes: Sure = False,
    as_json: AsJson = False,
) -> None:
    """Stop all keys of a client, in every process at once."""
    confirmed(f"Stop all keys of {client}?", sure=yes)
    _change_status(client, organization, environment, ApiClient.Status.SUSPENDED, as_json)


@app.command("resume")
def resume(
    client: Annotated[str, _NAME],
    organization: InOrganization = None,
    environment: InEnvironment = None,
    as_json: AsJson = False,
) -> None:
    """Start the keys of a suspended client again."""
    _change_status(client, organization, environment, ApiClient.Status.ACTIVE, as_json)


def _change_status(
    named: str, organization: str | None, environment: EnvironmentName | None, status: str, as_json: bool
) -> None:
    with tenancy.operator():
        client = client_named(named, organization=organization, environment=environment)
        changed = client_change_status(client_id=client.id, status=status, actor=shell_actor())
        shown = _shown([changed])[0]
    if as_json:
        print_json(shown)
        return
    print_table(("id", "name", "status"), [(changed.id, changed.name, changed.status)], empty="")


def _shown(clients: list[ApiClient], *, secret: str | None = None) -> list[dict[str, Any]]:
    """Clients in the API's form; the webhook secret where it is given."""
    ids = [client.id for client in clients]
    rows = {client.id: client for client in clients_with_keys().filter(id__in=ids)}
    context = {"secret": secret, "subscriptions": client_part_rows(WEBHOOK_SUBSCRIPTIONS, ids)}
    return [dict(ClientOut(rows[one], context=context).data) for one in ids]


def _print_client(shown: dict[str, Any]) -> None:
    names = ("id", "name", "status", "environment", "rateLimitTier", "scopes", "contactEmail")
    print_facts({name: shown[name] for name in (*names, "redirectUris", "webhookUrl", "createdAt")})
