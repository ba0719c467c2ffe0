"""Invoices of the partner's organization."""

import pytest

from config import tenancy
from invoices.amounts import LineTerms
from invoices.services.issuing import invoice_issue

ADA = {"name": "Ada Lovelace", "email": "ada@a.example", "phone": "+972501234567"}


@pytest.fixture
def issue(organization):
    """Issue an invoice of these lines; without any, of 100.00 with 18 % tax."""

    def issued(*lines, **given):
        terms = {
            "organization_id": organization.id,
            "environment": "sandbox",
            "client_id": None,
            "source": None,
            "customer": ADA,
            "currency": "ILS",
        }
        terms |= given
        with tenancy.tenant(terms["organization_id"], terms["environment"]):
            return invoice_issue(**terms, lines=lines or (LineTerms("Drill", 1, 10_000, 18),))

    return issued
