"""`hub keys`: keys issued, listed, rotated and revoked. A secret is shown once, when it is made."""

from datetime import timedelta
from typing import Annotated, Any

import typer
from django.utils import timezone

from config import tenancy
from config.command_line.names import client_named, key_named, shell_actor
from config.command_line.options import AsJson, InEnvironment, InOrganization, Limit, Sure, confirmed
from config.command_line.output import print_facts, print_json, print_secret, print_table
from credentials.models import ApiKey
from credentials.serializers.clients import KEY_STATES, ClientKeyIn, ClientKeyOut
from credentials.services.client_keys import client_key_issue
from credentials.services.keys import IssuedKey, key_change_status, key_rotate

app = typer.Typer(help="Keys of API clients.", no_args_is_help=True)
_CLIENT = typer.Argument(metavar="CLIENT", help="Its id, or its name.")
_KEY = typer.Argument(metavar="KEY", help="Its key id (pk_…), without the secret.")
_ONCE = "It is shown this once: keep it now, in a secret store and never under version control."


@app.command("issue")
def issue(
    client: Annotated[str, _CLIENT],
    name: Annotated[str, typer.Option(help="What the key is for.")],
    organization: InOrganization = None,
    environment: InEnvironment = None,
    scope: Annotated[list[str] | None, typer.Option(help="Of the client's scopes; left out: all.")] = None,
    expires_in_days: Annotated[int | None, typer.Option(min=1, max=3650, help="Left out: never.")] = None,
    requests_per_minute: Annotated[int | None, typer.Option(min=1, help="Instead of the tier's.")] = None,
    daily_quota: Annotated[int | None, typer.Option(min=1)] = None,
    burst: Annotated[int | None, typer.Option(min=1)] = None,
    as_json: AsJson = False,
) -> None:
    """Issue a key to a client and show it once."""
    numbers = {"requestsPerMinute": requests_per_minute, "dailyQuota": daily_quota, "burst": burst}
    limits = {limit: number for limit, number in numbers.items() if number is not None}
    ends = timezone.now() + timedelta(days=expires_in_days) if expires_in_days else None
    with tenancy.operator():
        owner = client_named(client, organization=organization, environment=environment)
        given = ClientKeyIn(
            data={
                "clientId": str(owner.id),
                "name": name,
                "scopes": scope,
                "expiresAt": ends and ends.isoformat(),
                "rateLimitOverride": limits or None,
            }
        )
        given.is_valid(raise_exception=True)
        issued = client_key_issue(**given.validated_data, actor=shell_actor())
        shown = ClientKeyOut(issued.key).data
    _print_issued(issued, shown, as_json)


@app.command("list")
def list_(
    client: Annotated[str, _CLIENT],
    organization: InOrganization = None,
    environment: InEnvironment = None,
    status: Annotated[str | None, typer.Option(help="active, suspended, revoked or expired")] = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List the keys of a client, the newest first."""
    if status and status.upper() not in KEY_STATES:
        raise typer.BadParameter("choose active, suspended, revoked or expired", param_hint="--status")
    with tenancy.operator():
        owner = client_named(client, organization=organization, environment=environment)
        rows = ApiKey.objects.filter(client=owner).order_by("-created_at", "-id")
        if status:
            rows = rows.in_state(status.lower())
        shown = ClientKeyOut(rows[:limit], many=True).data
    if as_json:
        print_json({"data": shown})
        return
    names = ("keyId", "name", "status", "scopes", "expiresAt", "lastUsedAt", "createdAt")
    print_table(names, ([key[name] for name in names] for key in shown), empty="It has no such key.")


@app.command("rotate")
def rotate(
    key: Annotated[str, _KEY],
    grace_seconds: Annotated[
        int, typer.Option(min=0, max=604_800, help="How long the old secret is good too; 0: no longer.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Give a key a new secret and show it once."""
    with tenancy.operator():
        issued = key_rotate(key_id=key_named(key).id, actor=shell_actor(), grace_s=grace_seconds)
        shown = ClientKeyOut(issued.key).data
    _print_issued(issued, shown, as_json)


@app.command("revoke")
def revoke(key: Annotated[str, _KEY], yes: Sure = False, as_json: AsJson = False) -> None:
    """Revoke a key for good, in every process at once."""
    confirmed(f"Revoke {key} for good?", sure=yes)
    with tenancy.operator():
        revoked = key_change_status(
            key_id=key_named(key).id, status=ApiKey.Status.REVOKED, actor=shell_actor()
        )
        shown = ClientKeyOut(revoked).data
    if as_json:
        print_json(shown)
        return
    print_table(("key", "name", "status"), [(shown["keyId"], shown["name"], shown["status"])], empty="")


def _print_issued(issued: IssuedKey, shown: Any, as_json: bool) -> None:
    ends = issued.old_ends_at
    if as_json:
        print_json({**shown, "key": issued.raw, "oldSecretEndsAt": ends})
        return
    names = ("id", "keyId", "name", "status", "scopes", "expiresAt")
    facts = {name: shown[name] for name in names}
    print_facts(facts | ({"old secret ends": ends} if ends else {}))
    print_secret("API key", issued.raw, _ONCE)
