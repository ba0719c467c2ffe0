"""The inventory and its orders in the dashboard, within a person's reach."""

import io
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from config import tenancy
from partners.models import AuditEntry
from rentals.models import Block, Item, Order
from tests.factories import make_organization
from tests.pages.test_content_policy import check
from tests.people import browser, make_member

ITEM = {
    "environment": "sandbox", "name": "Drill", "sku": "D-1", "category": "Tools", "quantity": 3,
    "price_day": "50.00", "price_week": "200", "deposit": "100.5", "tax_rate": "18", "currency": "ILS",
    "is_active": "on",
}  # fmt: skip
CLOCK = "%Y-%m-%dT%H:%M"


@pytest.fixture
def manager(organization):
    return browser(make_member("manager", organization))


@pytest.fixture
def item(manager):
    made = manager.post(reverse("dashboard-item-new"), ITEM)
    assert made.status_code == 302, made.content.decode()
    with tenancy.operator():
        return Item.objects.get()


def order(person, item, quantity=2, **given):
    begin = timezone.now() + timedelta(days=1)
    form = {
        "environment": "sandbox", "starts_at": begin.strftime(CLOCK), "name": "Ada", "email": "ada@a.example",
        "ends_at": (begin + timedelta(days=1)).strftime(CLOCK), "item_0": item.id, "quantity_0": quantity,
    }  # fmt: skip
    return person.post(reverse("dashboard-rental-new"), form | given)


def step(person, made, name, **given):
    return person.post(f"{made['Location']}/{name}", given)


def fresh():
    with tenancy.operator():
        return Order.objects.get()


def test_an_item_is_made_changed_and_listed(manager, item):
    assert (item.price_day_minor, item.price_week_minor, item.price_hour_minor) == (5_000, 20_000, None)
    assert (item.deposit_minor, str(item.tax_rate)) == (10_050, "18.00")
    url = reverse("dashboard-item", args=[item.id])
    for page in (url, reverse("dashboard-items"), reverse("dashboard-rentals") + "?environment=sandbox"):
        html = manager.get(page).content.decode()
        check(html)
        assert "Drill" in html
    assert manager.post(url, ITEM | {"quantity": 5}).status_code == 302
    for bad in (
        {"price_day": "", "price_week": ""}, {"quantity": -1}, {"currency": "shekel"}, {"tax_rate": 101},
        {"quantity": 10**9}, {"name": "\x00"},
    ):  # fmt: skip
        assert manager.post(url, ITEM | bad).status_code == 422, bad
    assert manager.post(reverse("dashboard-item-new"), ITEM).status_code == 422, "the SKU is taken"
    with tenancy.operator():
        assert Item.objects.get().quantity == 5


def test_an_order_is_taken_handed_over_and_comes_back_in_parts(manager, item):
    made = order(manager, item)
    assert made.status_code == 302, made.content.decode()
    html = manager.get(made["Location"]).content.decode()
    check(html)
    assert "₪118.00" in html
    assert order(manager, item).status_code == 422, "one is left"
    assert "Ada" in manager.get(reverse("dashboard-rentals") + "?environment=sandbox").content.decode()
    step(manager, made, "pick-up")
    line = fresh_line()
    assert step(manager, made, "return", **{f"back_{line}": 3, f"damaged_{line}": 0}).status_code == 422
    step(manager, made, "return", **{f"back_{line}": 1, f"damaged_{line}": 1})
    assert fresh().status == "picked_up"
    check(manager.get(made["Location"]).content.decode())
    step(manager, made, "return", **{f"back_{line}": 1, f"damaged_{line}": 0})
    step(manager, made, "close", kept="a lot")
    assert fresh().status == "returned"
    step(manager, made, "close", kept="20.50")
    assert (fresh().status, fresh().deposit_kept_minor) == ("closed", 2_050)
    listed = manager.get(reverse("dashboard-rental-orders") + "?q=ada&status=closed").content.decode()
    check(listed)
    assert "Ada" in listed
    assert "1 × Damaged in order" in manager.get(reverse("dashboard-item", args=[item.id])).content.decode()


def fresh_line():
    with tenancy.operator():
        return Order.objects.get().lines.get().id


def test_a_quote_is_reserved_and_cancelled(manager, item):
    made = order(manager, item, quote="1")
    assert fresh().status == "quoted"
    step(manager, made, "reserve")
    assert fresh().status == "reserved"
    step(manager, made, "cancel", reason="rain")
    assert (fresh().status, fresh().cancellation_reason) == ("cancelled", "rain")
    assert manager.post(f"{made['Location']}/fly").status_code == 404


