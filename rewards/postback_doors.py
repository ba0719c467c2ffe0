"""Which network knocks: its secret, its addresses and its organization's terms, kept for a second."""

import hmac
import time
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from uuid import UUID

from django.db.models import Q

from catalog.models import AffiliateNetwork
from config import tenancy
from config.encryption import unseal
from rewards.models import RewardTerms
from rewards.selectors.rates import terms_of

# A secret or an address that is taken away opens nothing a second later.
_KEPT_S = 1.0
_MOST = 1000
_NOTHING = b"\x00" * 32


@dataclass(frozen=True, slots=True)
class PostbackDoor:
    """A network as its postbacks meet it."""

    network: AffiliateNetwork
    terms: RewardTerms
    secret: bytes
    addresses: tuple[IPv4Network | IPv6Network, ...]

    def admits_address(self, address: str) -> bool:
        """Whether postbacks may come from there (no list: from anywhere)."""
        if not self.addresses:
            return True
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        parsed = getattr(parsed, "ipv4_mapped", None) or parsed
        return any(parsed in network for network in self.addresses)


_doors: dict[str, tuple[float, tuple[PostbackDoor, ...]]] = {}


def door_find(name: str, secret: str) -> PostbackDoor | None:
    """The network with this id or slug whose secret this is; None for a wrong one and an unknown network.

    Two organizations may call theirs alike: the secret tells them apart. Compared in constant time.
    """
    given = secret.encode()
    found = None
    doors = _doors_of(name)
    for door in doors:
        if hmac.compare_digest(door.secret, given) and door.secret:
            found = door
    if not doors:
        hmac.compare_digest(_NOTHING, given)
    return found


def _doors_of(name: str) -> tuple[PostbackDoor, ...]:
    now = time.monotonic()
    known = _doors.get(name)
    if known and known[0] > now:
        return known[1]
    if len(_doors) >= _MOST:
        _doors.clear()
    doors = _read(name)
    _doors[name] = (now + _KEPT_S, doors)
    return doors


def _read(name: str) -> tuple[PostbackDoor, ...]:
    wanted = Q(slug=name)
    with suppress(ValueError):
        wanted |= Q(id=UUID(name))
    with tenancy.operator():
        networks = AffiliateNetwork.objects.filter(wanted, is_enabled=True)
        networks = networks.exclude(postback_secret_sealed=b"")
        return tuple(
            PostbackDoor(
                network,
                terms_of(network.organization_id, network.environment),
                unseal(bytes(network.postback_secret_sealed), purpose="network-postback"),
                tuple(ip_network(one, strict=False) for one in network.postback_ip_allowlist),
            )
            for network in networks
        )
