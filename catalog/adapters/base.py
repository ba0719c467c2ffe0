"""What every adapter of an affiliate network gives: pages of its catalogue, and why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Protocol


class NetworkError(Exception):
    """The network gave no usable answer: `code` is stable, `message` a sentence for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class NetworkRefused(NetworkError):
    """It will answer the same tomorrow: wrong credentials, a wrong address, no permission."""


class NetworkUnavailable(NetworkError):
    """Another try may do: an outage, a time-out, an answer that makes no sense."""


class NetworkBusy(NetworkError):
    """A rate limit: ask again after `wait_s` seconds."""

    def __init__(self, wait_s: float) -> None:
        super().__init__("rate_limited", f"The network asks to wait {wait_s:g} s.")
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Access:
    """A network as an adapter needs it: `credentials` by the adapter's own names."""

    base_url: str
    credentials: Mapping[str, str]
    currency: str


@dataclass(frozen=True, slots=True)
class NetworkBrand:
    """The brand of an offer, as the network names it."""

    external_id: str
    name: str
    website: str = ""
    logo_url: str = ""


@dataclass(frozen=True, slots=True)
class NetworkOffer:
    """An offer as the network says it stands, in the catalogue's terms (models.Offer)."""

    external_id: str
    brand: NetworkBrand
    name: str
    commission_type: str
    commission_value: int
    commission_currency: str
    category: str = ""
    description: str = ""
    image_urls: tuple[str, ...] = ()
    tracking_url: str = ""
    preview_url: str = ""
    status: str = "active"
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    regions: tuple[str, ...] = ()
    daily_conversion_cap: int | None = None
    total_conversion_cap: int | None = None
    daily_revenue_cap_minor: int | None = None
    total_revenue_cap_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something in the catalogue that is no offer we can take in; `reasons` by the network's field names."""

    external_id: str
    name: str
    reasons: Mapping[str, list[str]]
    received: Any


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the catalogue. `next_cursor` is where the next one begins, "" behind the last one.

    `total` is how many there are in all, where the network says so.
    """

    offers: tuple[NetworkOffer, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    next_cursor: str = ""
    total: int | None = None
    seen: int = field(default=0)


class Adapter(Protocol):
    """Speaks one kind of network's API. Cursors are the adapter's own; "" begins at the front."""

    name: ClassVar[str]
    label: ClassVar[str]
    default_base_url: ClassVar[str]
    default_link_template: ClassVar[str]
    # What `Access.credentials` must hold -> how the form calls it.
    credential_labels: ClassVar[Mapping[str, Any]]
    # The pace its documentation asks for, in seconds between two requests.
    pace_s: ClassVar[float]

    def __init__(self, access: Access) -> None: ...

    def page(self, cursor: str) -> Page:
        """One page. Raises NetworkBusy, NetworkUnavailable, NetworkRefused."""

    def check(self) -> str:
        """Ask who we are there; answers a sentence for people. Raises as `page` does."""
