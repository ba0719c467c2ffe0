"""The usual postbacks: a conversion that is new, and one that says nothing new. Two round trips, no locks.

What is to be known is read by one statement, and what is to be written goes out by one message: conversions,
history, rewards, ledger and events are one transaction still, and its constraints are what makes a conversion
one. Whatever must ask more than that is left to rewards/services/conversions.py, which takes everything.
"""

from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError
from django.utils import timezone

from catalog.models import AffiliateNetwork, Offer
from config.row_inserts import RowInsert
from config.statements import tenant_calls
from ledger.services.posting import posting_call
from rewards.events import REWARD_QUEUED
from rewards.models import Conversion, ConversionChange, RewardTerms
from rewards.postbacks import Postback
from rewards.selectors.arrivals import Arrival, arrivals_of
from rewards.services.bookkeeping import REWARD_ROWS, Booking, first_booking, is_announced
from rewards.services.pricing import amounts_take, currency_booked, parts_due, price_set
from rewards.transitions import ACTIONS, NETWORK, REPEATED, TRANSITIONS, Outcome, amounts_of, said
from webhooks.services import dispatcher_wake, events_call

Status, Hold = Conversion.Status, Conversion.Hold
_CONVERSION, _CHANGE = RowInsert(Conversion), RowInsert(ConversionChange)


def postbacks_settle(
    *, network: AffiliateNetwork, terms: RewardTerms, postbacks: Sequence[Postback]
) -> list[Outcome | None]:
    """Take in those postbacks that are new or no news, all in one transaction.

    Answers what came of each: None, and nothing done, for any other. Of two that name the same
    transaction the second is left. Raises django.db.IntegrityError, and nothing is done, where the database
    refuses what one of several writes.
    """
    arrivals = arrivals_of(network, postbacks)
    outcomes: list[Outcome | None] = []
    written: list[tuple[Conversion, Postback]] = []
    met: set[str] = set()
    for arrival, postback in zip(arrivals, postbacks, strict=True):
        outcome, conversion = None, None
        if postback.transaction_id not in met:
            met.add(postback.transaction_id)
            if arrival.conversion is not None:
                outcome = _no_news(arrival.conversion, arrival.offer, network, postback)
            elif conversion := _priced(arrival, network, postback):
                outcome = Outcome(conversion.id, "recorded", conversion.status)
                written.append((conversion, postback))
        outcomes.append(outcome)
    try:
        if written:
            # in order, or two processes with the same ones could wait for each other
            _write(network, terms, sorted(written, key=lambda one: one[1].transaction_id))
    except IntegrityError:
        if len(postbacks) > 1:
            raise
        # another one has it by now, or what brought it is gone
        return [None]
    return outcomes


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


def _priced(arrival: Arrival, network: AffiliateNetwork, postback: Postback) -> Conversion | None:
    """The conversion that a postback makes; None where a rate or a cap must be asked for."""
    conversion = _new(arrival, network, postback)
    if not _can_be_priced(conversion, network):
        return None
    price_set(conversion, network)
    return conversion


def _new(arrival: Arrival, network: AffiliateNetwork, postback: Postback) -> Conversion:
    conversion = _CONVERSION.instance(
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


def _write(
    network: AffiliateNetwork, terms: RewardTerms, written: Sequence[tuple[Conversion, Postback]]
) -> None:
    world: dict[str, Any] = {"organization_id": network.organization_id, "environment": network.environment}
    bookings: list[Booking | None] = []
    for conversion, _ in written:
        if conversion.status == Status.APPROVED:
            conversion.approved_at = timezone.now()
        due = parts_due(conversion, terms)
        bookings.append(first_booking(conversion=conversion, target=due, hold_days=terms.hold_days))
    entries = [booking.entry for booking in bookings if booking]
    booked, posting = posting_call(**world, entries=entries)
    ids = iter(booked)
    changes = [
        _CHANGE.row(
            **world,
            conversion_id=conversion.id,
            action=ACTIONS[Status(postback.status)],
            actor=NETWORK,
            details=said(postback),
            ledger_transaction_id=next(ids) if booking else None,
        )
        for (conversion, postback), booking in zip(written, bookings, strict=True)
    ]
    rewards = [reward for booking in bookings if booking for reward in booking.rewards]
    announced = [(REWARD_QUEUED, reward) for reward in rewards if is_announced(reward, reward.conversion)]
    calls = [_CONVERSION.call(*(conversion for conversion, _ in written)), _CHANGE.call(*changes)]
    if rewards:
        calls.append(REWARD_ROWS.call(*rewards))
    if entries:
        calls.append(posting)
    if announced:
        calls.append(events_call(announced))
    tenant_calls(network.organization_id, network.environment, calls)
    if announced:
        dispatcher_wake()
