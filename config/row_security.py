"""Migration operations that put the tenancy rules into PostgreSQL (docs/architecture.md, Tenancy).

A tenant table gets row-level security, forced, with one policy; and a unique
(organization_id[, environment], id) that other tenant tables' composite foreign keys refer to, because
PostgreSQL checks foreign keys past the policies.
"""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db.migrations.operations import RunSQL

# The sub-select is evaluated once a query, not once a row; NULLIF because an ended SET LOCAL leaves ''.
_ORGANIZATION = "(SELECT NULLIF(current_setting('hub.organization_id', true), ''))::uuid"
_ENVIRONMENT = "(SELECT current_setting('hub.environment', true))"
_OPERATOR = "(SELECT current_setting('hub.operator', true)) = 'on'"


class TenantTable(RunSQL):
    """Enable and force row-level security on `table`, and make (organization_id, environment, id) referable.

    `environment=False` for rows of an organization as a whole; `organization_column` for the table of
    organizations itself; `key=False` for partitioned logs, which nothing refers to.
    """

    def __init__(
        self,
        table: str,
        *,
        environment: bool = True,
        organization_column: str = "organization_id",
        key: bool = True,
    ) -> None:
        mine = f"{organization_column} = {_ORGANIZATION}"
        if environment:
            mine += f" AND (environment = {_ENVIRONMENT} OR {_ENVIRONMENT} = 'any')"
        columns = "organization_id, environment, id" if environment else "organization_id, id"
        sql: list[Any] = [
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY tenant ON {table} USING ({_OPERATOR} OR ({mine}))",
        ]
        if key and organization_column == "organization_id":
            sql.append(f"ALTER TABLE {table} ADD CONSTRAINT {table}_tenant_key UNIQUE ({columns})")
        super().__init__(sql, reverse_sql=RunSQL.noop)
        self.table = table

    def describe(self) -> str:
        return f"Force row-level security on {self.table}"


class TenantForeignKey(RunSQL):
    """A foreign key that carries the tenant: a row can only refer to a row of its own organization.

    `environment=False` where the target belongs to the organization as a whole. Declare the Django
    field with `db_constraint=False`: this is its constraint.
    """

    def __init__(
        self,
        table: str,
        column: str,
        target: str,
        *,
        environment: bool = True,
        on_delete: str = "NO ACTION",
    ) -> None:
        shared = "organization_id, environment" if environment else "organization_id"
        name = f"{table}_{column}_tenant_fk"
        super().__init__(
            f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({shared}, {column})"
            f" REFERENCES {target} ({shared}, id) ON DELETE {on_delete} DEFERRABLE INITIALLY DEFERRED",
            reverse_sql=f"ALTER TABLE {table} DROP CONSTRAINT {name}",
        )


class AppendOnly(RunSQL):
    """Take UPDATE, DELETE and TRUNCATE on `tables` from the application role."""

    def __init__(self, *tables: str) -> None:
        super().__init__(revoke(tables, "UPDATE, DELETE, TRUNCATE"), reverse_sql=RunSQL.noop)


def revoke(tables: Sequence[str], privileges: str) -> str:
    """The statement that takes `privileges` on `tables` from the application role."""
    role = settings.DATABASES["default"]["USER"]
    return f'REVOKE {privileges} ON {", ".join(tables)} FROM "{role}"'
