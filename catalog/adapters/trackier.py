"""Trackier's publisher API (its OpenAPI document: github.com/trackier/perf-pub-api-docs).

`GET /v2/publisher/campaigns?page&limit` answers the campaigns a publisher may run, `{"success", "data":
{"campaigns", "page", "count"}}`, at most 5 requests a second; the key is the header `X-Api-Key`. A campaign
of model `cps` pays a percentage of the sale, any other an amount in `currency` (USD where there is none). One
without a tracking link waits for the network's approval. There are no advertisers in it: a campaign's brand
is its app, or the site it leads to.
"""

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

from babel.numbers import get_currency_precision
from django.utils.html import strip_tags
from django.utils.translation import gettext_lazy as _

from catalog.adapters.base import (
    Access,
    NetworkBrand,
    NetworkOffer,
    NetworkRefused,
    NetworkUnavailable,
    Page,
    Unreadable,
)
from catalog.adapters.http import ask

PAGE_SIZE = 100
_WHOLE = 10_000
_MAX_MINOR = 10**15
_LINE_ENDS = re.compile(r"<(?:br|/p|/div|/li|/h\d)\b[^<>]*>", re.IGNORECASE)


class _Reasons(Exception):
    """Why a campaign is no offer, by field."""

    def __init__(self, **fields: str) -> None:
        self.fields = {name: [said] for name, said in fields.items()}


class Trackier:
    """See the module's text."""

    name: ClassVar[str] = "trackier"
    label: ClassVar[str] = "Trackier"
    default_base_url: ClassVar[str] = "https://api.trackier.com"
    default_link_template: ClassVar[str] = (
        "https://YOUR-NETWORK.gotrackier.com/click?campaign_id={offer_id}&pub_id={publisher_id}&p1={click_id}"
    )
    credential_labels: ClassVar[Mapping[str, Any]] = MappingProxyType({"api_key": _("Publisher API key")})
    pace_s: ClassVar[float] = 0.2

    def __init__(self, access: Access) -> None:
        self._access = access

    def page(self, cursor: str) -> Page:
        number = int(cursor or 1)
        data = self._get("/v2/publisher/campaigns", page=number, limit=PAGE_SIZE).get("data")
        campaigns = data.get("campaigns") if isinstance(data, dict) else None
        if not isinstance(data, dict) or not isinstance(campaigns, list):
            raise NetworkUnavailable("unexpected_answer", "The network's answer has no campaigns.")
        offers, unreadable = campaigns_read(campaigns, self._access.currency)
        total = data.get("count")
        return Page(
            offers=offers,
            unreadable=unreadable,
            # its documentation: go on until no campaigns are returned
            next_cursor=str(number + 1) if campaigns else "",
            total=total if isinstance(total, int) and total >= 0 else None,
            seen=len(campaigns),
        )

    def check(self) -> str:
        profile = self._get("/v2/publishers/profile").get("profile")
        if not isinstance(profile, dict):
            raise NetworkUnavailable("unexpected_answer", "The network's answer has no profile.")
        return f"{_text(profile.get('name'), 120)} ({_text(profile.get('email'), 254)})"

    def _get(self, path: str, **query: Any) -> dict[str, Any]:
        url = self._access.base_url.rstrip("/") + path + (f"?{urlencode(query)}" if query else "")
        headers = {"X-Api-Key": self._access.credentials.get("api_key", ""), "Accept": "application/json"}
        status, body = ask(url, headers=headers)
        if status == 200 and isinstance(body, dict) and body.get("success", True) is True:
            return body
        error = body.get("error") if isinstance(body, dict) else None
        said = _text(error.get("message"), 200) if isinstance(error, dict) else ""
        if 400 <= status < 500:
            # it answers 400 to a key it does not know
            raise NetworkRefused("network_refused", said or f"The network answered {status}.")
        raise NetworkUnavailable("unexpected_answer", said or f"The network answered {status}.")


def campaigns_read(
    campaigns: Sequence[Any], currency: str
) -> tuple[tuple[NetworkOffer, ...], tuple[Unreadable, ...]]:
    """Campaigns in the catalogue's terms, and those that cannot be; `currency` where they name none."""
    offers, unreadable = [], []
    for campaign in campaigns:
        try:
            offers.append(_offer(campaign, currency))
        except _Reasons as why:
            known = campaign if isinstance(campaign, dict) else {}
            identity, title = _text(known.get("id"), 120), _text(known.get("title"), 255)
            unreadable.append(Unreadable(identity, title, why.fields, campaign))
    return tuple(offers), tuple(unreadable)


