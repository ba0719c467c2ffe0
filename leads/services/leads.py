"""A lead's life: taken in, alone or many at once; changed; qualified, converted, rejected."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction

from config.api.exceptions import DomainError, ValidationFailed
from leads.events import LEAD_CONVERTED, LEAD_CREATED, LEAD_QUALIFIED, LEAD_REJECTED, LEAD_UPDATED
from leads.exceptions import ExternalIdTaken, InvalidTransition
from leads.models import Lead, LeadChange
from leads.services.belonging import Belonging
from leads.services.identities import Person, first_leads, identities_lock, phone_normalize
from partners.models import Organization
from partners.services.audit import Actor, audit_record
from webhooks.registry import EventType
from webhooks.services import events_emit

Status = Lead.Status
Action = LeadChange.Action
# What may follow. Who becomes a customer was qualified; a rejected lead may be looked at again; merging is a
# way of its own (merging.py).
TRANSITIONS: dict[str, tuple[str, ...]] = {
    Status.NEW: (Status.QUALIFIED, Status.REJECTED),
    Status.QUALIFIED: (Status.CONVERTED, Status.REJECTED),
    Status.REJECTED: (Status.QUALIFIED,),
    Status.CONVERTED: (),
    Status.MERGED: (),
}
_ANNOUNCED: dict[str, EventType] = {
    Action.UPDATED: LEAD_UPDATED,
    Action.QUALIFIED: LEAD_QUALIFIED,
    Action.CONVERTED: LEAD_CONVERTED,
    Action.REJECTED: LEAD_REJECTED,
}
# What the audit trail calls a step; other changes of leads are in their own history alone.
_AUDITED: dict[str, str] = {
    Action.QUALIFIED: "lead.qualify",
    Action.CONVERTED: "lead.convert",
    Action.REJECTED: "lead.reject",
}
# Column -> its name on the wire, which history uses.
WIRE_NAMES = {
    "name": "name",
    "email": "email",
    "phone": "phone",
    "external_id": "externalId",
    "source": "source",
    "notes": "notes",
    "tags": "tags",
    "value_minor": "valueMinor",
    "currency": "currency",
    "company_id": "companyId",
    "agent_id": "agentId",
    "custom_fields": "customFields",
    "status": "status",
    "rejection_reason": "rejectionReason",
    "duplicate_of_id": "duplicateOf",
    "merged_into_id": "mergedInto",
}
TERMS = tuple(WIRE_NAMES)[:-4]


def lead_create(
    *,
    organization_id: UUID,
    environment: str,
    client_id: UUID | None,
    actor: str,
    bound_company_id: UUID | None = None,
    **terms: Any,
) -> Lead:
    """Take in a lead and announce it; `terms` are columns as LeadTerms validated them.

    A lead whose normalised e-mail or phone the organization already has is kept too, and
    `duplicate_of` names the first one; of two simultaneous ones the later is the duplicate.
    Raises ValidationFailed (400) for a phone number that is none in the organization's region, for no way
    to reach the person, a value without currency, and a company or agent that the tenant does not have;
    Forbidden (403, company_not_allowed) for a key bound to another company; ExternalIdTaken (409).
    """
    (made,) = leads_create(
        organization_id=organization_id,
        environment=environment,
        client_id=client_id,
        actor=actor,
        bound_company_id=bound_company_id,
        items=[terms],
    )
    if isinstance(made, DomainError):
        raise made
    return made


@transaction.atomic
def leads_create(
    *,
    organization_id: UUID,
    environment: str,
    client_id: UUID | None,
    actor: str,
    items: Sequence[Mapping[str, Any]],
    bound_company_id: UUID | None = None,
) -> list[Lead | DomainError]:
    """`lead_create` for many, in as many statements: for each item, in order, its lead or why there is none.

    An item may be a duplicate of an earlier one.
    """
    region = Organization.objects.values_list("region", flat=True).get(id=organization_id)
    belonging = Belonging.of(organization_id, environment, items, bound_company_id=bound_company_id)
    results: dict[int, Lead | DomainError] = {}
    accepted: dict[int, dict[str, Any]] = {}
    for index, terms in enumerate(items):
        try:
            accepted[index] = terms_check(belonging.placed(terms), region)
        except DomainError as refusal:
            results[index] = refusal
    people = [Person.of(terms) for terms in accepted.values()]
    identities_lock(organization_id, environment, people)
    known = first_leads(organization_id, environment, people)
    made = []
    for index, terms in accepted.items():
        person = Person.of(terms)
        if person.external_id in known.external_ids:
            results[index] = ExternalIdTaken(leadId=str(known.external_ids[person.external_id]))
            continue
        lead = Lead(organization_id=organization_id, environment=environment, client_id=client_id, **terms)
        lead.duplicate_of_id = known.original_of(person)
        known.add(lead, person)
        results[index] = lead
        made.append(lead)
    if made:
        Lead.objects.bulk_create(made)
        changes_record([(lead, Action.CREATED, {}, {}) for lead in made], actor)
        events_emit([(LEAD_CREATED, lead) for lead in made])
    return [results[index] for index in range(len(items))]


@transaction.atomic
def lead_update(
    *,
    lead_id: UUID,
    changes: Mapping[str, Any],
    actor: Actor,
    status: str | None = None,
    bound_company_id: UUID | None = None,
) -> Lead:
    """Change a lead's terms (columns as LeadTerms validated them), its status, or both, and announce it.

    A new e-mail or phone looks for duplicates again. What changes nothing is neither kept nor announced; a
    new status is audited.
    Raises Lead.DoesNotExist (404), what `lead_create` raises, and InvalidTransition (409), also for any
    change of a merged lead.
    """
    lead = Lead.objects.select_for_update(no_key=True, of=("self",)).get(id=lead_id)
    before, person = shown(lead), Person.of_lead(lead)
    _apply(lead, changes, bound_company_id)
    terms_changed = shown(lead) != before
    if terms_changed and lead.status == Status.MERGED:
        raise _refused(lead)
    if Person.of_lead(lead) != person:
        _identify_again(lead, person)
    steps = [_Step(Action.UPDATED, before, shown(lead))] if terms_changed else []
    if status is not None and status != lead.status:
        steps.append(_moved(lead, status))
    if steps:
        lead.save()
        _record(lead, steps, actor)
    return lead


@transaction.atomic
def lead_move(*, lead_id: UUID, status: str, actor: Actor, reason: str = "") -> Lead:
    """Move a lead on, keep why it was rejected, audit and announce it.

    The organization's audit trail is locked from here to the commit: whoever needs other locks takes them
    before. Raises Lead.DoesNotExist (404) and InvalidTransition (409), also for the status it has.
    """
    lead = Lead.objects.select_for_update(no_key=True, of=("self",)).get(id=lead_id)
    step = _moved(lead, status, reason)
    lead.save()
    _record(lead, [step], actor)
    return lead


class _Step(NamedTuple):
    """What happened to a lead, and what it said before and after."""

    action: LeadChange.Action
    before: dict[str, Any]
    after: dict[str, Any]


def _moved(lead: Lead, status: str, reason: str = "") -> _Step:
    if status not in TRANSITIONS[lead.status]:
        raise _refused(lead)
    before = shown(lead)
    lead.status = status
    lead.rejection_reason = reason if status == Status.REJECTED else ""
    return _Step(Action(status), before, shown(lead))


def _record(lead: Lead, steps: Sequence[_Step], actor: Actor) -> None:
    changes_record([(lead, *step) for step in steps], actor.name)
    for step in steps:
        if step.action in _AUDITED:
            audit_record(
                actor=actor,
                action=_AUDITED[step.action],
                target=lead,
                organization_id=lead.organization_id,
                before=step.before,
                after=step.after,
            )
    events_emit([(_ANNOUNCED[step.action], lead) for step in steps])


def _apply(lead: Lead, changes: Mapping[str, Any], bound_company_id: UUID | None) -> None:
    terms = {column: getattr(lead, column) for column in TERMS} | dict(changes)
    if not changes.keys().isdisjoint(("company_id", "agent_id")):
        terms = Belonging.of(
            lead.organization_id, lead.environment, [terms], bound_company_id=bound_company_id
        ).placed(terms)
    if terms["phone"] == lead.phone:
        terms["phone_normalized"] = lead.phone_normalized
    region = Organization.objects.values_list("region", flat=True).get(id=lead.organization_id)
    for column, value in terms_check(terms, region).items():
        setattr(lead, column, value)


def _identify_again(lead: Lead, before: Person) -> None:
    """Find the lead that a changed one duplicates now; its own duplicates follow it there."""
    person = Person.of_lead(lead)
    identities_lock(lead.organization_id, lead.environment, [person])
    known = first_leads(lead.organization_id, lead.environment, [person], but=lead.id)
    if taken := known.external_ids.get(person.external_id):
        raise ExternalIdTaken(leadId=str(taken))
    if (person.email, person.phone) == (before.email, before.phone):
        return
    original = known.original_of(person)
    lead.duplicate_of_id = None if original == lead.id else original
    if lead.duplicate_of_id:
        Lead.objects.filter(duplicate_of=lead).update(duplicate_of_id=lead.duplicate_of_id)


def _refused(lead: Lead) -> InvalidTransition:
    allowed = [str(status) for status in TRANSITIONS[lead.status]]
    return InvalidTransition(f"The lead is {lead.status}.", status=str(lead.status), allowed=allowed)


def shown(lead: Lead) -> dict[str, Any]:
    """A lead's changing columns by the wire's names, as JSON holds them."""
    values = {wire: getattr(lead, column) for column, wire in WIRE_NAMES.items()}
    return {name: str(value) if isinstance(value, UUID) else value for name, value in values.items()}


def changes_record(
    happened: Iterable[tuple[Lead, LeadChange.Action, dict[str, Any], dict[str, Any]]], actor: str
) -> None:
    """Append to the history of leads (what, before, after) in one statement; only what differs is kept."""
    LeadChange.objects.bulk_create(
        LeadChange(
            organization_id=lead.organization_id,
            environment=lead.environment,
            lead=lead,
            action=action,
            actor=actor,
            before=_differing(before, after),
            after=_differing(after, before),
        )
        for lead, action, before, after in happened
    )


def _differing(values: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in others or others[name] != value}


def terms_check(terms: Mapping[str, Any], region: str) -> dict[str, Any]:
    """The terms with their normalised e-mail and phone, unless that is among them.

    Raises ValidationFailed (400) for a phone number that is none in `region`, for no way to reach the person,
    and for a value without currency.
    """
    complete = dict(terms)
    if not complete["email"] and not complete["phone"]:
        raise ValidationFailed(email=["Give an e-mail address or a phone number."])
    if complete["value_minor"] is None:
        complete["currency"] = ""
    elif not complete["currency"]:
        raise ValidationFailed(currency=["A value needs its currency."])
    complete["email_normalized"] = complete["email"].strip().lower()
    if "phone_normalized" not in complete:
        complete["phone_normalized"] = phone_normalize(complete["phone"], region=region)
    return complete
