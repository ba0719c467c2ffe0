"""The key form of contract B, from the shell."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config import tenancy
from config.api.exceptions import DomainError
from config.tenancy import Environment
from credentials.services.keys import CALL_ANALYSIS_SCOPES, DEFAULT_VALIDITY_DAYS, key_issue
from partners.models import Company, Organization
from partners.services.audit import Actor


class Command(BaseCommand):
    """Prints the key once, as the dashboard shows it once."""

    help = 'Issue a call-analysis key: generate_partner_api_key "CompanyX Call Center" --environment sandbox'

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("partner_name")
        parser.add_argument("--environment", choices=Environment.values, default=Environment.SANDBOX)
        parser.add_argument("--company", help="bind the key to this company (its id)")
        parser.add_argument("--expires-in-days", type=int, default=DEFAULT_VALIDITY_DAYS)
        parser.add_argument("--organization", help="slug; needed where there are several")

    def handle(self, *args: Any, **options: Any) -> None:
        with tenancy.operator():
            company = _company(options["company"]) if options["company"] else None
            organization = company.organization if company else _organization(options["organization"])
            try:
                issued = key_issue(
                    organization_id=organization.id,
                    environment=options["environment"],
                    name=options["partner_name"],
                    scopes=CALL_ANALYSIS_SCOPES,
                    actor=Actor("manage.py generate_partner_api_key"),
                    expires_at=timezone.now() + timedelta(days=options["expires_in_days"]),
                    company_id=company.id if company else None,
                )
            except DomainError as error:
                raise CommandError(str(error.details)) from error
        self.stdout.write(f"key id:         {issued.key.key_id}")
        self.stdout.write(f"API key:        {issued.raw}")
        self.stdout.write(f"webhook secret: {issued.webhook_secret}")
        self.stdout.write(f"expires:        {issued.key.expires_at:%Y-%m-%d}")
        self.stdout.write("Keep the key now: it is not shown again.")


def _company(identity: str) -> Company:
    try:
        return Company.objects.select_related("organization").get(id=identity)
    except (Company.DoesNotExist, ValidationError) as error:
        raise CommandError(f"There is no company {identity}.") from error


def _organization(slug: str | None) -> Organization:
    organizations = Organization.objects.filter(slug=slug) if slug else Organization.objects.all()
    found = list(organizations[:2])
    if len(found) != 1:
        names = ", ".join(Organization.objects.values_list("slug", flat=True)[:20])
        raise CommandError(f"Name one organization with --organization: {names or 'none exists'}.")
    return found[0]
