"""What is known of a postback when it arrives, by one statement in one round trip."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, models

from catalog.models import AffiliateNetwork, Offer
from config.statements import TenantStatement
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
        self.sql = ", ".join(f"{model._meta.model_name}.{field.column}" for field in fields)

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
_FOUND = f"""
SELECT {{click}}, {_CONVERSION.sql}, {_CAMPAIGN.sql}, {_OFFER.sql}
FROM (SELECT 1) AS asked
LEFT JOIN rewards_conversion conversion
  ON conversion.network_id = $1 AND conversion.network_transaction_id = $2
LEFT JOIN ({{links}}
  JOIN rewards_campaign campaign ON campaign.id = link.campaign_id
  JOIN catalog_offer offer ON offer.id = campaign.offer_id AND offer.network_id = $1
) ON {{named}}
"""  # noqa: S608 (names of our own)
_BY_LINK = TenantStatement(
    _FOUND.format(click="NULL::uuid, link.user_id", links="rewards_smartlink link", named="link.code = $3"),
    types=("uuid", "text", "text"),
    generic=True,
)
_BY_CLICK = TenantStatement(
    _FOUND.format(
        click="click.id, click.user_id",
        links="rewards_click click JOIN rewards_smartlink link ON link.id = click.link_id",
        # its time says in which partition it is
        named="click.id = $3 AND click.created_at BETWEEN $4 AND $5",
    ),
    types=("uuid", "text", "uuid", "timestamptz", "timestamptz"),
    generic=True,
)


class Arrival(NamedTuple):
    """What is known: the conversion, and what brought it. Of each the fields named above, and no others."""

    conversion: Conversion | None
    campaign: Campaign | None
    offer: Offer | None
    click_id: UUID | None
    user_id: str


def arrival_of(network: AffiliateNetwork, postback: Postback) -> Arrival:
    """What the network's tenant knows of a postback's transaction and of the click that it names.

    As `attribution_of` finds it. A round trip and a transaction of its own.
    """
    reference = postback.click_reference.strip()
    given = [str(network.id), postback.transaction_id]
    try:
        click = UUID(reference)
    except ValueError:
        statement = _BY_LINK
        given.append(link_code(reference))
    else:
        # no click has an id without a time
        span = click_span(click) or (_NEVER, _NEVER)
        statement = _BY_CLICK
        given += [str(click), *(moment.isoformat() for moment in span)]
    ((click_id, user_id, *found),) = statement.rows(network.organization_id, network.environment, given)
    known, rest = found[: _CONVERSION.width], found[_CONVERSION.width :]
    campaign, offer = _brought_by(tuple(rest))
    return Arrival(
        _CONVERSION.read(known),
        campaign,
        offer,
        UUID(click_id) if click_id else None,
        user_id or "",
    )


@lru_cache(maxsize=2_000)
def _brought_by(values: tuple[Any, ...]) -> tuple[Campaign | None, Offer | None]:
    """What was read before is the same; nobody changes it."""
    return _CAMPAIGN.read(values[: _CAMPAIGN.width]), _OFFER.read(values[_CAMPAIGN.width :])
