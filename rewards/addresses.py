"""Where a smart link leads: a network's address with its macros filled.

Macros of a network's `link_template`, or of an offer's `tracking_url` where the network has none:
`{offer_id}`, `{publisher_id}`, `{source}` (the campaign's pid, as the sub-publisher), `{click_id}`,
`{link_code}`, `{deep_link}`. What a template leaves out is added as Trackier names it: `p1` for the click,
`url` for the deep link.
"""

from urllib.parse import quote, urlencode, urlsplit

from django.utils.encoding import iri_to_uri

from catalog.models import Offer
from rewards.models.campaigns import Campaign

CLICK = "{click_id}"
_CLICK_PARAMETER, _DEEP_LINK_PARAMETER = "p1", "url"
_OWN_CLICK_PARAMETER = "click_id"
_SCHEMES = ("https", "http")


def network_address(
    offer: Offer, campaign: Campaign, *, code: str, deep_link: str = "", utm: dict[str, str] | None = None
) -> str:
    """The address of a link, with `{click_id}` left open; "" where the offer has none.

    UTM parameters go to the deep link, which is the advertiser's, else to the address itself. A deep link of
    an offer without a network is the address, if it is still on the offer's own site.
    """
    network = offer.network
    tags = {f"utm_{name}": value for name, value in (utm or {}).items() if value}
    target = _with(deep_link, tags) if deep_link else ""
    if network is None:
        own = target if deep_link and is_on_site(deep_link, offer) else _with(offer.tracking_url, tags)
        return _safe(own if CLICK in own else _with(own, {_OWN_CLICK_PARAMETER: CLICK}))
    text = network.link_template or offer.tracking_url
    if not text:
        return ""
    if CLICK not in text:
        text = _with(text, {_CLICK_PARAMETER: CLICK})
    if target and "{deep_link}" not in text:
        text = _with(text, {_DEEP_LINK_PARAMETER: "{deep_link}"})
    values = {
        "offer_id": offer.external_id,
        "publisher_id": network.publisher_id,
        "source": campaign.pid,
        "link_code": code,
        "deep_link": target,
    }
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", quote(value, safe=""))
    return _safe(text if target or not tags else _with(text, tags))


def raw_network_address(address: str, *, code: str) -> str:
    """A link's address for use past our redirect: the click's place names the link, then `{click_id}`.

    A partner may fill that macro with an id of its own, or leave it: a conversion finds the link by its code.
    """
    return address.replace(CLICK, f"{code}.{CLICK}")


def is_on_site(address: str, offer: Offer) -> bool:
    """Whether an address is on the site of the offer or of its brand, or below it."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    plain = address.isprintable() and not any(sign in address for sign in ' \\"<>{}')
    if not (
        plain and host and parts.scheme in _SCHEMES and "@" not in parts.netloc and port in {None, 80, 443}
    ):
        return False
    return any(host == site or host.endswith(f".{site}") for site in _sites(offer))


def _sites(offer: Offer) -> set[str]:
    pages = [offer.preview_url, offer.brand.website]
    if offer.network_id is None:
        pages.append(offer.tracking_url)
    hosts = set()
    for page in pages:
        try:
            host = urlsplit(page).hostname
        except ValueError:
            continue
        if host and "." in host:
            hosts.add(host.removeprefix("www."))
    return hosts


def _with(address: str, parameters: dict[str, str]) -> str:
    """An address with parameters more; macros in their values stay macros."""
    if not address or not parameters:
        return address
    body, mark, fragment = address.partition("#")
    joint = "&" if "?" in body else "?"
    return f"{body}{joint}{urlencode(parameters, safe='{}')}{mark}{fragment}"


def _safe(address: str) -> str:
    """An address that may stand in a header; "" for what is no web address."""
    try:
        scheme, host = urlsplit(address).scheme, urlsplit(address).hostname
    except ValueError:
        return ""
    if scheme not in _SCHEMES or not host or not address.isprintable():
        return ""
    return iri_to_uri(address).replace("%7Bclick_id%7D", CLICK)
