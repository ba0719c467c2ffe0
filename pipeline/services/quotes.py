"""Quotes: written, sent, settled, revised; their totals."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from config import tenancy
from config.api.exceptions import BusinessRule, NotFound
from invoices.amounts import LineTerms, amounts_of, taxes_of
from leads.models import Lead
from partners.services.audit import Actor
from pipeline.events import QUOTE_ACCEPTED, QUOTE_CREATED, QUOTE_REJECTED, QUOTE_SENT
from pipeline.models import Quote
from pipeline.models.quotes import Priced
from pipeline.services.recording import SWEEP, by_chain, end_of, happened, shown, today
from pipeline.transitions import QUOTES
from webhooks.registry import EventType

Status = Quote.Status
# A lead that is a customer already may be quoted something else.
_QUOTABLE = (Lead.Status.QUALIFIED, Lead.Status.CONVERTED)
_COPIED = (
    "organization_id", "environment", "client_id", "lead_id", "agent_id", "series_id", "title", "notes",
    "currency", "lines", "subtotal_minor", "tax_minor", "total_minor", "taxes", "valid_until", "expires_at",
)  # fmt: skip
_AT_ONCE = 500


@transaction.atomic
def quote_create(
    *,
    lead_id: UUID,
    client_id: UUID | None,
    title: str,
    notes: str,
    currency: str,
    valid_until: date,
    lines: Sequence[Mapping[str, Any]],
    actor: Actor,
    bound_company_id: UUID | None = None,
) -> Quote:
    """Write the first version of a quote, as a draft. `lines` are as QuoteLineIn validated them.

    Raises NotFound (404) for a lead, and BusinessRule (422) with `reason` lead_not_qualified or
    valid_until_past.
    """
    rows = Lead.objects.select_for_update(no_key=True, of=("self",)).of_company(bound_company_id)
    lead = rows.filter(id=lead_id).first()
    if lead is None:
        raise NotFound("There is no such lead.")
    if lead.status not in _QUOTABLE:
        raise BusinessRule(f"The lead is {lead.status}: qualify it first.", reason="lead_not_qualified")
    made = uuid7()
    quote = Quote(
        id=made,
        organization_id=lead.organization_id,
        environment=lead.environment,
        client_id=client_id or lead.client_id,
        lead=lead,
        agent_id=lead.agent_id,
        series_id=made,
    )
    _say(quote, title=title, notes=notes, currency=currency, valid_until=valid_until, lines=lines)
    quote.save(force_insert=True)
    happened(quote, "create", actor=actor, before={}, event=QUOTE_CREATED)
    return quote


@transaction.atomic
def quote_update(*, quote_id: UUID, changes: Mapping[str, Any], actor: Actor) -> Quote:
    """Change what a draft says; what changes nothing is not recorded.

    Raises Quote.DoesNotExist (404), InvalidTransition (409), and BusinessRule (422, valid_until_past).
    """
    quote = _locked(quote_id)
    before, lines = shown(quote), quote.lines
    quote.status = QUOTES.after(quote.status, "update")
    _say(quote, **changes)
    if shown(quote) != before or quote.lines != lines:
        quote.save()
        happened(quote, "update", actor=actor, before=before)
    return quote


@transaction.atomic
def quote_send(*, quote_id: UUID, actor: Actor) -> Quote:
    """Say that a draft went to the customer; it changes no more.

    Raises Quote.DoesNotExist (404), InvalidTransition (409), and BusinessRule (422, valid_until_past).
    """
    quote = _locked(quote_id)
    status = QUOTES.after(quote.status, "send")
    _expect_future(quote)
    return _moved(quote, "send", status, actor, QUOTE_SENT, sent_at=timezone.now())


@transaction.atomic
def quote_accept(*, quote_id: UUID, actor: Actor) -> Quote:
    """Say that the customer accepted a sent quote.

    Raises Quote.DoesNotExist (404) and InvalidTransition (409), also once its validity is over.
    """
    quote = _locked(quote_id)
    return _moved(quote, "accept", _judged(quote, "accept"), actor, QUOTE_ACCEPTED, decided_at=timezone.now())


@transaction.atomic
def quote_reject(*, quote_id: UUID, reason: str, actor: Actor) -> Quote:
    """Say that the customer turned a sent quote down, and why. Raises as `quote_accept` does."""
    quote = _locked(quote_id)
    status = _judged(quote, "reject")
    return _moved(quote, "reject", status, actor, QUOTE_REJECTED, decided_at=timezone.now(), reason=reason)


@transaction.atomic
def quote_revise(*, quote_id: UUID, changes: Mapping[str, Any], actor: Actor) -> Quote:
    """Write the next version of a quote that was sent, turned down or expired: a draft that supersedes it.

    What `changes` do not name is as in the former. Raises Quote.DoesNotExist (404), InvalidTransition (409),
    also for a version that was revised already, and BusinessRule (422, valid_until_past).
    """
    former = _locked(quote_id)
    status = QUOTES.after(former.status, "revise")
    quote = Quote(
        **{column: getattr(former, column) for column in _COPIED},
        version=former.version + 1,
        supersedes=former,
    )
    _say(quote, **changes)
    _moved(former, "revise", status, actor, None)
    quote.save(force_insert=True)
    happened(quote, "create", actor=actor, before={}, event=QUOTE_CREATED)
    return quote


def quotes_expire() -> int:
    """End sent quotes whose validity is over; answers how many. Two at once end each once."""
    with tenancy.operator():
        overdue = Quote.objects.overdue(now=timezone.now()).order_by("expires_at")
        quotes = list(overdue.select_for_update(skip_locked=True, of=("self",))[:_AT_ONCE])
        for quote in sorted(quotes, key=by_chain):
            _moved(quote, "expire", QUOTES.after(quote.status, "expire"), SWEEP, None)
        return len(quotes)


def priced(target: Priced, lines: Sequence[Mapping[str, Any]]) -> None:
    """Give something these lines, and the totals that are the sums of what each comes to, rounded."""
    rows, taxed = [], []
    for line in lines:
        terms = LineTerms(**line)
        amounts = amounts_of(terms)
        taxed.append((Decimal(terms.tax_rate), amounts.subtotal, amounts.tax))
        rows.append(
            {
                "description": terms.description,
                "quantity": f"{Decimal(terms.quantity).normalize():f}",
                "unitPriceMinor": terms.unit_price_minor,
                "discountMinor": terms.discount_minor,
                "taxRate": f"{Decimal(terms.tax_rate):.2f}",
                "subtotalMinor": amounts.subtotal,
                "taxMinor": amounts.tax,
                "totalMinor": amounts.subtotal + amounts.tax,
            }
        )
    target.lines, target.taxes = rows, taxes_of(taxed)
    target.subtotal_minor = sum(subtotal for _rate, subtotal, _tax in taxed)
    target.tax_minor = sum(tax for _rate, _subtotal, tax in taxed)
    target.total_minor = target.subtotal_minor + target.tax_minor


def _say(quote: Quote, **terms: Any) -> None:
    lines = terms.pop("lines", None)
    for name, value in terms.items():
        setattr(quote, name, value)
    if lines is not None:
        priced(quote, lines)
    quote.expires_at = end_of(quote.organization_id, quote.valid_until)
    _expect_future(quote)


def _expect_future(quote: Quote) -> None:
    if quote.valid_until < today(quote.organization_id, timezone.now()):
        raise BusinessRule("The day until which the quote is valid is over.", reason="valid_until_past")


def _judged(quote: Quote, step: str) -> str:
    if quote.status == Status.SENT and quote.expires_at <= timezone.now():
        raise QUOTES.refused(Status.EXPIRED)
    return QUOTES.after(quote.status, step)


def _moved(
    quote: Quote, step: str, status: str, actor: Actor, event: EventType | None, **columns: Any
) -> Quote:
    before = shown(quote)
    for name, value in {"status": status, **columns}.items():
        setattr(quote, name, value)
    quote.save(update_fields=["status", *columns, "updated_at"])
    happened(quote, step, actor=actor, before=before, event=event)
    return quote


def _locked(quote_id: UUID) -> Quote:
    return Quote.objects.select_for_update(of=("self",)).get(id=quote_id)