@pytest.mark.parametrize(
    "bad", [{"item_0": ""}, {"name": ""}, {"ends_at": "2020-01-01T00:00"}, {"quantity_0": 0}]
)
def test_what_is_no_order_is_not_taken(manager, item, bad):
    assert order(manager, item, **bad).status_code == 422
    with tenancy.operator():
        assert not Order.objects.exists()


def test_items_are_taken_out_of_use_and_put_back(manager, item):
    url = reverse("dashboard-item-block", args=[item.id])
    begin = timezone.now().strftime(CLOCK)
    assert manager.post(url, {"quantity": 4, "starts_at": begin, "reason": "Service"}).status_code == 422
    assert manager.post(url, {"quantity": 2, "starts_at": begin, "reason": "Service"}).status_code == 302
    assert "1 / 3" in manager.get(reverse("dashboard-items")).content.decode()
    with tenancy.operator():
        block = Block.objects.get()
    assert manager.post(reverse("dashboard-item-block-end", args=[item.id, block.id])).status_code == 302
    assert "3 / 3" in manager.get(reverse("dashboard-items")).content.decode()


def test_a_picture_is_made_small_shown_to_anybody_and_removed(manager, item, organization, partner):
    url = reverse("dashboard-item-image", args=[item.id])

    def upload(content):
        return manager.post(url, {"image": SimpleUploadedFile("a.png", content, "image/png")})

    source = io.BytesIO()
    Image.new("RGB", (3000, 1500), "teal").save(source, "PNG")
    assert upload(source.getvalue()).status_code == 302
    assert upload(b"<svg onload=alert(1)>").status_code == 422
    assert upload(source.getvalue()[:500]).status_code == 422
    listed = partner.get("/inventory/items", organizationId=partner.organization_id).json()
    (address,) = listed["data"][0]["images"]
    shown = Client().get(address[address.index("/inventory") :])
    assert shown["Content-Type"] == "image/webp"
    assert Image.open(io.BytesIO(shown.content)).size == (1200, 600)
    check(manager.get(reverse("dashboard-item", args=[item.id])).content.decode())
    image = address.rsplit("/", 1)[1].removesuffix(".webp")
    assert manager.post(url, {"remove": "x"}).status_code == 404
    assert manager.post(url, {"remove": image}).status_code == 302
    assert Client().get(address[address.index("/inventory") :]).status_code == 404
    with tenancy.operator():
        actions = set(AuditEntry.objects.filter(organization=organization).values_list("action", flat=True))
    assert {"item.create", "item.image_add", "item.image_remove"} <= actions


def test_only_the_organizations_own_people_reach_it(manager, organization, item):
    made = order(manager, item)
    stranger = browser(make_member("manager", make_organization()))
    url = reverse("dashboard-item", args=[item.id])
    for page in (url, made["Location"]):
        assert stranger.get(page).status_code == 404
    assert step(stranger, made, "cancel").status_code == 404
    assert stranger.post(url, ITEM).status_code == 404
    for name in ("dashboard-rentals", "dashboard-rental-orders", "dashboard-items"):
        html = stranger.get(reverse(name) + "?environment=sandbox").content.decode()
        check(html)
        assert "Drill" not in html
        assert "Ada" not in html
    member = browser(make_member("member", organization))
    assert member.get(made["Location"]).status_code == 200
    assert step(member, made, "cancel").status_code == 403
    assert member.get(url).status_code == 403
    assert fresh().status == "reserved"


def test_an_organization_has_its_own_days(manager, organization, item, partner):
    url = reverse("organization-time-zone", args=[organization.id])
    assert manager.post(url, {"time_zone": "Mars/Base"}).status_code == 422
    assert manager.post(url, {"time_zone": "Pacific/Kiritimati"}).status_code == 302
    other = make_organization()
    assert (
        manager.post(reverse("organization-time-zone", args=[other.id]), {"time_zone": "UTC"}).status_code
        == 404
    )
    member = browser(make_member("member", organization))
    assert member.post(url, {"time_zone": "UTC"}).status_code == 403
    # nine to eleven in the morning UTC are two days there
    days = {"from": "2027-01-01T09:00:00Z", "to": "2027-01-01T11:00:00Z"}
    answer = partner.get("/inventory/availability", organizationId=partner.organization_id, **days)
    assert [day["date"] for day in answer.json()["data"][0]["days"]] == ["2027-01-01", "2027-01-02"]
