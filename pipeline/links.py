"""Addresses that let their holder do one thing: answer a proposal, or fetch an export. Both are signed."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.utils import timezone

_PROPOSAL, _EXPORT = "pipeline.proposal", "pipeline.export"


def proposal_url(proposal_id: UUID, nonce: str) -> str:
    """Where the customer accepts or declines. A new nonce kills the old address."""
    token = signing.Signer(salt=_PROPOSAL).sign(f"{proposal_id.hex}-{nonce}")
    return f"{settings.HUB_URL}/proposal/{token}"


def proposal_of(token: str) -> tuple[UUID, str] | None:
    """The proposal's id and nonce that a token names; None for one that we did not sign."""
    try:
        proposal, _, nonce = signing.Signer(salt=_PROPOSAL).unsign(token).partition("-")
        return UUID(proposal), nonce
    except (signing.BadSignature, ValueError):
        return None


def export_url(export_id: UUID) -> tuple[str, datetime]:
    """Where an export is fetched, and until when the address works."""
    ends_at = timezone.now() + timedelta(seconds=settings.EXPORT_LINK_VALID_S)
    return settings.HUB_URL + export_path(export_id), ends_at


def export_path(export_id: UUID) -> str:
    """The same for a page of the hub's own."""
    return f"/exports/{signing.TimestampSigner(salt=_EXPORT).sign(export_id.hex)}"


def export_of(token: str) -> UUID | None:
    """The export that a token names; None for one that is over, or that we did not sign."""
    try:
        signer = signing.TimestampSigner(salt=_EXPORT)
        return UUID(signer.unsign(token, max_age=settings.EXPORT_LINK_VALID_S))
    except (signing.BadSignature, ValueError):
        return None
