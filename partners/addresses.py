"""Addresses that a partner registers: where people are sent back to, and where callbacks go."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator

MAX_LENGTH = 2048
_LOOPBACK = ("127.0.0.1", "::1")
_well_formed = URLValidator(schemes=("https", "http"))


def redirect_uri_check(uri: str) -> None:
    """Raise ValueError with a sentence unless OAuth may send people back to this URI.

    It is compared as it stands, so it holds neither wildcard nor fragment (RFC 9700, 2.1; RFC 6749, 3.1.2).
    Only apps on the person's own machine listen without TLS, on a loopback address (RFC 8252, 7.3 and 8.3).
    """
    scheme, host = _parts(uri)
    if "*" in uri:
        raise ValueError("A redirect URI holds no wildcard; name each address.")
    if scheme == "http" and host not in _LOOPBACK:
        raise ValueError("The URI must begin with https://; http is for 127.0.0.1 and [::1] only.")


def callback_url_check(url: str) -> None:
    """Raise ValueError with a sentence unless webhooks could go to this URL.

    Where the host's name leads is judged when it is dialled (docs/webhooks.md).
    """
    scheme, host = _parts(url)
    try:
        literal = ip_address(host)
    except ValueError:
        local = host == "localhost" or host.endswith(".localhost")
    else:
        local = literal.is_loopback
        if not local and not literal.is_global:
            raise ValueError("The URL's host is not a public address.")
    if local and not settings.OUTBOUND_ALLOW_LOOPBACK:
        raise ValueError("The URL points at this machine.")
    if scheme == "http" and not local:
        raise ValueError("The URL must begin with https://.")


def _parts(url: str) -> tuple[str, str]:
    """The scheme (https or http) and the host. Raises ValueError."""
    if len(url) > MAX_LENGTH:
        raise ValueError(f"The address is longer than {MAX_LENGTH} characters.")
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise ValueError("The address holds a character that must be percent-encoded.")
    if "#" in url:
        raise ValueError("The address must not hold a fragment (#).")
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
        _well_formed(url)
    except (ValueError, ValidationError) as error:
        raise ValueError("Give an https:// address.") from error
    if "@" in parts.netloc:
        raise ValueError("The address must not hold a user name or password.")
    return parts.scheme, host.rstrip(".").lower()
