"""The tenant and operator database contexts that row-level security reads.

Every tenant table's policy (config/row_security.py) compares its rows with three settings that live for
one transaction. Without a context the application role sees zero rows.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple
from uuid import UUID

import structlog
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection, models, transaction

log = structlog.get_logger(__name__)

ANY_ENVIRONMENT = "any"


class Environment(models.TextChoices):
    """Which of an organization's two worlds a row belongs to; they never meet."""

    SANDBOX = "sandbox", "Sandbox"
    PRODUCTION = "production", "Production"


class _Context(NamedTuple):
    organization_id: str
    environment: str
    operator: str


_NONE = _Context("", "", "")
_SET = (
    "SELECT set_config('hub.organization_id', %s, true), set_config('hub.environment', %s, true),"
    " set_config('hub.operator', %s, true)"
)


@contextmanager
def _context(context: _Context) -> Iterator[None]:
    nested = connection.in_atomic_block
    outer: _Context = getattr(connection, "hub_context", _NONE) if nested else _NONE
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_SET, context)
        connection.hub_context = context  # type: ignore[attr-defined]
        try:
            yield
        except BaseException:
            connection.hub_context = outer  # type: ignore[attr-defined]
            raise  # the rollback to the savepoint restores the settings
        connection.hub_context = outer  # type: ignore[attr-defined]
        if nested and not connection.needs_rollback:
            with connection.cursor() as cursor:  # a released savepoint would keep ours
                cursor.execute(_SET, outer)


def tenant(organization_id: UUID | str, environment: str = ANY_ENVIRONMENT):
    """Open one transaction that sees one organization's rows of one environment.

    `environment` is 'sandbox', 'production' or ANY_ENVIRONMENT (an owner's dashboard shows both).
    Nested, it is a savepoint, and the outer context returns at its end.
    """
    return _context(_Context(str(organization_id), environment, ""))


def operator():
    """Open one transaction that sees every organization's rows: operators' pages, sweeps, key look-up."""
    return _context(_Context("", "", "on"))


class UnconfinedRoleError(ImproperlyConfigured):
    """The database login could bypass row-level security, so nothing may be served with it."""


def unconfined_reasons() -> list[str]:
    """Why the present database login would not be held by the policies; empty when it is.

    Raises django.db.OperationalError when the database does not answer.
    """
    reasons = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        role, superuser, bypass = cursor.fetchone()
        if superuser:
            reasons.append(f"role {role} is a superuser")
        if bypass:
            reasons.append(f"role {role} has BYPASSRLS")
        cursor.execute(
            "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity,"
            " pg_has_role(c.relowner, 'MEMBER') FROM pg_class c"
            " WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace"
            " AND NOT c.relispartition AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid"
            " AND a.attname = 'organization_id' AND NOT a.attisdropped)"
        )
        for table, forced, owned in cursor.fetchall():
            if not forced:
                reasons.append(f"table {table} does not force row-level security")
            if owned:
                reasons.append(f"role {role} owns table {table}")
    return reasons


def refuse_unconfined_role() -> None:
    """Raise UnconfinedRoleError when the login could see across tenants; called at every start.

    A database that does not answer yet is no reason to die: /readyz asks again.
    """
    try:
        reasons = unconfined_reasons()
    except OperationalError as error:
        log.warning("database_unreachable_at_start", error=str(error))
        return
    finally:
        connection.close()
    if reasons:
        raise UnconfinedRoleError(
            "The database login of web and workers must be held by row-level security: " + "; ".join(reasons)
        )
