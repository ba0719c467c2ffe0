"""The two database roles: the owner migrates, the application serves under row-level security."""

import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from config.embedded.state import SetUpError

EXTENSIONS = ("btree_gist", "pg_trgm")
OLDEST = 150_000
# Under row-level security an index serves ILIKE only if ILIKE may run before the policies. It says nothing of
# what it compares (its one error is about the pattern), but only a superuser may declare that. Where the
# administrator is none, searches read the tenant's rows.
_SEARCHES_BY_INDEX = "ALTER FUNCTION pg_catalog.texticlike(text, text) LEAKPROOF"


@dataclass(frozen=True)
class Logins:
    """The addresses of the application role and of the owner."""

    application: str
    owner: str


def may_administer(url: str) -> bool:
    """Whether this login may create roles and databases. Raises SetUpError when it cannot connect."""
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            if connection.info.server_version < OLDEST:
                raise SetUpError("PostgreSQL 15 or later is needed.")
            row = connection.execute(
                "SELECT rolsuper OR (rolcreaterole AND rolcreatedb) FROM pg_roles"
                " WHERE rolname = current_user"
            ).fetchone()
    except psycopg.OperationalError as error:
        raise SetUpError(f"DATABASE_URL does not answer: {str(error).strip().splitlines()[0]}") from error
    return bool(row and row[0])


def provision(
    admin_url: str, *, database: str, prefix: str = "", password_file: Path | None = None
) -> Logins:
    """Create the roles `<prefix>_owner` and `<prefix>_app`, the database and its grants; repeatable.

    With a `password_file` the roles get passwords kept there (mode 0600); without one the server must
    trust local connections.
    """
    prefix = prefix or database
    owner, application = f"{prefix}_owner", f"{prefix}_app"
    passwords = _passwords(password_file, (owner, application)) if password_file else {}
    with psycopg.connect(admin_url, autocommit=True) as admin:
        for role in (owner, application):
            _role(admin, role, passwords.get(role))
        # an administrator that is no superuser can only give away what it belongs to
        admin.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(owner)))
        database_create(admin, database, owner=owner)
    with psycopg.connect(_with(admin_url, database=database), autocommit=True) as admin:
        for extension in EXTENSIONS:
            admin.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension)))
        superuser = admin.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
        if superuser and superuser[0]:
            admin.execute(_SEARCHES_BY_INDEX)
        for statement in (
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
            "GRANT USAGE, CREATE ON SCHEMA public TO {owner}",
            "GRANT USAGE ON SCHEMA public TO {application}",
            "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public"
            " GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {application}",
            "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public"
            " GRANT USAGE, SELECT ON SEQUENCES TO {application}",
        ):
            names = {"owner": sql.Identifier(owner), "application": sql.Identifier(application)}
            admin.execute(sql.SQL(statement).format(**names))
    return logins(admin_url, database=database, prefix=prefix, password_file=password_file)


def logins(admin_url: str, *, database: str, prefix: str = "", password_file: Path | None = None) -> Logins:
    """The addresses of roles that `provision` has made."""
    prefix = prefix or database
    owner, application = f"{prefix}_owner", f"{prefix}_app"
    passwords = _passwords(password_file, (owner, application)) if password_file else {}
    return Logins(
        _with(admin_url, database=database, user=application, password=passwords.get(application)),
        _with(admin_url, database=database, user=owner, password=passwords.get(owner)),
    )


def database_create(admin: psycopg.Connection, name: str, *, owner: str, template: str | None = None) -> None:
    """Create a database unless it exists, also as a copy of another."""
    if admin.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
        statement = sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(owner))
        if template:
            statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        admin.execute(statement)


def database_of(url: str) -> str:
    """The database that an address names."""
    name = urlsplit(url).path.lstrip("/")
    if not re.fullmatch(r"[A-Za-z0-9_\-]{1,50}", name):
        raise SetUpError("DATABASE_URL must name a database: postgres://user:password@host/hub")
    return name


def _role(admin: psycopg.Connection, role: str, password: str | None) -> None:
    name = sql.Identifier(role)
    if admin.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchone() is None:
        admin.execute(
            sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS").format(name)
        )
    if password:
        admin.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(name, sql.Literal(password)))


def _passwords(file: Path, roles: tuple[str, ...]) -> dict[str, str]:
    if file.exists():
        known = dict(line.split("=", 1) for line in file.read_text().splitlines() if "=" in line)
    else:
        known = {}
    missing = {role: secrets.token_urlsafe(24) for role in roles if role not in known}
    if missing:
        known |= missing
        file.touch(mode=0o600)
        file.chmod(0o600)
        file.write_text("".join(f"{role}={password}\n" for role, password in known.items()))
    return known


def _with(url: str, *, database: str, user: str | None = None, password: str | None = None) -> str:
    parts = urlsplit(url)
    location = parts.netloc
    if user:
        host = parts.netloc.rpartition("@")[2]
        login = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
        location = f"{login}@{host}"
    return urlunsplit((parts.scheme, location, f"/{database}", parts.query, ""))
