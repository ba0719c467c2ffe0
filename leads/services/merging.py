"""Two leads that are one person become one, and both keep their histories."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from config.api.exceptions import BusinessRule
from leads.events import LEAD_UPDATED
from leads.exceptions import InvalidTransition
from leads.models import Lead, LeadChange
from leads.serializers import MAX_TAGS
from leads.services.leads import changes_record, shown
from partners.services.audit import Actor, audit_record
from webhooks.services import events_emit

# Taken over together, where the survivor has none of them.
_GROUPS = (
    ("email", "email_normalized"),
    ("phone", "phone_normalized"),
    ("source",),
    ("notes",),
    ("value_minor", "currency"),
    ("company_id", "agent_id"),
)
Action = LeadChange.Action


@transaction.atomic
def lead_merge(*, survivor_id: UUID, lead_id: UUID, actor: Actor) -> Lead:
    """Merge a lead into another, which gets what it lacks: contact, value, tags and the like; audited.

    The merged lead stays with its terms, history and events, points at the survivor, and changes no more. Its
    duplicates, and what was merged into it, point at the survivor too. Both are announced as updated.
    Raises Lead.DoesNotExist (404), InvalidTransition (409) where one is merged already, and BusinessRule
    (422) with `reason` same_lead or other_tenant.
    """
    if survivor_id == lead_id:
        raise BusinessRule("A lead cannot be merged into itself.", reason="same_lead")
    rows = Lead.objects.select_for_update(no_key=True, of=("self",)).order_by("id")
    found = {row.id: row for row in rows.filter(id__in=(survivor_id, lead_id))}
    if len(found) < 2:
        raise Lead.DoesNotExist
    survivor, lead = found[survivor_id], found[lead_id]
    if (survivor.organization_id, survivor.environment) != (lead.organization_id, lead.environment):
        message = "Both leads must be of one organization and environment."
        raise BusinessRule(message, reason="other_tenant")
    for row in (survivor, lead):
        if row.status == Lead.Status.MERGED:
            raise InvalidTransition(f"{row.name} is merged already.", status=row.status, allowed=[])
    before = {row.id: shown(row) for row in (survivor, lead)}
    _take_over(survivor, lead)
    lead.status, lead.merged_into, lead.duplicate_of_id = Lead.Status.MERGED, survivor, None
    if survivor.duplicate_of_id == lead.id:
        survivor.duplicate_of_id = None
    survivor.save()
    lead.save()
    original = survivor.duplicate_of_id or survivor.id
    Lead.objects.filter(Q(duplicate_of=lead) & ~Q(id=survivor.id)).update(duplicate_of_id=original)
    Lead.objects.filter(merged_into=lead).update(merged_into=survivor)
    _record(survivor, lead, before, actor)
    return survivor


def _take_over(survivor: Lead, lead: Lead) -> None:
    for group in _GROUPS:
        if not any(getattr(survivor, column) for column in group):
            for column in group:
                setattr(survivor, column, getattr(lead, column))
    survivor.tags = list(dict.fromkeys([*survivor.tags, *lead.tags]))[:MAX_TAGS]
    survivor.custom_fields = lead.custom_fields | survivor.custom_fields


def _record(survivor: Lead, lead: Lead, before: dict[UUID, dict[str, Any]], actor: Actor) -> None:
    took = shown(survivor) | {"leadId": str(lead.id)}
    changes_record(
        [
            (survivor, Action.TOOK_IN, before[survivor.id], took),
            (lead, Action.MERGED, before[lead.id], shown(lead)),
        ],
        actor.name,
    )
    events_emit([(LEAD_UPDATED, survivor), (LEAD_UPDATED, lead)])
    audit_record(
        actor=actor,
        action="lead.merge",
        target=lead,
        organization_id=lead.organization_id,
        after={"survivor": str(survivor.id)},
    )
