"""Writes of leads."""

import hashlib
from uuid import UUID

import phonenumbers
from django.db import connection, transaction

from config.api.exceptions import ValidationFailed
from leads.events import LEAD_CREATED
from leads.models import Lead
from partners.models import Organization
from webhooks.services import event_emit


@transaction.atomic
def lead_create(
    *,
    organization_id: UUID,
    environment: str,
    client_id: UUID | None,
    name: str,
    email: str = "",
    phone: str = "",
    source: str = "",
    notes: str = "",
) -> Lead:
    """Take in a lead and announce it.

    A lead whose normalised e-mail or phone the organization already has is kept too, and
    `duplicate_of` names the first one; of two simultaneous ones the later is the duplicate.
    Raises ValidationFailed (400) for a phone number that is none in the organization's region.
    """
    organization = Organization.objects.get(id=organization_id)
    email_normalized = email.strip().lower()
    phone_normalized = phone_normalize(phone, region=organization.region)
    _lock_person(organization_id, environment, email_normalized, phone_normalized)
    first = (
        Lead.objects.for_organization(organization_id, environment)
        .same_person(email=email_normalized, phone=phone_normalized)
        .order_by("created_at", "id")
        .first()
    )
    lead = Lead.objects.create(
        organization_id=organization_id,
        environment=environment,
        client_id=client_id,
        name=name,
        email=email,
        phone=phone,
        email_normalized=email_normalized,
        phone_normalized=phone_normalized,
        source=source,
        notes=notes,
        duplicate_of_id=None if first is None else first.duplicate_of_id or first.id,
    )
    event_emit(
        LEAD_CREATED,
        subject=lead,
        organization_id=organization_id,
        environment=environment,
        client_id=client_id,
    )
    return lead


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


def _lock_person(organization_id: UUID, environment: str, *identities: str) -> None:
    """Serialise the arrival of one person's leads; sorted, so two of them never wait for each other."""
    locks = sorted(
        int.from_bytes(
            hashlib.sha256(f"{organization_id}\n{environment}\n{identity}".encode()).digest()[:8],
            signed=True,
        )
        for identity in identities
        if identity
    )
    with connection.cursor() as cursor:
        for lock in locks:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lock])
