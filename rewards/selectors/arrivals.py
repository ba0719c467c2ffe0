"""What is known of postbacks when they arrive, in one round trip for all that arrived together."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

import orjson
from django.db import DEFAULT_DB_ALIAS, models

from catalog.models import AffiliateNetwork, Offer
from config.statements import Call, TenantStatement, tenant_calls
from rewards.models import Campaign, Conversion
from rewards.offers import TERMS
from rewards.postbacks import Postback
from rewards.selectors.attribution import click_span, link_code

Row = TypeVar("Row", bound=models.Model)
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class _Columns(Generic[Row]):
    """Some columns of a model that a statement reads beside others'."""

    def __init__(self, model: type[Row], *names: str) -> None:
        self._model = model
        fields = [field for field in model._meta.concrete_fields if field.attname in {"id", *names}]
        # from_db takes values in the order of the fields
        self._names = [field.attname for field in fields]
        self._id = self._names.index("id")
        self._ids = [name == "id" or name.endswith("_id") for name in self._names]
        self.width = len(fields)
        table = model._meta.model_name
        self.names = ", ".join(f"{table}_{field.column}" for field in fields)
        self.sql = ", ".join(f"{table}.{field.column} AS {table}_{field.column}" for field in fields)

    def read(self, values: Sequence[Any]) -> Row | None:
        """An instance with these values; None for one that was not found."""
        found = [
            UUID(value) if is_id and value else value for is_id, value in zip(self._ids, values, strict=True)
        ]
        return self._model.from_db(DEFAULT_DB_ALIAS, self._names, found) if found[self._id] else None


_CONVERSION = _Columns(Conversion, "status", "sale_minor", "payout_minor", "payout_currency", "offer_id")
_CAMPAIGN = _Columns(Campaign, "client_id", "offer_id", "share", "flat_reward_minor", "currency")
_OFFER = _Columns(Offer, *TERMS)
# The conversion, if it is known; and the campaign and offer of the click or link, if they are the network's.
# Each postback's are looked up by themselves (OFFSET 0), an offer by its id alone (IS TRUE): that costs the
# same however large the tables are.
_FOUND = f"""
SELECT place, click_id, user_id, {_CONVERSION.names}, {_CAMPAIGN.names}, {_OFFER.names}
FROM json_to_recordset($2::json) AS asked (
  place int, transaction_id text, code text, click uuid, earliest timestamptz, latest timestamptz)
LEFT JOIN LATERAL (
  SELECT {_CONVERSION.sql} FROM rewards_conversion conversion
  WHERE conversion.network_id = $1 AND conversion.network_transaction_id = asked.transaction_id OFFSET 0
) AS known ON true
LEFT JOIN LATERAL (
  SELECT {{click}}, {_CAMPAIGN.sql}, {_OFFER.sql} FROM {{links}}
  JOIN rewards_campaign campaign ON campaign.id = link.campaign_id
  JOIN catalog_offer offer ON offer.id = campaign.offer_id AND (offer.network_id = $1) IS TRUE
  WHERE {{named}} OFFSET 0
) AS brought ON true
"""  # noqa: S608 (names of our own)
_BY_LINK = TenantStatement(
    _FOUND.format(
        click="NULL::uuid AS click_id, link.user_id",
        links="rewards_smartlink link",
        named="link.code = asked.code",
    ),
    types=("uuid", "text"),
    generic=True,
)
_BY_CLICK = TenantStatement(
    _FOUND.format(
        click="click.id AS click_id, click.user_id",
        links="rewards_click click JOIN rewards_smartlink link ON link.id = click.link_id",
        # its time says in which partition it is
        named="click.id = asked.click AND click.created_at BETWEEN asked.earliest AND asked.latest",
    ),
    types=("uuid", "text"),
    generic=True,
)


class Arrival(NamedTuple):
    """What is known: the conversion, and what brought it. Of each the fields named above, and no others."""

    conversion: Conversion | None
    campaign: Campaign | None
    offer: Offer | None
    click_id: UUID | None
    user_id: str


def arrivals_of(network: AffiliateNetwork, postbacks: Sequence[Postback]) -> list[Arrival]:
    """What the network's tenant knows of each postback's transaction and of the click that it names.

    As `attribution_of` finds it. One round trip and a transaction of its own.
    """
    asked: dict[TenantStatement, list[dict[str, Any]]] = {}
    for place, postback in enumerate(postbacks):
        statement, reference = _asked(postback.click_reference.strip())
        given = {"place": place, "transaction_id": postback.transaction_id, **reference}
        asked.setdefault(statement, []).append(given)
    calls = [
        Call(statement, (str(network.id), orjson.dumps(given).decode())) for statement, given in asked.items()
    ]
    found: list[Arrival | None] = [None] * len(postbacks)
    for rows in tenant_calls(network.organization_id, network.environment, calls):
        for place, click_id, user_id, *values in rows:
            found[place] = _arrival(click_id, user_id, values)
    return [arrival for arrival in found if arrival]


def _asked(reference: str) -> tuple[TenantStatement, dict[str, Any]]:
    try:
        click = UUID(reference)
    except ValueError:
        return _BY_LINK, {"code": link_code(reference)}
    # no click has an id without a time
    earliest, latest = click_span(click) or (_NEVER, _NEVER)
    return _BY_CLICK, {"click": click, "earliest": earliest, "latest": latest}


def _arrival(click_id: str | None, user_id: str | None, values: Sequence[Any]) -> Arrival:
    campaign, offer = _brought_by(tuple(values[_CONVERSION.width :]))
    return Arrival(
        _CONVERSION.read(values[: _CONVERSION.width]),
        campaign,
        offer,
        UUID(click_id) if click_id else None,
        user_id or "",
    )


@lru_cache(maxsize=2_000)
def _brought_by(values: tuple[Any, ...]) -> tuple[Campaign | None, Offer | None]:
    """What was read before is the same; nobody changes it."""
    return _CAMPAIGN.read(values[: _CAMPAIGN.width]), _OFFER.read(values[_CAMPAIGN.width :])
