"""Who is the same person: phone numbers in one form, and the first lead of each e-mail and phone."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Self
from uuid import UUID

import phonenumbers
from django.db import connection
from django.db.models import F
from django.db.models.functions import Coalesce

from config.api.exceptions import ValidationFailed
from leads.models import Lead

# An e-mail, a phone number and an external id each, of a handful.
_FEW = 16


class Person(NamedTuple):
    """What a lead is known by: normalised e-mail and phone, and the partner's id; empty where it has none."""

    email: str
    phone: str
    external_id: str

    @classmethod
    def of(cls, terms: Mapping[str, Any]) -> Self:
        return cls(terms["email_normalized"], terms["phone_normalized"], terms["external_id"])

    @classmethod
    def of_lead(cls, lead: Lead) -> Self:
        return cls(lead.email_normalized, lead.phone_normalized, lead.external_id)


class _First(NamedTuple):
    created_at: datetime
    id: UUID
    original: UUID


class Known:
    """The first lead of each e-mail and phone, and the leads that have an external id."""

    def __init__(self) -> None:
        self._emails: dict[str, _First] = {}
        self._phones: dict[str, _First] = {}
        self.external_ids: dict[str, UUID] = {}

    def original_of(self, person: Person) -> UUID | None:
        """The lead that a lead of this person duplicates: never one that is merged or itself a duplicate."""
        found = (self._emails.get(person.email), self._phones.get(person.phone))
        firsts = [first for first in found if first]
        return min(firsts).original if firsts else None

    def add(self, lead: Lead, person: Person) -> None:
        """Know of a lead that has just been made."""
        self.note(person, _First(lead.created_at, lead.id, lead.duplicate_of_id or lead.id))
        if person.external_id:
            self.external_ids[person.external_id] = lead.id

    def note(self, person: Person, first: _First) -> None:
        for known, identity in ((self._emails, person.email), (self._phones, person.phone)):
            if identity and (identity not in known or first < known[identity]):
                known[identity] = first


def first_leads(
    organization_id: UUID, environment: str, people: Sequence[Person], *, but: UUID | None = None
) -> Known:
    """What the tenant has of these people, without the lead `but`. Hold their locks."""
    known = Known()
    leads = Lead.objects.for_organization(organization_id, environment).order_by()
    if but:
        leads = leads.exclude(id=but)
    firsts = leads.annotate(
        original=Coalesce("merged_into__duplicate_of_id", "merged_into_id", "duplicate_of_id", F("id"))
    ).values_list("email_normalized", "phone_normalized", "created_at", "id", "original")
    emails, phones = {person.email for person in people}, {person.phone for person in people}
    for column, named in (("email_normalized", emails), ("phone_normalized", phones)):
        if wanted := named - {""}:
            rows = firsts.filter(**{f"{column}__in": wanted}).order_by(column, "created_at", "id")
            for email, phone, *first in rows.distinct(column):
                person = Person(email, "", "") if column == "email_normalized" else Person("", phone, "")
                known.note(person, _First(*first))
    if external_ids := {person.external_id for person in people} - {""}:
        known.external_ids = dict(leads.filter(external_id__in=external_ids).values_list("external_id", "id"))
    return known


def identities_lock(organization_id: UUID, environment: str, people: Sequence[Person]) -> None:
    """Let nobody else take in leads of these people until the transaction ends.

    Few are locked one by one, sorted, so two of them never wait for each other. Many would fill PostgreSQL's
    table of locks: they lock the tenant, which the few share.
    """
    tenant = _lock(organization_id, environment)
    identities = {
        _lock(organization_id, environment, kind, identity)
        for person in people
        for kind, identity in zip(Person._fields, person, strict=True)
        if identity
    }
    with connection.cursor() as cursor:
        if len(identities) > _FEW:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [tenant])
            return
        cursor.execute(
            "SELECT pg_advisory_xact_lock_shared(%s), (SELECT count(pg_advisory_xact_lock(key))"
            " FROM unnest(%s::bigint[]) AS key)",
            [tenant, sorted(identities)],
        )


def _lock(*parts: object) -> int:
    digest = hashlib.sha256("\n".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], signed=True)


def phone_normalize(phone: str, *, region: str) -> str:
    """A phone number in E.164, read as dialled in `region`; "" for none. Raises ValidationFailed (400)."""
    if not phone.strip():
        return ""
    try:
        number = phonenumbers.parse(phone, region)
    except phonenumbers.NumberParseException as error:
        raise ValidationFailed(phone=["This is not a phone number."]) from error
    if not phonenumbers.is_possible_number(number):
        raise ValidationFailed(phone=["This is not a possible phone number."])
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
