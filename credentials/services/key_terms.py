"""What a key may do and for how long: the part of a key that can be changed after it was issued."""

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.utils import timezone

from config.api.exceptions import ValidationFailed
from credentials.models import ApiKey
from credentials.scopes import Scope
from partners.models import Tier

# Each term with its name on the wire.
TERMS = {
    "name": "name",
    "scopes": "scopes",
    "expires_at": "expiresAt",
    "ip_allowlist": "ipAllowlist",
    "tier": "tier",
    "requests_per_minute": "requestsPerMinute",
    "daily_quota": "dailyQuota",
    "burst": "burst",
    "signing_mode": "signingMode",
    "offer_allowlist": "offerAllowlist",
    "brand_allowlist": "brandAllowlist",
    "organization_wide": "organizationWide",
}
_NUMBERS = ("requests_per_minute", "daily_quota", "burst")


def terms_clean(terms: Mapping[str, Any]) -> dict[str, Any]:
    """The given terms in the form they are stored in; `None` lifts a number or the expiry.

    Raises ValidationFailed (400), by wire name: an empty name, an empty or unknown scope list, an expiry in
    the past, an address that is none, a number below 1, an unknown tier or signing mode.
    """
    clean, errors = dict(terms), {}

    def refuse(term: str, message: str) -> None:
        errors[TERMS[term]] = [message]

    if "name" in clean and not clean["name"]:
        refuse("name", "A key needs a name.")
    if "scopes" in clean:
        clean["scopes"] = sorted(set(clean["scopes"]))
        if not clean["scopes"] or not set(clean["scopes"]) <= set(Scope):
            refuse("scopes", "Choose at least one of the documented scopes.")
    if clean.get("expires_at") is not None and clean["expires_at"] <= timezone.now():
        refuse("expires_at", "The expiry is in the past.")
    if "ip_allowlist" in clean:
        try:
            clean["ip_allowlist"] = ip_allowlist_clean(clean["ip_allowlist"])
        except ValueError as error:
            refuse("ip_allowlist", str(error))
    for term in _NUMBERS:
        if clean.get(term) is not None and clean[term] < 1:
            refuse(term, "The number is below 1.")
    for term, choices in (("tier", Tier), ("signing_mode", ApiKey.SigningMode)):
        if term in clean and clean[term] not in choices:
            refuse(term, "There is no such choice.")
    for term in ("offer_allowlist", "brand_allowlist"):
        if term in clean:
            clean[term] = sorted(set(clean[term]))
    if errors:
        raise ValidationFailed.of(errors)
    return clean


def reach_check(*, company_id: UUID | None, organization_wide: bool) -> None:
    """Refuse a key of one company for the whole organization. Raises ValidationFailed (400)."""
    if company_id is not None and organization_wide:
        raise ValidationFailed(organizationWide=["A key bound to a company reaches its own client only."])


def ip_allowlist_clean(entries: Iterable[str]) -> list[str]:
    """Addresses and CIDR ranges in canonical form, without repeats. Raises ValueError naming a bad one."""
    clean: list[str] = []
    for entry in entries:
        try:
            network = str(ipaddress.ip_network(entry.strip(), strict=False))
        except ValueError as error:
            raise ValueError(f"{entry!r} is neither an IP address nor a CIDR range.") from error
        if network not in clean:
            clean.append(network)
    return clean


def key_facts(key: ApiKey) -> dict[str, Any]:
    """What the audit trail keeps of a key; never a secret."""
    return {
        "name": key.name,
        "key_id": key.key_id,
        "environment": key.environment,
        "scopes": list(key.scopes),
        "status": str(key.status),
        "expires_at": key.expires_at.isoformat() if key.expires_at else None,
        "company_id": str(key.company_id) if key.company_id else None,
        "ip_allowlist": list(key.ip_allowlist),
        "tier": str(key.tier),
        "requests_per_minute": key.requests_per_minute,
        "daily_quota": key.daily_quota,
        "burst": key.burst,
        "signing_mode": str(key.signing_mode),
        "offer_allowlist": [str(offer_id) for offer_id in key.offer_allowlist],
        "brand_allowlist": [str(brand_id) for brand_id in key.brand_allowlist],
        "organization_wide": key.organization_wide,
    }
