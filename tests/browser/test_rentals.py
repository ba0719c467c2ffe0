"""Rentals in a browser: an item is made, ordered, seen in its weeks, handed over and taken back."""

from datetime import UTC, datetime, timedelta

import pytest

from config import tenancy
from partners.models import Membership
from partners.services.organizations import member_add
from rentals.models import Item, Order
from rentals.services.items import block_create, item_create
from rentals.services.orders import Wanted, order_create, order_pick_up
from tests.browser.sessions import sign_in
from tests.factories import ACTOR, make_organization, make_user


@pytest.fixture
def owner():
    organization = make_organization(name="Acme Tools", time_zone="Asia/Jerusalem")
    person = make_user()
    member_add(organization=organization, user=person.user, role=Membership.Role.OWNER, actor=ACTOR)
    return organization, person


def test_an_item_is_made_ordered_handed_over_and_taken_back(page, owner, picture):
    organization, person = owner
    sign_in(page, person)
    page.goto("/dashboard/rentals")
    page.get_by_role("link", name="New item").click()
    page.get_by_label("Environment").select_option("production")
    page.get_by_label("Name").fill("Hammer drill")
    page.get_by_label("Category").fill("Tools")
    page.get_by_label("Quantity").fill("4")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Give the price of an hour").wait_for()
    page.get_by_label("Price of a day").fill("60")
    page.get_by_label("Price of a week").fill("240")
    page.get_by_label("Deposit").fill("200")
    page.get_by_label("Tax").fill("18")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("The item can be rented.").wait_for()
    picture(page, "rental-item")
    with tenancy.operator():
        drill = Item.objects.get()
    fill_the_weeks(organization, drill)

    page.goto("/dashboard/rentals")
    page.get_by_role("link", name="New order").click()
    begin = datetime.now(UTC) + timedelta(days=30)
    page.get_by_label("From").fill(begin.strftime("%Y-%m-%dT09:00"))
    page.get_by_label("Until").fill((begin + timedelta(days=2)).strftime("%Y-%m-%dT17:00"))
    page.get_by_label("Item 1").select_option(label="Hammer drill")
    page.get_by_label("Quantity 1").fill("5")
    page.get_by_label("Name").fill("Ada Lovelace")
    page.get_by_role("button", name="Reserve").click()
    page.get_by_text("Hammer drill: 4 free").wait_for()
    page.get_by_label("Quantity 1").fill("2")
    picture(page, "rental-new")
    page.get_by_role("button", name="Reserve").click()
    page.get_by_text("Reserved.").wait_for()
    page.get_by_role("button", name="Hand over").click()
    page.get_by_text("Handed over.").wait_for()

    page.goto("/dashboard/rentals")
    picture(page, "rentals")
    page.goto("/dashboard/rentals/orders?status=picked_up&q=grace")
    page.get_by_role("link", name="Grace Hopper").click()
    page.get_by_text("1 out", exact=True).wait_for()
    picture(page, "rental")
    page.get_by_role("button", name="Take back").click()
    page.get_by_text("Taken back.").wait_for()
    page.get_by_role("button", name="Close", exact=True).click()
    page.get_by_text("Closed.").first.wait_for()
    with tenancy.operator():
        assert Order.objects.filter(customer__name="Grace Hopper", status="closed").exists()


def fill_the_weeks(organization, drill):
    """So that the calendar shows what a calendar shows."""
    now = datetime.now(UTC)
    tenant = {"organization_id": organization.id, "environment": "production"}
    with tenancy.operator():
        items = [drill] + [
            item_create(**tenant, name=name, quantity=3, price_day_minor=9_000, category="Tools", actor=ACTOR)
            for name in ("Cargo bike", "Concrete saw", "Generator 5 kW", "Ladder 6 m")
        ]
        for number, name in enumerate(
            ("Grace Hopper", "Katherine Johnson", "Alan Turing", "Edsger Dijkstra", "Radia Perlman")
        ):
            for item, item_number in zip(items, range(len(items)), strict=True):
                starts = now + timedelta(minutes=1, days=(4 * number + 3 * item_number) % 19)
                made = order_create(
                    **tenant,
                    client_id=None,
                    starts_at=starts,
                    ends_at=starts + timedelta(days=1 + (number + item_number) % 4),
                    customer={"name": name, "email": "", "phone": ""},
                    wanted=[Wanted(item.id, 1)],
                    actor="tests",
                )
                if number == item_number == 0:
                    order_pick_up(order=made, actor="tests")
        begin = now + timedelta(days=12)
        block_create(
            item=items[2],
            quantity=1,
            starts_at=begin,
            ends_at=begin + timedelta(days=4),
            reason="Service",
            actor=ACTOR,
        )
