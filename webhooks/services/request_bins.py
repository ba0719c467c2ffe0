"""Request bins: a receiver inside the hub, so that webhooks can be tried before there is one of one's own."""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from config import tenancy
from credentials.limits import ADMITTED, ANONYMOUS, Limits, refusal, request_admit
from partners.services.audit import Actor, audit_record
from webhooks.bin_addresses import request_bin_token_is_well_formed, request_bin_url
from webhooks.exceptions import TooManyBins
from webhooks.models import BinnedRequest, RequestBin, Subscription
from webhooks.secrets import signers_of
from webhooks.signing import signed_headers

KEPT_FOR = timedelta(days=7)
BINS_AN_ORGANIZATION = 20
REQUESTS_KEPT = 100
BODY_KEPT = 16_384
_PACE = Limits(per_minute=600)
_BODILESS = (204, 205, 304)


@dataclass(frozen=True, slots=True)
class BinAnswer:
    """What a bin answers; but for statuses that have no body it is always the same."""

    status: int
    body: bytes = b'{"received":true}'


@transaction.atomic
def request_bin_create(
    *, organization_id: UUID, environment: str, name: str, answer_status: int, actor: Actor
) -> RequestBin:
    """Make a bin that answers with this status for a week. Raises TooManyBins (409)."""
    bins = RequestBin.objects.for_organization(organization_id, environment)
    if bins.filter(expires_at__gt=timezone.now()).count() >= BINS_AN_ORGANIZATION:
        raise TooManyBins
    request_bin = RequestBin.objects.create(
        organization_id=organization_id,
        environment=environment,
        name=name,
        token=secrets.token_urlsafe(32),
        answer_status=answer_status,
        expires_at=timezone.now() + KEPT_FOR,
    )
    _audit(actor, "request_bin.created", request_bin)
    return request_bin


@transaction.atomic
def request_bin_update(*, request_bin_id: UUID, changes: Mapping[str, str | int], actor: Actor) -> RequestBin:
    """Change the `name` or the `answer_status`, from the next request on; repeating what is changes nothing.

    Raises RequestBin.DoesNotExist (404).
    """
    request_bin = RequestBin.objects.select_for_update(of=("self",)).get(id=request_bin_id)
    before = _facts(request_bin)
    for name, value in changes.items():
        setattr(request_bin, name, value)
    if _facts(request_bin) != before:
        request_bin.save(update_fields=[*changes, "updated_at"])
        _audit(actor, "request_bin.changed", request_bin, before=before)
    return request_bin


@transaction.atomic
def request_bin_delete(*, request_bin_id: UUID, actor: Actor) -> None:
    """Delete a bin and what it received. Raises RequestBin.DoesNotExist (404)."""
    request_bin = RequestBin.objects.select_for_update(of=("self",)).get(id=request_bin_id)
    _audit(actor, "request_bin.deleted", request_bin)
    request_bin.delete()


def request_bin_receive(
    *, token: str, method: str, headers: Mapping[str, str], body: bytes, body_bytes: int, ip: str | None
) -> BinAnswer:
    """Keep a request, the newest hundred of a bin. `body` is its beginning, `body_bytes` its whole length.

    `ip` is empty for the hub's own deliveries. Raises RequestBin.DoesNotExist (404) for a bin that is not
    there or is over, and RateLimitExceeded (429) for one that gets too much and for an address that guesses.
    """
    request_bin = _live(token)
    if request_bin is None:
        if ip is not None:
            _admit(f"bins:{ip}", ANONYMOUS)
        raise RequestBin.DoesNotExist
    _admit(f"bin:{request_bin.id}", _PACE)
    with tenancy.tenant(request_bin.organization_id, request_bin.environment):
        BinnedRequest.objects.create(
            organization_id=request_bin.organization_id,
            environment=request_bin.environment,
            request_bin=request_bin,
            method=method,
            headers=dict(headers),
            body=body[:BODY_KEPT].decode("utf-8", "replace").replace("\x00", "\ufffd"),
            body_bytes=body_bytes,
            ip=ip,
            is_verified=_is_verified(request_bin, headers, body) if body_bytes == len(body) else None,
        )
        newest = request_bin.requests.order_by("-id").values("id")
        request_bin.requests.exclude(id__in=newest[:REQUESTS_KEPT]).delete()
    status = request_bin.answer_status
    return BinAnswer(status, b"") if status in _BODILESS else BinAnswer(status)


def _live(token: str) -> RequestBin | None:
    if not request_bin_token_is_well_formed(token):
        return None
    with tenancy.operator():
        return RequestBin.objects.filter(token=token, expires_at__gt=timezone.now()).first()


def _admit(subject: str, limits: Limits) -> None:
    verdict = request_admit(subject=subject, limits=limits, version="")
    if verdict.outcome != ADMITTED:
        raise refusal(verdict)


def request_bins_clean_up() -> int:
    """Remove the bins whose week is over; answers how many."""
    with tenancy.operator():
        return RequestBin.objects.filter(expires_at__lte=timezone.now()).delete()[0]


def _is_verified(request_bin: RequestBin, headers: Mapping[str, str], body: bytes) -> bool | None:
    """Whether a subscription that sends here signed this; None where none does."""
    given = {name.lower(): value for name, value in headers.items()}
    timestamp = given.get("webhook-timestamp", "")
    senders = Subscription.objects.filter(url=request_bin_url(request_bin)).select_related("client")
    if not senders or not timestamp.isdecimal():
        return None if not senders else False
    signatures = set(given.get("webhook-signature", "").split(" "))
    for subscription in senders:
        expected = signed_headers(
            body=body,
            signers=signers_of(subscription, subscription.client),
            webhook_id=given.get("webhook-id", ""),
            attempt_number=1,
            timestamp=int(timestamp[:12]),
        )["webhook-signature"].split(" ")[0]
        if any(hmac.compare_digest(expected.encode(), one.encode()) for one in signatures):
            return True
    return False


def _facts(request_bin: RequestBin) -> dict[str, Any]:
    return {
        "name": request_bin.name,
        "environment": str(request_bin.environment),
        "answer_status": request_bin.answer_status,
    }


def _audit(actor: Actor, action: str, request_bin: RequestBin, **before: dict[str, Any]) -> None:
    audit_record(
        actor=actor,
        action=action,
        target=request_bin,
        organization_id=request_bin.organization_id,
        after=_facts(request_bin),
        **before,
    )
