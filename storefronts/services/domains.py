"""Domains of sites: claimed, shown to be the tenant's, given up."""

import ipaddress
import re
import secrets
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from config.outbound.errors import OutboundError
from config.outbound.sync import fetch
from partners.services.audit import Actor, audit_record
from storefronts.exceptions import HostnameRefused, HostnameTaken, NotVerified
from storefronts.hosts import hub_hostnames
from storefronts.models import Site, SiteDomain
from storefronts.services.sites import site_touch

WELL_KNOWN = "/.well-known/partner-hub.txt"
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_CHECK_TIMEOUT_S = 5
_CHECK_BYTES = 4096


@transaction.atomic
def domain_add(*, site: Site, hostname: str, actor: Actor) -> SiteDomain:
    """Claim a domain for a site; it is served once verified. Claiming it again answers the same claim.

    Raises HostnameRefused (400), and HostnameTaken (409) when it is verified already, here or elsewhere.
    """
    name = hostname_checked(hostname)
    existing = site.domains.filter(hostname=name).first()
    if existing:
        return existing
    domain = SiteDomain.objects.create(
        organization_id=site.organization_id,
        environment=site.environment,
        site=site,
        hostname=name,
        token=f"partner-hub-{secrets.token_urlsafe(24)}",
    )
    _audit(domain, "site.domain_add", actor)
    return domain


def domain_check(*, domain_id: UUID, actor: Actor) -> SiteDomain:
    """Look for the token at the domain, over HTTPS and then HTTP; verify the domain when it is there.

    Takes ten seconds at most, and holds no row meanwhile. Raises SiteDomain.DoesNotExist (404),
    HostnameTaken (409), and NotVerified (409), which stays on the row for people to read.
    """
    domain = SiteDomain.objects.get(id=domain_id)
    if domain.verified_at:
        return domain
    trouble = _token_trouble(domain)
    if trouble:
        SiteDomain.objects.filter(id=domain.id).update(checked_at=timezone.now(), check_error=trouble[:300])
        raise NotVerified(trouble)
    return _verify(domain_id, "http", actor)


def domain_vouch(*, domain_id: UUID, actor: Actor) -> SiteDomain:
    """Verify a domain on a super-admin's word. Raises SiteDomain.DoesNotExist (404), HostnameTaken (409)."""
    return _verify(domain_id, actor.name, actor)


def _verify(domain_id: UUID, by: str, actor: Actor) -> SiteDomain:
    try:
        with transaction.atomic():
            domain = SiteDomain.objects.select_for_update(of=("self",)).get(id=domain_id)
            if domain.verified_at is None:
                domain.verified_at = domain.checked_at = timezone.now()
                domain.verified_by, domain.check_error = by, ""
                domain.is_primary = not domain.site.domains.filter(is_primary=True).exists()
                domain.save()
                site_touch(site_id=domain.site_id)
                _audit(domain, "site.domain_verify", actor)
    except IntegrityError as error:
        raise HostnameTaken from error
    return domain


@transaction.atomic
def domain_make_primary(*, domain_id: UUID, actor: Actor) -> SiteDomain:
    """Let the site's other names lead to this one.

    Raises SiteDomain.DoesNotExist (404), and NotVerified (409) for one that is not verified.
    """
    domain = SiteDomain.objects.select_for_update(of=("self",)).get(id=domain_id)
    if domain.verified_at is None:
        raise NotVerified("Verify the domain first.")
    domain.site.domains.filter(is_primary=True).update(is_primary=False)
    domain.is_primary = True
    domain.save(update_fields=["is_primary", "updated_at"])
    site_touch(site_id=domain.site_id)
    _audit(domain, "site.domain_primary", actor)
    return domain


@transaction.atomic
def domain_remove(*, domain_id: UUID, actor: Actor) -> None:
    """Give a domain up: the hub stops answering it. Raises SiteDomain.DoesNotExist (404)."""
    domain = SiteDomain.objects.select_for_update(of=("self",)).get(id=domain_id)
    _audit(domain, "site.domain_remove", actor)
    domain.delete()
    site_touch(site_id=domain.site_id)


def hostname_checked(text: str) -> str:
    """A domain as it is kept: lower case, in its ASCII form, without a dot at the end.

    Raises HostnameRefused (400) for what is no public name, and for the hub's own names.
    """
    try:
        name = text.strip().rstrip(".").lower().encode("idna").decode()
    except UnicodeError as error:
        raise HostnameRefused(hostname=["Write a domain like deals.example.com."]) from error
    labels = name.split(".")
    if len(name) > 253 or len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels):
        raise HostnameRefused(hostname=["Write a domain like deals.example.com."])
    if _is_address(name):
        raise HostnameRefused(hostname=["Write a domain, not an address."])
    platform = settings.SITES_DOMAIN
    if name in hub_hostnames() or (platform and (name == platform or name.endswith(f".{platform}"))):
        raise HostnameRefused(hostname=["This name is the hub's own."])
    return name


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name.rpartition(".")[2].isdigit()
    return True


def _token_trouble(domain: SiteDomain) -> str:
    """Why the token was not found; "" when it was."""
    trouble = ""
    for scheme in ("https", "http"):
        try:
            answer = fetch(
                f"{scheme}://{domain.hostname}{WELL_KNOWN}",
                timeout_s=_CHECK_TIMEOUT_S,
                max_bytes=_CHECK_BYTES,
            )
        except OutboundError as error:
            trouble = trouble or f"{scheme}: {error}"
            continue
        if answer.status == 200 and answer.body.decode("utf-8", "replace").strip() == domain.token:
            return ""
        trouble = f"{scheme}: answered {answer.status} without the token"
    return trouble


def _audit(domain: SiteDomain, action: str, actor: Actor) -> None:
    audit_record(
        actor=actor,
        action=action,
        target=domain,
        organization_id=domain.organization_id,
        after={
            "hostname": domain.hostname,
            "verified_by": domain.verified_by,
            "is_primary": domain.is_primary,
        },
    )
