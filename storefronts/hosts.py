"""Which host names are the hub's own, and which are a site's."""

import time
from functools import lru_cache
from urllib.parse import urlsplit

from django.conf import settings

from config import tenancy
from storefronts.models import Site, SiteDomain

# A name that is nobody's is not looked up again for so long, however often it is asked for.
_UNKNOWN_S = 3.0
_UNKNOWN_KEPT = 10_000
_unknown: dict[str, float] = {}


def hub_hostnames() -> frozenset[str]:
    """Names that are the hub's, whatever a tenant claims: ALLOWED_HOSTS as written, and HUB_URL's."""
    return _hub_hostnames(tuple(settings.ALLOWED_HOSTS), settings.HUB_URL)


@lru_cache(maxsize=8)
def _hub_hostnames(allowed: tuple[str, ...], hub_url: str) -> frozenset[str]:
    named = {host.lower().lstrip(".") for host in allowed if host != "*"}
    return frozenset(named | {(urlsplit(hub_url).hostname or "").lower()} - {""})


def hostname_of(host_header: str) -> str:
    """The name in a Host header, lower case, without its port and a dot at the end."""
    host = host_header.strip().lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].rstrip(".")


def site_of_host(hostname: str) -> Site | None:
    """The site that answers to a name: one below SITES_DOMAIN, or a verified domain; None for any other.

    Asked at each request, so a domain that is given up is gone at once. Of a suspended organization no site
    answers. Its organization, pictures and domains come with it.
    """
    if not 0 < len(hostname) <= 253 or hostname in hub_hostnames():
        return None
    now = time.monotonic()
    if _unknown.get(hostname, 0.0) > now:
        return None
    site = _look_up(hostname)
    if site is None:
        if len(_unknown) >= _UNKNOWN_KEPT:
            _unknown.clear()
        _unknown[hostname] = now + _UNKNOWN_S
    return site


def _look_up(hostname: str) -> Site | None:
    sites = Site.objects.select_related("organization").filter(organization__status="active")
    with tenancy.operator():
        slug = _slug_below(hostname)
        if slug:
            return sites.filter(slug=slug).first()
        domain = SiteDomain.objects.verified().filter(hostname=hostname).values("site_id").first()
        return sites.filter(id=domain["site_id"]).first() if domain else None


def _slug_below(hostname: str) -> str:
    platform = settings.SITES_DOMAIN
    if not platform or not hostname.endswith(f".{platform}"):
        return ""
    return hostname.removesuffix(f".{platform}")
