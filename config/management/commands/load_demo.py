"""Demo data: two tenants, people, keys; and var/demo.env that makes every README example paste-able."""

import os
import secrets
from argparse import ArgumentParser
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from bookings.opening_hours import WEEKDAYS
from bookings.services.resources import resource_create
from catalog.demo import NETWORK_SLUG, catalog_fill, postback_secret_renew
from config import tenancy
from config.tenancy import Environment
from credentials.scopes import PARTNER_SCOPES
from credentials.services.keys import IssuedKey, key_issue
from credentials.services.tokens import token_issue
from partners.models import Membership, Organization, User
from partners.services.audit import Actor
from partners.services.companies import agent_create, company_create
from partners.services.organizations import member_add, organization_create
from pipeline.demo import pipeline_load
from rentals.services.items import item_create
from rewards.demo import campaign_fill
from storefronts.demo import storefront_fill

ACTOR = Actor("manage.py load_demo")
ADMIN_EMAIL = "admin@hub.example"
OWNER_EMAIL = "owner@acme.example"
ACME, GLOBEX = "acme", "globex"


class Command(BaseCommand):
    """Loads the demo once; later runs only refresh the address in the file. Secrets are random."""

    help = "Load demo data once and write var/demo.env."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--url", default=os.environ.get("HUB_URL", "http://127.0.0.1:8000"))
        parser.add_argument(
            "--even-without-debug",
            action="store_true",
            help="load demo secrets although DEBUG is off (make run asks for it)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG and not options["even_without_debug"]:
            raise CommandError("Demo secrets are not created where DEBUG is off.")
        path = Path(settings.STATE_DIR) / "demo.env"
        with tenancy.operator():
            present = Organization.objects.filter(slug=ACME).exists()
        if present and path.exists():
            values = _read(path) | {"HUB_URL": options["url"]}
        else:
            # the file is written before the commit: loaded data without its secrets would be useless
            with transaction.atomic():
                url = options["url"]
                values = {"HUB_URL": url, **(_renew(url) if present else _load(url))}
                _write(path, values)
        _write(path, values)
        self.stdout.write(f"Demo values are in {path.name}.")


def _load(url: str) -> dict[str, str]:
    admin = User.objects.create_superuser(ADMIN_EMAIL, full_name="Dana Admin")
    owner = User.objects.create_user(OWNER_EMAIL, full_name="Omer Owner")
    acme = organization_create(
        name="Acme Contact Centers", slug=ACME, time_zone="Asia/Jerusalem", actor=ACTOR
    )
    other = organization_create(name="Globex Rentals", slug=GLOBEX, actor=ACTOR)
    member_add(organization=acme, user=owner, role=Membership.Role.OWNER, actor=ACTOR)
    with tenancy.operator():
        company = company_create(
            organization_id=acme.id,
            environment=Environment.SANDBOX,
            name="Northwind Telecom",
            industry="Telecommunications",
            contact_email="quality@northwind.example",
        )
        for name, role in (("Sarah Levi", "Support agent"), ("Dan Mizrahi", "Sales agent")):
            agent_create(
                organization_id=acme.id,
                environment=Environment.SANDBOX,
                company_id=company.id,
                email=f"{name.split()[0].lower()}@northwind.example",
                name=name,
                role=role,
            )
        pipeline_load(organization=acme, actor=ACTOR)
        _bookable(acme)
        _rentable(acme)
        catalog_fill(organization_id=acme.id, environment=Environment.SANDBOX, url=url, actor=ACTOR)
    return _secrets(admin, owner, acme, other, url)


def _bookable(organization: Organization) -> None:
    weekdays = {day: [["09:00", "17:00"]] for day in ("sun", "mon", "tue", "wed", "thu")}
    daily = {day: [["07:00", "23:00"]] for day in WEEKDAYS}
    room = {"name": "Meeting room", "kind": "room", "slot_minutes": 30, "price_minor": 9_000}
    courts = {"name": "Tennis courts", "kind": "court", "slot_minutes": 60, "capacity": 3}
    for terms in (room | {"opening_hours": weekdays}, courts | {"opening_hours": daily}):
        resource_create(
            organization_id=organization.id,
            environment=Environment.SANDBOX,
            actor=ACTOR,
            location="Haifa",
            time_zone="Asia/Jerusalem",
            **terms,
        )


def _rentable(organization: Organization) -> None:
    drill = {"name": "Hammer drill", "category": "Tools", "quantity": 6, "price_hour_minor": 1_500}
    cart = {"name": "Cargo bike", "category": "Vehicles", "quantity": 2, "price_hour_minor": 2_500}
    for item in (
        drill | {"price_day_minor": 6_000, "price_week_minor": 24_000, "deposit_minor": 20_000},
        cart | {"price_day_minor": 9_000, "deposit_minor": 50_000},
    ):
        item_create(
            organization_id=organization.id,
            environment=Environment.SANDBOX,
            actor=ACTOR,
            tax_rate=18,
            **item,
        )


def _renew(url: str) -> dict[str, str]:
    """Fresh secrets for a demo whose file was lost: they were shown once and cannot be read again."""
    with tenancy.operator():
        acme, other = (Organization.objects.get(slug=slug) for slug in (ACME, GLOBEX))
    admin, owner = (User.objects.get(email=email) for email in (ADMIN_EMAIL, OWNER_EMAIL))
    return _secrets(admin, owner, acme, other, url)


def _secrets(admin: User, owner: User, acme: Organization, other: Organization, url: str) -> dict[str, str]:
    passwords = []
    for person in (admin, owner):
        passwords.append(secrets.token_urlsafe(12))
        person.set_password(passwords[-1])
        person.save(update_fields=["password"])
    with tenancy.operator():
        issued, foreign = _key(acme, "Demo Partner"), _key(other, "Other Partner")
        postback_secret = postback_secret_renew(organization_id=acme.id, actor=ACTOR)
        partner: dict[str, Any] = {
            "organization_id": acme.id,
            "environment": Environment.SANDBOX,
            "client_id": issued.key.client_id,
            "actor": ACTOR,
        }
        campaign, storefront = campaign_fill(**partner), storefront_fill(**partner, url=url)
    return {
        "HUB_ADMIN_EMAIL": ADMIN_EMAIL,
        "HUB_ADMIN_PASSWORD": passwords[0],
        "HUB_ADMIN_TOKEN": token_issue(user=admin, label="demo", valid_for=timedelta(days=3650)),
        "HUB_OWNER_EMAIL": OWNER_EMAIL,
        "HUB_OWNER_PASSWORD": passwords[1],
        "HUB_ORGANIZATION_ID": str(acme.id),
        "HUB_KEY": issued.raw,
        "HUB_KEY_ID": issued.key.key_id,
        "HUB_SECRET": issued.secret,
        "HUB_WEBHOOK_SECRET": issued.webhook_secret,
        "HUB_NETWORK": NETWORK_SLUG,
        "HUB_POSTBACK_SECRET": postback_secret,
        "HUB_OTHER_ORGANIZATION_ID": str(other.id),
        "HUB_OTHER_KEY": foreign.raw,
        **campaign,
        **storefront,
    }


def _key(organization: Organization, name: str) -> IssuedKey:
    return key_issue(
        organization_id=organization.id,
        environment=Environment.SANDBOX,
        name=name,
        scopes=PARTNER_SCOPES,
        actor=ACTOR,
        expires_at=timezone.now() + timedelta(days=365),
    )


def _read(path: Path) -> dict[str, str]:
    pairs = (line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)
    return {name: value.strip("'") for name, value in pairs}


def _write(path: Path, values: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.touch(mode=0o600)
    new.chmod(0o600)
    new.write_text("".join(f"{name}='{value}'\n" for name, value in values.items()))
    new.replace(path)
