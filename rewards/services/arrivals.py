"""The usual postbacks: a conversion that is new, and one that says nothing new. Two round trips, no locks.

What is to be known is read by one statement, and what is to be written goes out by one message: conversion,
history, rewards, ledger and event are one transaction still, and its constraints are what makes a conversion
one. Whatever must ask more than that is left to rewards/services/conversions.py, which takes everything.
"""

from typing import Any

from django.db import IntegrityError
from django.utils import timezone

from catalog.models import AffiliateNetwork, Offer
from config.row_inserts import RowInsert
from config.statements import Call, tenant_calls
from ledger.services.posting import posting_call
from rewards.events import REWARD_QUEUED
from rewards.models import Conversion, ConversionChange, Reward, RewardTerms
from rewards.postbacks import Postback
from rewards.selectors.arrivals import Arrival, arrival_of
from rewards.services.bookkeeping import first_booking, is_announced
from rewards.services.pricing import amounts_take, currency_booked, parts_due, price_set
from rewards.transitions import ACTIONS, NETWORK, REPEATED, TRANSITIONS, Outcome, amounts_of, said
from webhooks.services import dispatcher_wake, event_call

Status, Hold = Conversion.Status, Conversion.Hold
_CONVERSION, _CHANGE, _REWARD = RowInsert(Conversion), RowInsert(ConversionChange), RowInsert(Reward)


def postback_settle(*, network: AffiliateNetwork, terms: RewardTerms, postback: Postback) -> Outcome | None:
    """Take in a postback that is new or no news; None, and nothing done, for any other."""
    arrival = arrival_of(network, postback)
    if arrival.conversion is not None:
        return _no_news(arrival.conversion, arrival.offer, network, postback)
    conversion = _new(arrival, network, postback)
    if not _can_be_priced(conversion, network):
        return None
    price_set(conversion, network)
    try:
        _write(conversion, terms, postback)
    except IntegrityError:
        # another one has it by now, or what brought it is gone
        return None
    return Outcome(conversion.id, "recorded", conversion.status)


def _no_news(
    conversion: Conversion, offer: Offer | None, network: AffiliateNetwork, postback: Postback
) -> Outcome | None:
    step = (conversion.status, postback.status)
    is_repeated = step in REPEATED
    if step in TRANSITIONS and TRANSITIONS[step] is None:
        if conversion.offer_id:
            if offer is None or offer.id != conversion.offer_id:
                return None
            conversion.offer = offer
        before = amounts_of(conversion)
        amounts_take(conversion, network, postback)
        is_repeated = amounts_of(conversion) == before
    return Outcome(conversion.id, "duplicate", conversion.status) if is_repeated else None


def _new(arrival: Arrival, network: AffiliateNetwork, postback: Postback) -> Conversion:
    conversion = Conversion(
        organization_id=network.organization_id,
        environment=network.environment,
        network_id=network.id,
        network_transaction_id=postback.transaction_id,
        click_reference=postback.click_reference,
        goal=postback.goal,
        status=postback.status,
    )
    campaign = arrival.campaign
    if campaign is None:
        conversion.held_for = Hold.UNATTRIBUTED
    else:
        conversion.campaign, conversion.offer = campaign, arrival.offer
        conversion.client_id = campaign.client_id
        conversion.click_id, conversion.user_id = arrival.click_id, arrival.user_id
    amounts_take(conversion, network, postback)
    return conversion


def _can_be_priced(conversion: Conversion, network: AffiliateNetwork) -> bool:
    """Whether neither an exchange rate nor a cap must be asked for."""
    offer = conversion.offer
    is_capped = offer is not None and offer.has_caps
    return conversion.payout_currency == currency_booked(conversion, network) and not is_capped


def _write(conversion: Conversion, terms: RewardTerms, postback: Postback) -> None:
    if conversion.status == Status.APPROVED:
        conversion.approved_at = timezone.now()
    world: dict[str, Any] = {
        "organization_id": conversion.organization_id,
        "environment": conversion.environment,
    }
    booking = first_booking(
        conversion=conversion, target=parts_due(conversion, terms), hold_days=terms.hold_days
    )
    booked, more, is_announcing = None, list[Call](), False
    if booking:
        booked, posting = posting_call(**world, entry=booking.entry)
        more += [_REWARD.call(*booking.rewards), posting] if booking.rewards else [posting]
        for reward in booking.rewards:
            if is_announced(reward, conversion):
                more.append(
                    event_call(REWARD_QUEUED, subject=reward, **world, client_id=conversion.client_id)
                )
                is_announcing = True
    change = _CHANGE.row(
        **world,
        conversion_id=conversion.id,
        action=ACTIONS[Status(postback.status)],
        actor=NETWORK,
        details=said(postback),
        ledger_transaction_id=booked,
    )
    calls = [_CONVERSION.call(conversion), _CHANGE.call(change), *more]
    tenant_calls(conversion.organization_id, conversion.environment, calls)
    if is_announcing:
        dispatcher_wake()