def _offer(campaign: Any, currency: str) -> NetworkOffer:
    """A campaign in the catalogue's terms. Raises _Reasons."""
    if not isinstance(campaign, dict):
        raise _Reasons(campaign="This is no object.")
    identity, title = _text(campaign.get("id"), 120), _text(campaign.get("title"), 255)
    if not identity:
        raise _Reasons(id="This is missing.")
    if not title:
        raise _Reasons(title="This is missing.")
    currency = (_text(campaign.get("currency"), 10) or currency).upper()
    if len(currency) != 3 or not currency.isalpha():
        raise _Reasons(currency="This is no ISO 4217 currency.")
    kind, value = _commission(campaign, currency)
    tracking_url, preview_url = _url(campaign.get("tracking_link")), _url(campaign.get("preview_url"))
    categories = list(_texts(campaign.get("categories")))
    return NetworkOffer(
        external_id=identity,
        brand=_brand(campaign, preview_url, title),
        name=title,
        commission_type=kind,
        commission_value=value,
        commission_currency=currency,
        category=categories[0][:120] if categories else "",
        description=_plain(campaign.get("description"))[:10_000],
        image_urls=tuple(_images(campaign.get("creatives"))),
        tracking_url=tracking_url,
        preview_url=preview_url,
        status="active" if tracking_url else "paused",
        regions=_regions(campaign.get("countries")),
        **_caps(campaign.get("cap"), currency),
    )


def _commission(campaign: Mapping[str, Any], currency: str) -> tuple[str, int]:
    """The payout that holds without further conditions, or the first one."""
    payouts = [one for one in campaign.get("payouts") or () if isinstance(one, dict)]
    if not payouts:
        raise _Reasons(payouts="There is none.")
    base = next((one for one in payouts if not one.get("variable") and not one.get("city")), payouts[0])
    amount = _number(base.get("payout"))
    if amount is None or amount < 0:
        raise _Reasons(payouts="The payout is no amount.")
    if campaign.get("model") == "cps":
        value = round(amount * 100)
        if value > _WHOLE:
            raise _Reasons(payouts="The payout is more than the whole sale.")
        return "percentage", value
    value = _minor(amount, currency)
    if value > _MAX_MINOR:
        raise _Reasons(payouts="The payout is no amount.")
    return "flat", value


def _brand(campaign: Mapping[str, Any], preview_url: str, title: str) -> NetworkBrand:
    app, identity = _text(campaign.get("app_name"), 200), _text(campaign.get("app_id"), 116)
    parts = urlsplit(preview_url)
    host = (parts.hostname or "").removeprefix("www.")
    if app or identity:
        return NetworkBrand(f"app:{identity or app.lower()}"[:120], app or identity, website=preview_url)
    if host:
        name = host.split(".")[0].replace("-", " ").title()
        return NetworkBrand(f"site:{host}"[:120], name[:200], website=f"{parts.scheme}://{parts.netloc}")
    return NetworkBrand(f"campaign:{_text(campaign.get('id'), 111)}", title[:200])


def _caps(cap: Any, currency: str) -> dict[str, Any]:
    """`{"type", "daily", "lifetime"}`: 0 is none; months have no place in the catalogue."""
    if not isinstance(cap, dict):
        return {}
    caps = {}
    for theirs, ours in (("daily", "daily"), ("lifetime", "total")):
        number = _number(cap.get(theirs))
        if not number or number < 0:
            continue
        if cap.get("type") == "conversion":
            caps[f"{ours}_conversion_cap"] = min(int(number), 2**31 - 1)
        elif cap.get("type") in ("payout", "revenue"):
            caps[f"{ours}_revenue_cap_minor"] = min(_minor(number, currency), _MAX_MINOR)
    return caps


def _images(creatives: Any) -> Iterator[str]:
    for creative in creatives if isinstance(creatives, list) else ():
        is_image = isinstance(creative, dict) and str(creative.get("mime_type", "")).startswith("image/")
        if is_image and (url := _url(creative.get("full_url"))):
            yield url


def _regions(countries: Any) -> tuple[str, ...]:
    codes = {code.upper() for code in _texts(countries)}
    return () if "ALL" in codes else tuple(sorted(code for code in codes if len(code) == 2))


def _texts(values: Any) -> Iterator[str]:
    for value in values if isinstance(values, list) else ():
        if text := _text(value, 200):
            yield text


def _text(value: Any, most: int) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return " ".join(str(value).replace("\x00", "").split())[:most]


def _plain(value: Any) -> str:
    """Its texts are HTML, of which lines remain."""
    if not isinstance(value, str):
        return ""
    lines = html.unescape(strip_tags(_LINE_ENDS.sub("\n", value.replace("\x00", "")))).splitlines()
    return "\n".join(line for line in (" ".join(line.split()) for line in lines) if line)


def _url(value: Any) -> str:
    text = _text(value, 2049)
    return text if len(text) <= 2048 and text.lower().startswith(("http://", "https://")) else ""


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    number = Decimal(value)
    return number if number.is_finite() and abs(number) < _MAX_MINOR else None


def _minor(amount: Decimal, currency: str) -> int:
    return round(amount.scaleb(get_currency_precision(currency)))
