"""Where a request comes from."""

from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from django.conf import settings


def client_address(meta: dict[str, Any]) -> str:
    """The caller's IP address.

    Of `X-Forwarded-For` only the entries written by TRUSTED_PROXIES proxies are believed: the n-th from
    the right. With none configured the header is ignored.
    """
    # A server on a unix socket reports no address; the peer is this host.
    address = meta.get("REMOTE_ADDR") or "127.0.0.1"
    proxies = settings.TRUSTED_PROXIES
    if proxies:
        hops = [hop.strip() for hop in meta.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
        if hops:
            address = hops[-min(proxies, len(hops))]
    return _canonical(address)


@lru_cache(maxsize=4096)
def _canonical(address: str) -> str:
    try:
        return str(ip_address(address))
    except ValueError:
        return "0.0.0.0"  # noqa: S104 (an address no allow-list holds, not a bind)
