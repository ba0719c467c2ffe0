"""A conversion's life: received, approved, rejected, reversed, adjusted, attributed; each booked once."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from catalog.models import AffiliateNetwork
from config import tenancy
from config.api.exceptions import BusinessRule, NotFound
from ledger.models import Transaction
from rewards.models import Campaign, Conversion, ConversionChange, RewardTerms
from rewards.offers import offer_of
from rewards.postbacks import Postback
from rewards.refusals import InvalidTransition
from rewards.selectors.attribution import Attribution, attribution_of
from rewards.selectors.rates import terms_of
from rewards.services.bookkeeping import conversion_book
from rewards.services.caps import cap_count, cap_release
from rewards.services.gathering import postback_settle
from rewards.services.pricing import amounts_take, parts_due, price_set
from rewards.splits import Parts
from rewards.transitions import ACTIONS, NETWORK, REPEATED, TRANSITIONS, Action, Outcome, amounts_of, said

Status, Hold = Conversion.Status, Conversion.Hold
_ATTRIBUTED_FOR = timedelta(days=3)
_ATTRIBUTED_AT_ONCE = 500
_KNOWN = "SELECT id FROM rewards_conversion WHERE network_id = %s AND network_transaction_id = %s"


def postback_apply(*, network: AffiliateNetwork, terms: RewardTerms, postback: Postback) -> Outcome:
    """Take in a postback, in one transaction of its own in the network's tenant.

    The network's transaction id makes the conversion: however often and however many at once say the same,
    one of them records it, and the others find it. Another amount is an adjustment, a rejection after the
    approval a reversal; what comes too late is kept in the history and changes nothing.
    """
    outcome = postback_settle(network=network, terms=terms, postback=postback)
    while outcome is None:
        try:
            with tenancy.tenant(network.organization_id, network.environment):
                outcome = _apply(network, terms, postback)
        except IntegrityError as error:
            # two at once: the other one has it now
            if "conversion_once" not in str(error):
                raise
    return outcome


@transaction.atomic
def conversion_attribute(*, conversion_id: UUID, reference: str, actor: str) -> Conversion:
    """Say which click or link brought a conversion that nobody is known to have brought.

    It is booked then as it would have been. Raises NotFound (404) for a reference that names nothing of the
    network's, InvalidTransition (409) for a conversion that has its campaign.
    """
    conversion = _locked(conversion_id)
    if conversion.held_for != Hold.UNATTRIBUTED:
        raise InvalidTransition("It is attributed already.")
    found = _attribution(reference, conversion.network)
    if found is None:
        raise NotFound("There is no such click or link of this network.")
    _attribute(conversion, found)
    # a rate that was added since will do
    price_set(conversion, conversion.network, at=timezone.now())
    _advance(conversion, Action.ATTRIBUTED, actor, {"reference": reference}, terms=_terms(conversion))
    return conversion


@transaction.atomic
def conversion_release(*, conversion_id: UUID, actor: str) -> Conversion:
    """Book a conversion in spite of its offer's cap, or now that its exchange rate is known.

    Raises InvalidTransition (409) where it is not held so, BusinessRule (422, no_rate) while there is none.
    """
    conversion = _locked(conversion_id)
    if conversion.held_for not in (Hold.CAP, Hold.RATE):
        raise InvalidTransition("It is not held.")
    held_for, conversion.held_for = conversion.held_for, ""
    # a rate that was added since will do
    price_set(conversion, conversion.network, at=timezone.now())
    if conversion.held_for:
        raise BusinessRule("There is no exchange rate for its currency.", reason="no_rate")
    _advance(
        conversion,
        Action.RELEASED,
        actor,
        {"heldFor": held_for},
        terms=_terms(conversion),
        unlimited=held_for == Hold.CAP,
    )
    return conversion


def conversions_attribute_late() -> int:
    """Look again for clicks that were unknown when their conversion came; answers how many were found."""
    found = 0
    with tenancy.operator():
        rows = Conversion.objects.filter(
            held_for=Hold.UNATTRIBUTED, created_at__gte=timezone.now() - _ATTRIBUTED_FOR
        ).exclude(click_reference="")
        waiting = list(
            rows.order_by("created_at").values_list(
                "id", "organization_id", "environment", "click_reference"
            )[:_ATTRIBUTED_AT_ONCE]
        )
    for conversion_id, organization_id, environment, reference in waiting:
        with tenancy.tenant(organization_id, environment):
            try:
                conversion_attribute(conversion_id=conversion_id, reference=reference, actor="hub")
            except (NotFound, InvalidTransition):
                continue
            found += 1
    return found


def _apply(network: AffiliateNetwork, terms: RewardTerms, postback: Postback) -> Outcome:
    # most are new: whether one is known is asked for in the cheapest way
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [network.id, postback.transaction_id])
        known = cursor.fetchone()
    if known is None:
        return _receive(network, terms, postback)
    rows = Conversion.objects.select_for_update(no_key=True, of=("self",)).select_related("campaign", "offer")
    conversion = rows.get(id=known[0])
    conversion.network = network
    return _follow(conversion, network, terms, postback)


def _receive(network: AffiliateNetwork, terms: RewardTerms, postback: Postback) -> Outcome:
    conversion = Conversion(
        organization_id=network.organization_id,
        environment=network.environment,
        network=network,
        network_transaction_id=postback.transaction_id,
        click_reference=postback.click_reference,
        goal=postback.goal,
        status=postback.status,
    )
    found = _attribution(postback.click_reference, network)
    if found:
        _attribute(conversion, found)
    else:
        conversion.held_for = Hold.UNATTRIBUTED
    amounts_take(conversion, network, postback)
    price_set(conversion, network)
    _advance(conversion, ACTIONS[Status(postback.status)], NETWORK, said(postback), terms=terms)
    return Outcome(conversion.id, "recorded", conversion.status)


def _follow(
    conversion: Conversion, network: AffiliateNetwork, terms: RewardTerms, postback: Postback
) -> Outcome:
    step = (conversion.status, postback.status)
    if step not in TRANSITIONS:
        if step in REPEATED:
            return Outcome(conversion.id, "duplicate", conversion.status)
        reason = "late" if postback.status == Status.PENDING else "after_the_end"
        _ignore(conversion, postback, reason)
        return Outcome(conversion.id, "ignored", conversion.status)
    becomes = TRANSITIONS[step]
    before = amounts_of(conversion)
    # what a rejection names as its amount is no news
    if postback.status != Status.REJECTED:
        amounts_take(conversion, network, postback)
        if amounts_of(conversion) != before:
            is_held = bool(conversion.held_for)
            price_set(conversion, network)
            if conversion.held_for and not is_held and conversion.bookings:
                # what is booked stays as it is
                _ignore(conversion, postback, "no_rate")
                return Outcome(conversion.id, "ignored", conversion.status)
    if becomes is None and amounts_of(conversion) == before:
        return Outcome(conversion.id, "duplicate", conversion.status)
    details = said(postback) | {"before": before}
    conversion.status = becomes or conversion.status
    action = ACTIONS[Status(becomes)] if becomes else Action.ADJUSTED
    _advance(conversion, action, NETWORK, details, terms=terms)
    return Outcome(conversion.id, "updated", conversion.status)


def _advance(
    conversion: Conversion,
    action: str,
    actor: str,
    details: dict[str, Any],
    *,
    terms: RewardTerms,
    unlimited: bool = False,
) -> None:
    """Bring caps, books and rewards to what the conversion says now, and write it with its history."""
    counts = conversion.status in (Status.PENDING, Status.APPROVED) and not conversion.held_for
    if counts and conversion.counted_on is None and conversion.offer:
        day = conversion.created_at.date()
        if not cap_count(conversion, conversion.offer, day=day, unlimited=unlimited):
            conversion.held_for = Hold.CAP
    elif not counts:
        cap_release(conversion)
    if conversion.status == Status.APPROVED and conversion.approved_at is None:
        conversion.approved_at = timezone.now()
    target = parts_due(conversion, terms)
    booked = conversion_book(
        conversion=conversion,
        target=target,
        hold_days=terms.hold_days,
        kind=_kind(conversion, target),
    )
    # one statement: what refers to its row is checked at the commit
    conversion.save(force_insert=conversion._state.adding)
    ConversionChange.objects.create(
        organization_id=conversion.organization_id,
        environment=conversion.environment,
        conversion=conversion,
        action=action,
        actor=actor,
        details=details,
        ledger_transaction_id=booked,
    )


def _kind(conversion: Conversion, target: Parts) -> str:
    if not conversion.bookings:
        return Transaction.Kind.CONVERSION
    return Transaction.Kind.ADJUSTMENT if target.total else Transaction.Kind.REVERSAL


def _attribution(reference: str, network: AffiliateNetwork) -> Attribution | None:
    found = attribution_of(reference) if reference else None
    if found is None:
        return None
    found.link.campaign.offer = offer_of(found.link.campaign.offer_id)
    # a network speaks for its own offers
    return found if found.link.campaign.offer.network_id == network.id else None


def _attribute(conversion: Conversion, found: Attribution) -> None:
    campaign: Campaign = found.link.campaign
    conversion.campaign, conversion.offer, conversion.client_id = campaign, campaign.offer, campaign.client_id
    conversion.click_id = found.click.id if found.click else None
    conversion.user_id = found.user_id
    conversion.held_for = ""


def _ignore(conversion: Conversion, postback: Postback, reason: str) -> None:
    details = said(postback) | {"reason": reason}
    # however often it says so, once is enough
    if not conversion.changes.filter(action=Action.IGNORED, details=details).exists():
        ConversionChange.objects.create(
            organization_id=conversion.organization_id,
            environment=conversion.environment,
            conversion=conversion,
            action=Action.IGNORED,
            actor=NETWORK,
            details=details,
        )


def _locked(conversion_id: UUID) -> Conversion:
    rows = Conversion.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("campaign", "offer", "network").get(id=conversion_id)


def _terms(conversion: Conversion) -> RewardTerms:
    return terms_of(conversion.organization_id, conversion.environment)
