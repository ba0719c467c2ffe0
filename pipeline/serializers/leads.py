"""Leads at contract D's door: what contract A says of them, without naming the organization."""

from rest_framework import serializers

from credentials.serializers.tenants import TenantNamed
from leads.serializers import MAX_BULK, LeadChangeOut, LeadOut, LeadTerms


class LeadWrite(TenantNamed, LeadTerms):
    """A lead; a change names what changes."""


class LeadsWrite(TenantNamed):
    """Up to 500 new leads. Each is judged by itself, so one that is not valid loses no other."""

    leads = serializers.ListField(allow_empty=False, max_length=MAX_BULK)


class LeadsWriteSchema(LeadsWrite):
    """`LeadsWrite` as the documents show it."""

    leads = LeadTerms(many=True)  # type: ignore[assignment]


class LeadDetailOut(LeadOut):
    """A lead with its history, the oldest entry first."""

    history = LeadChangeOut(many=True)
