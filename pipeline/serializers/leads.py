"""Leads at contract D's door: what contract A says of them, without naming the organization."""

from leads.serializers import LeadChangeOut, LeadOut, LeadTerms


class LeadWrite(LeadTerms):
    """A lead; a change names what changes."""


class LeadDetailOut(LeadOut):
    """A lead with its history, the oldest entry first."""

    history = LeadChangeOut(many=True)
