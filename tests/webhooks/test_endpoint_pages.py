"""Who sees and does what on the pages of endpoints, deliveries and request bins."""

import pytest
from django.test import Client
from django.urls import reverse

from config import tenancy
from partners.models import AuditEntry
from tests.factories import ACTOR, SANDBOX, make_client, make_organization
from tests.people import browser, make_member
from tests.webhooks.rows import emit, make_subscription
from webhooks.dispatcher import drain
from webhooks.models import Delivery, Subscription
from webhooks.services.request_bins import request_bin_create
from webhooks.services.subscriptions import subscription_update


@pytest.fixture
def theirs(receiver):
    """Another organization's endpoint with a delivery, and its bin."""
    return _world(make_organization(), receiver)


@pytest.fixture
def ours(organization, receiver):
    return _world(organization, receiver)


def _world(organization, receiver):
    client = make_client(organization)
    endpoint = make_subscription(receiver.url, client=client)
    emit(client)
    drain()
    with tenancy.operator():
        delivery = Delivery.objects.get(subscription=endpoint)
        request_bin = request_bin_create(
            organization_id=organization.id, environment=SANDBOX, name="", answer_status=200, actor=ACTOR
        )
    return {"endpoint": endpoint, "delivery": delivery, "bin": request_bin}


PAGES = {
    "dashboard-webhook-endpoint": "endpoint",
    "dashboard-webhook-endpoint-change": "endpoint",
    "dashboard-webhook-detail": "delivery",
    "dashboard-webhook-bin": "bin",
}
ACTS = {
    "dashboard-webhook-resend": "delivery",
    "dashboard-webhook-endpoint-status": "endpoint",
    "dashboard-webhook-endpoint-rotate": "endpoint",
    "dashboard-webhook-endpoint-test": "endpoint",
    "dashboard-webhook-endpoint-replay": "endpoint",
    "dashboard-webhook-endpoint-delete": "endpoint",
    "dashboard-webhook-endpoint-change": "endpoint",
    "dashboard-webhook-bin-answer": "bin",
    "dashboard-webhook-bin-delete": "bin",
}
LISTS = ("dashboard-webhooks", "dashboard-webhook-endpoints", "dashboard-webhook-bins")


@pytest.mark.parametrize("role", ["owner", "manager", "member"])
def test_what_is_anothers_is_not_there(role, organization, ours, theirs):
    person = browser(make_member(role, organization))
    for name in LISTS:
        content = person.get(reverse(name)).content.decode()
        assert not any(str(row.pk) in content for row in theirs.values()), name
    for name, what in PAGES.items():
        if role == "member" and name.endswith("change"):
            continue
        assert person.get(reverse(name, args=[theirs[what].pk])).status_code == 404, name
        assert person.get(reverse(name, args=[ours[what].pk])).status_code == 200, name
    for name, what in ACTS.items():
        expected = 403 if role == "member" else 404
        assert person.post(reverse(name, args=[theirs[what].pk])).status_code == expected, name


def test_a_member_reads_and_changes_nothing(organization, ours):
    member = browser(make_member("member", organization))
    with tenancy.operator():
        entries = AuditEntry.objects.count()
    for name, what in ACTS.items():
        assert member.post(reverse(name, args=[ours[what].pk])).status_code == 403, name
    page = member.get(reverse("dashboard-webhook-endpoint", args=[ours["endpoint"].pk])).content.decode()
    assert "Rotate secret" not in page
    assert member.post(reverse("dashboard-webhook-bins"), {"environment": SANDBOX}).status_code in (200, 422)
    with tenancy.operator():
        assert AuditEntry.objects.count() == entries


def test_the_address_must_be_typed_to_delete(organization, ours):
    owner = browser(make_member("owner", organization))
    path = reverse("dashboard-webhook-endpoint-delete", args=[ours["endpoint"].pk])
    owner.post(path, {"confirm": "no"})
    with tenancy.operator():
        assert Subscription.objects.filter(pk=ours["endpoint"].pk).exists()
    owner.post(path, {"confirm": ours["endpoint"].url})
    with tenancy.operator():
        assert not Subscription.objects.filter(pk=ours["endpoint"].pk).exists()


def test_a_bins_page_changes_what_it_answers(organization, ours):
    owner = browser(make_member("owner", organization))
    page = reverse("dashboard-webhook-bin", args=[ours["bin"].pk])
    act = reverse("dashboard-webhook-bin-answer", args=[ours["bin"].pk])
    assert f'action="{act}"' in owner.get(page).content.decode()
    assert f'action="{act}"' not in browser(make_member("member", organization)).get(page).content.decode()
    shown = owner.post(act, {"answer_status": "503"}, follow=True).content.decode()
    assert "The bin answers 503 from now on." in shown
    assert Client().post(f"/bins/{ours['bin'].token}").status_code == 503
    for wrong in ("", "x", "199", "600"):
        assert owner.post(act, {"answer_status": wrong}).status_code == 302
    assert Client().post(f"/bins/{ours['bin'].token}").status_code == 503


def test_the_form_alone_shows_the_values_of_own_headers(organization, receiver):
    endpoint = make_subscription(receiver.url, client=make_client(organization))
    with tenancy.operator():
        subscription_update(
            subscription_id=endpoint.pk, changes={"custom_headers": {"X-Key": "opensesame"}}, actor=ACTOR
        )
    owner, member = (browser(make_member(role, organization)) for role in ("owner", "member"))
    form = owner.get(reverse("dashboard-webhook-endpoint-change", args=[endpoint.pk]))
    assert "X-Key: opensesame" in form.content.decode()
    assert "no-store" in form["Cache-Control"]
    for person in (owner, member):
        page = person.get(reverse("dashboard-webhook-endpoint", args=[endpoint.pk])).content.decode()
        assert "X-Key" in page
        assert "opensesame" not in page
    path = reverse("dashboard-webhook-endpoint-change", args=[endpoint.pk])
    assert member.get(path).status_code == 403


def test_deliveries_are_found_by_endpoint_and_paged_by_place(organization, ours, monkeypatch):
    monkeypatch.setattr("webhooks.pages.deliveries.PAGE_SIZE", 2)
    for _ in range(2):
        emit(ours["endpoint"].client)
    drain()
    owner = browser(make_member("owner", organization))
    path, query = reverse("dashboard-webhooks"), {"endpoint": str(ours["endpoint"].pk)}
    first = owner.get(path, query)
    second = owner.get(path, query | {"before": first.context["next_cursor"]})
    shown = [row.pk for page in (first, second) for row in page.context["deliveries"]]
    assert len(shown) == len(set(shown)) == 3
    assert second.context["next_cursor"] == ""
    assert owner.get(path, {"before": "nonsense", "endpoint": "x"}).status_code == 200
