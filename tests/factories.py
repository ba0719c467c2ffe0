"""Rows for tests. Each test gets organizations of its own; nothing is mocked."""

import secrets
from dataclasses import dataclass
from typing import Any

from config import tenancy
from config.tenancy import Environment
from credentials.scopes import PARTNER_SCOPES
from credentials.services.keys import IssuedKey, key_issue
from credentials.usage import NOBODY, Spool, caller_columns
from partners.models import Agent, ApiClient, Company, Organization, User
from partners.services.audit import Actor
from partners.services.clients import client_get_or_create
from partners.services.companies import agent_create, company_create
from partners.services.organizations import organization_create

ACTOR = Actor("tests")
SANDBOX = Environment.SANDBOX


def make_organization(**given: Any) -> Organization:
    unique = secrets.token_hex(6)
    return organization_create(**{"name": f"Organization {unique}", "slug": unique, "actor": ACTOR} | given)


def make_client(organization: Organization | None = None, **given: Any) -> ApiClient:
    organization = organization or make_organization()
    with tenancy.operator():
        return client_get_or_create(
            **{
                "organization_id": organization.id,
                "environment": SANDBOX,
                "name": f"Partner {secrets.token_hex(4)}",
            }
            | given
        )


def make_key(organization: Organization | None = None, **given: Any) -> IssuedKey:
    organization = organization or make_organization()
    with tenancy.operator():
        return key_issue(
            **{
                "organization_id": organization.id,
                "environment": SANDBOX,
                "name": f"Partner {secrets.token_hex(4)}",
                "scopes": PARTNER_SCOPES,
                "actor": ACTOR,
            }
            | given
        )


def make_company(organization: Organization, **given: Any) -> Company:
    with tenancy.operator():
        return company_create(
            **{"organization_id": organization.id, "environment": SANDBOX, "name": "Northwind"} | given
        )


def make_agent(company: Company, **given: Any) -> Agent:
    with tenancy.operator():
        return agent_create(
            **{
                "organization_id": company.organization_id,
                "environment": company.environment,
                "company_id": company.id,
                "email": f"{secrets.token_hex(4)}@northwind.example",
                "name": "Sarah Levi",
            }
            | given
        )


@dataclass(frozen=True)
class Person:
    user: User
    password: str


def make_user(**given: Any) -> Person:
    password = secrets.token_urlsafe(12)
    email = f"{secrets.token_hex(6)}@hub.example"
    return Person(User.objects.create_user(**{"email": email, "password": password} | given), password)


def make_super_admin(**given: Any) -> Person:
    return make_user(is_superuser=True, is_staff=True, **given)


def spool_append(spool: Spool, row: tuple[Any, ...]) -> None:
    """Spool a row of the request log, its values in the order of the table's columns after `created_at`."""
    organization, environment, client, api_key, key_id = row[:5]
    names = ("method", "endpoint", "path", "status", "error_code", "milliseconds", "request_id", "address")
    values = dict(zip((*names, "request_bytes", "response_bytes"), row[5:], strict=True))
    caller = NOBODY
    if organization:
        caller = caller_columns(
            organization=str(organization),
            environment=environment,
            client=str(client),
            api_key=str(api_key),
            key_id=key_id,
        )
    spool.append(caller=caller, **values)
