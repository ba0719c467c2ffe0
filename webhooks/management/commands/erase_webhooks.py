"""Erasure of an organization's webhooks, from the shell."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import tenancy
from partners.models import Organization
from partners.services.audit import Actor
from webhooks.services.upkeep import organization_webhooks_erase


class Command(BaseCommand):
    """Asks for the slug twice, since nothing brings it back."""

    help = "Remove every webhook event, delivery and attempt of an organization; prints how many."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("organization", help="slug")
        parser.add_argument("--yes", metavar="SLUG", required=True, help="the slug again")

    def handle(self, *args: Any, **options: Any) -> None:
        slug = options["organization"]
        if options["yes"] != slug:
            raise CommandError(f"Nothing was removed: --yes must repeat {slug}.")
        with tenancy.operator():
            organization = Organization.objects.filter(slug=slug).first()
        if organization is None:
            raise CommandError(f"There is no organization {slug}.")
        removed = organization_webhooks_erase(
            organization_id=organization.id, actor=Actor("manage.py erase_webhooks")
        )
        self.stdout.write(", ".join(f"{name}: {count}" for name, count in removed.items()))
