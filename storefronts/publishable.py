"""How a widget's request is known: its publishable key, the page it comes from, and its limits.

The key stands in the query, since a header would cost each page a preflight, and it is no secret.
Everything else the hub takes for a malformed credential (401).
"""

import re
from typing import Any

from config import tenancy
from config.api.exceptions import Unauthorized
from credentials.limits import ADMITTED, Limits, refusal, request_admit
from credentials.scopes import Scope
from credentials.snapshots import Snapshot
from credentials.usage import caller_columns
from storefronts.exceptions import OriginNotAllowed
from storefronts.models import PublishableKey

_FORM = re.compile(r"pub_(?:sandbox|production)_[0-9A-Za-z]{20}")
# Visitors share addresses: an office, a mobile network.
ADDRESS_LIMITS = Limits(per_minute=240, burst=240)
# As contract 0.3 has it for keys of the catalogue; a key held to fewer requests has no burst.
_BURST, _BURST_FROM = 1000, 300


def publishable_authenticate(request: Any, *, address: str) -> None:
    """Check the key in the query and the page's origin, and count the request against both limits.

    Sets `request.credential` to a snapshot that holds `offers:read`, and `request.allowed_origin` to the
    origin that the answer may be read from ("" for the hub's own pages). Raises Unauthorized (401),
    OriginNotAllowed (403), RateLimitExceeded (429), which the page may read once its origin is known.
    """
    _count(request, f"widget:{address}", ADDRESS_LIMITS)
    key = _live(request.GET.get("key", ""))
    if key is None:
        raise Unauthorized("The publishable key is unknown or revoked.")
    request.allowed_origin = _origin_of(request, key)
    request.credential = _snapshot(key)
    limits = request.credential.limits
    try:
        _count(request, key.key, limits)
    except Exception as error:
        headers = getattr(error, "headers", None)
        if headers is not None:
            headers.update(cors_headers(request))
        raise


def cors_headers(request: Any) -> dict[str, str]:
    """What lets the page that asked read the answer, and no other page."""
    headers = {"Vary": "Origin", "Cross-Origin-Resource-Policy": "cross-origin"}
    origin = getattr(request, "allowed_origin", "")
    return headers | ({"Access-Control-Allow-Origin": origin} if origin else {})


def _live(text: str) -> PublishableKey | None:
    if not _FORM.fullmatch(text):
        return None
    with tenancy.operator():
        return PublishableKey.objects.live().filter(key=text).first()


def _origin_of(request: Any, key: PublishableKey) -> str:
    """The page's origin, which must be allowed.

    Browsers leave it out of a page's requests to its own host, which only the hub's pages are.
    """
    origin = request.META.get("HTTP_ORIGIN", "")
    if not origin and request.META.get("HTTP_SEC_FETCH_SITE") == "same-origin":
        return ""
    if origin not in key.origins:
        raise OriginNotAllowed
    return origin


def _count(request: Any, subject: str, limits: Limits) -> None:
    verdict = request_admit(subject=subject, limits=limits, version="")
    request.limits, request.verdict = limits, verdict
    if verdict.outcome != ADMITTED:
        raise refusal(verdict)


def _snapshot(key: PublishableKey) -> Snapshot:
    pace = key.requests_per_minute
    return Snapshot(
        api_key_id=key.id,
        key_id=key.key,
        name=key.name,
        version="",
        organization_id=key.organization_id,
        environment=key.environment,
        client_id=key.client_id,
        company_id=None,
        active=True,
        expires_at=None,
        scopes=frozenset({Scope.OFFERS_READ}),
        networks=(),
        secrets=(),
        limits=Limits(pace, burst=max(_BURST, pace) if pace >= _BURST_FROM else pace),
        signing_mode="none",
        signing_secret=b"",
        previous_signing_secret=b"",
        previous_signing_secret_ends_at=0.0,
        offer_allowlist=frozenset(),
        brand_allowlist=frozenset(),
        organization_wide=False,
        organization=str(key.organization_id),
        log_columns=caller_columns(
            organization=str(key.organization_id),
            environment=key.environment,
            client=str(key.client_id),
            api_key=str(key.id),
            key_id=key.key,
        ),
    )
