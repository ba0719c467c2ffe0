"""Numbers without gaps, amounts that add up, and what is issued stays as it is."""

from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config import tenancy
from invoices.amounts import LineTerms
from invoices.exceptions import MoreThanDue, NothingLeft
from invoices.models import Invoice, InvoiceLine, Payment
from invoices.selectors import lines_left
from invoices.services import issuing
from invoices.services.issuing import Credited, credit_note_issue
from invoices.services.payments import payment_record
from tests.factories import ACTOR, make_organization
from tests.racing import race


def pay(invoice, amount, reference="T-1"):
    with tenancy.operator():
        return payment_record(
            invoice=invoice, amount_minor=amount, method="Transfer", reference=reference,
            paid_at=timezone.now(), actor=ACTOR,
        )  # fmt: skip


def credit(invoice, *credited):
    with tenancy.operator():
        return credit_note_issue(invoice=invoice, reason="", credited=credited or None)


def fresh(invoice):
    with tenancy.operator():
        return Invoice.objects.get(id=invoice.id)


def two_hundred(issue, organization):
    """Numbers of two hundred invoices, a hundred at one moment, then a hundred; some are rolled back."""

    def two(turn):
        numbers = []
        for number in (2 * turn, 2 * turn + 1):
            with suppress(KeyError, IntegrityError), tenancy.tenant(organization.id, "sandbox"):
                invoice = issue()
                if number % 10 == 0:
                    raise KeyError("changed my mind")
                numbers.append(invoice.number)
        return numbers

    answers = race(100, two, table="invoices_invoice")
    return sorted(number for numbers in answers for number in numbers)


def expected():
    return [f"{datetime.now(UTC).year}-{number:06}" for number in range(1, 181)]


def test_two_hundred_at_once_have_neither_gap_nor_repeat(issue, organization):
    assert two_hundred(issue, organization) == expected()


def test_without_the_locked_counter_they_would_collide(issue, organization, monkeypatch):
    """The negative control of the test above: the race is one, and the database refuses a repeat."""

    def next_after_the_last(invoice, organization):
        last = Invoice.objects.filter(organization=organization).order_by("-number").first()
        return f"{datetime.now(UTC).year}-{int(last.number[-6:]) + 1 if last else 1:06}"

    monkeypatch.setattr(issuing, "_number", next_after_the_last)
    numbers = two_hundred(issue, organization)
    assert len(numbers) == len(set(numbers)) < 180


def test_series_are_by_tenant_environment_kind_and_local_year(issue, organization):
    year = datetime.now(UTC).year
    other = make_organization()
    assert issue().number == issue(environment="production").number == f"{year}-000001"
    assert issue(organization_id=other.id).number == f"{year}-000001"
    assert issue().number == f"{year}-000002"
    assert credit(issue()).number == f"C{year}-000001"


LINES = st.lists(
    st.builds(
        LineTerms,
        description=st.just("Thing"),
        quantity=st.decimals("0.001", 1000, places=3),
        unit_price_minor=st.integers(0, 10**9),
        tax_rate=st.decimals(0, 100, places=2),
        discount_minor=st.integers(0, 10**6),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=LINES, parts=st.lists(st.decimals("0.001", 1, places=3), max_size=3))
def test_sums_of_rounded_lines_are_the_total_and_credits_add_up_to_it(issue, lines, parts):
    invoice = issue(*lines)
    with tenancy.operator():
        rows = list(invoice.lines.order_by("position"))
    assert sum(row.subtotal_minor for row in rows) == invoice.subtotal_minor
    assert sum(row.tax_minor for row in rows) == invoice.tax_minor
    assert invoice.total_minor == invoice.subtotal_minor + invoice.tax_minor
    assert sum(tax["taxMinor"] for tax in invoice.taxes) == invoice.tax_minor
    for row in rows:
        exact = Decimal(row.subtotal_minor) * row.tax_rate / 100
        assert abs(row.tax_minor - exact) <= Decimal("0.5")
    credited = 0
    for part in parts:
        with tenancy.operator():
            left = lines_left(invoice)
        some = [
            Credited(row.id, max(Decimal("0.001"), (n * part).quantize(Decimal("0.001"))))
            for row, n in left
            if n
        ]
        if some:
            credited += credit(invoice, *some).total_minor
            assert fresh(invoice).credited_minor == credited <= invoice.total_minor
    last = credit(invoice)
    assert credited + (last.total_minor if last else 0) == invoice.total_minor
    assert fresh(invoice).credited_minor == invoice.total_minor
    assert credit(invoice) is None


def test_payments_are_counted_once_and_never_exceed(issue):
    invoice = issue()
    assert pay(invoice, 5_000) == pay(invoice, 5_000)
    assert (fresh(invoice).status, fresh(invoice).due_minor) == ("partly_paid", 6_800)
    for amount in (6_801, 0, -1):
        with pytest.raises(MoreThanDue):
            pay(invoice, amount, "T-2")
    pay(invoice, 6_800, "T-2")
    assert (fresh(invoice).status, fresh(invoice).due_minor) == ("paid", 0)
    with tenancy.operator():
        assert Payment.objects.count() == 2


def test_what_was_paid_and_credited_is_given_back(issue):
    invoice = issue()
    pay(invoice, 11_800)
    credit(invoice)
    assert (fresh(invoice).status, fresh(invoice).due_minor, fresh(invoice).refund_due_minor) == (
        "credited", 0, 11_800,
    )  # fmt: skip


def test_no_more_is_credited_than_is_left(issue):
    invoice = issue(LineTerms("Drill", 3, 1_000))
    with tenancy.operator():
        line = invoice.lines.get().id
    note = credit(invoice, Credited(line, Decimal(2)))
    for quantity in (Decimal(2), Decimal(0), Decimal(-1)):
        with pytest.raises(NothingLeft):
            credit(invoice, Credited(line, quantity))
    with pytest.raises(NothingLeft):
        credit(note)
    with pytest.raises(MoreThanDue):
        pay(note, 1)


def test_what_is_issued_is_not_changed(issue):
    invoice = issue()
    pay(invoice, 100)
    changes = (
        lambda: Invoice.objects.filter(id=invoice.id).update(total_minor=1, tax_minor=0, subtotal_minor=1),
        lambda: Invoice.objects.filter(id=invoice.id).update(number="2020-000001"),
        lambda: Invoice.objects.filter(id=invoice.id).update(customer={"name": "Eve"}),
        lambda: InvoiceLine.objects.update(description="Else"),
        lambda: InvoiceLine.objects.all()._raw_delete("default"),
        lambda: Invoice.objects.all()._raw_delete("default"),
        lambda: Payment.objects.update(amount_minor=1),
        lambda: InvoiceLine.objects.create(
            organization_id=invoice.organization_id, environment="sandbox", invoice=invoice, position=9,
            description="More", quantity=1, unit_price_minor=5, subtotal_minor=5, tax_rate=0, tax_minor=0,
        ),
    )  # fmt: skip
    for change in changes:
        with pytest.raises(IntegrityError, match=r"not changed|do not add up"), tenancy.operator():
            change()
