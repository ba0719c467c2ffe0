"""Which addresses the hub may dial: public ones, and this machine's own where a setting allows it.

The table is ssrfguard's (IANA's special-purpose registries; NAT64 and 6to4 are judged by the IPv4
address they carry), narrowed by what it lets through.
"""

import re
import socket
from collections.abc import Sequence
from functools import cache
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from ssrfguard import DEFAULT_DENIED, AddressTable, Block, BlockedAddressError, Policy, Reach

from config.outbound.errors import OutboundError

MAX_URL_LENGTH = 2048
# Of a name's addresses so many are dialled at most: a name must not make the hub knock at a whole network.
_MAX_DIALLED = 4
# as socket.getaddrinfo answers: family, type, protocol, canonical name, address
AddressInfo = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]
_CONTROL = re.compile(r"[\x00-\x20\x7f-\xa0\\\u2028\u2029]")
_LOOPBACK = tuple(ip_network(network) for network in ("127.0.0.0/8", "::1/128"))


def _denied(network: str, why: str) -> Block:
    return Block(ip_network(network), why, "Partner Hub", Reach.DENIED)


_TABLE = AddressTable(
    (
        *DEFAULT_DENIED.blocks,
        _denied("168.63.129.16/32", "Azure platform services"),
        _denied("::/0", "not global unicast (RFC 4291)"),
        Block(ip_network("2000::/3"), "global unicast", "RFC 4291", Reach.PERMITTED),
    )
)


@cache
def _policy(allow_loopback: bool) -> Policy:
    return Policy(
        denied_networks=_TABLE,
        allowed_networks=_LOOPBACK if allow_loopback else (),
    )


def _present_policy() -> Policy:
    return _policy(settings.OUTBOUND_ALLOW_LOOPBACK)


def address_check(address: str) -> None:
    """Raise OutboundError (address_not_allowed) unless this IP address may be dialled."""
    try:
        _present_policy().check_address(address)
    except BlockedAddressError as error:
        raise OutboundError("address_not_allowed", "The host does not lead to a public address.") from error


def resolve(host: str, port: int, family: int = socket.AF_UNSPEC) -> Sequence[AddressInfo]:
    """A host's addresses, at most four, to be dialled as they stand: asked again, a name may lie.

    Blocks for as long as the system's resolver does. Raises OutboundError (address_not_allowed) when one of
    them may not be dialled, socket.gaierror when there are none.
    """
    found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
    for _, _, _, _, address in found:
        address_check(str(address[0]))
    return found[:_MAX_DIALLED]


def url_check(url: str) -> None:
    """Raise ValueError with a sentence unless a request to this URL could be allowed.

    Nothing is resolved: where the host's name leads is judged when it is dialled.
    """
    if not isinstance(url, str) or not url:
        raise ValueError("Give a URL.")
    if len(url) > MAX_URL_LENGTH:
        raise ValueError(f"The URL is longer than {MAX_URL_LENGTH} characters.")
    if _CONTROL.search(url):
        raise ValueError("The URL contains a space, a control character or a backslash.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ValueError("The URL is not valid.") from error
    if parts.scheme not in ("http", "https"):
        raise ValueError("The URL must begin with https://.")
    if "@" in parts.netloc:
        raise ValueError("The URL must not contain a user name or password.")
    if not host.strip("."):
        raise ValueError("The URL names no host.")
    if port == 0:
        raise ValueError("The URL's port must be between 1 and 65535.")
    _host_check(parts, host)


def _host_check(parts: SplitResult, host: str) -> None:
    loopback = _is_loopback(host)
    if loopback and not settings.OUTBOUND_ALLOW_LOOPBACK:
        raise ValueError("The URL points at this machine.")
    if parts.scheme == "http" and not loopback:
        raise ValueError("The URL must begin with https://.")
    try:
        literal = ip_address(host)
    except ValueError:
        return
    if not _present_policy().permits_address(literal):
        raise ValueError("The URL's host is not a public address.")


def _is_loopback(host: str) -> bool:
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    return any(address in network for network in _LOOPBACK if network.version == address.version)
