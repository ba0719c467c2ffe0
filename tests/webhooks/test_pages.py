"""What ops and super-admins see and do: the dashboard's pages and the admin."""

from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from config import tenancy
from partners.models import AuditEntry
from tests.factories import make_client, make_user
from tests.webhooks.receiver import status
from tests.webhooks.rows import attempts_of, delivery_now, emit, make_callback, make_subscription
from webhooks.dispatcher import drain


@pytest.fixture
def failed(receiver):
    """A delivery that failed after one attempt, answered with markup."""
    receiver.answers = [status(410, b"<script>alert(1)</script>")]
    delivery = make_callback(receiver.url)
    drain()
    return delivery


def test_the_list_finds_a_delivery_by_status_type_and_id(admin_client, failed):
    fine = make_callback("https://quiet.example/")
    page = reverse("dashboard-webhooks")
    everything = admin_client.get(page).content.decode()
    assert all(reverse("dashboard-webhook-detail", args=[one.id]) in everything for one in (failed, fine))
    for query in ({"status": "FAILED"}, {"q": failed.webhook_id}):
        found = admin_client.get(page, query).content.decode()
        assert str(failed.id) in found
        assert str(fine.id) not in found
    assert str(failed.id) not in admin_client.get(page, {"event_type": "lead.created"}).content.decode()


def test_the_detail_shows_each_attempt_escaped(admin_client, failed):
    content = admin_client.get(reverse("dashboard-webhook-detail", args=[failed.id])).content.decode()
    assert "The receiver answered 410." in content
    assert "X-Webhook-Attempt" in content
    assert "&lt;script&gt;alert(1)" in content
    assert "<script>alert(1)" not in content


def test_send_again_makes_another_attempt_with_the_same_id(admin_client, failed, receiver):
    answer = admin_client.post(reverse("dashboard-webhook-resend", args=[failed.id]))
    assert (answer.status_code, answer.url) == (
        302,
        reverse("dashboard-webhook-detail", args=[failed.id]),
    )
    receiver.answers = [status(200)]
    drain()
    assert [(received.id, received.attempt) for received in receiver.received] == [
        (failed.webhook_id, 1),
        (failed.webhook_id, 2),
    ]
    assert delivery_now(failed).status == "DELIVERED"


def test_pages_of_no_delivery_are_404(admin_client):
    assert admin_client.get(reverse("dashboard-webhook-detail", args=[uuid4()])).status_code == 404
    assert admin_client.post(reverse("dashboard-webhook-resend", args=[uuid4()])).status_code == 404


def test_others_than_super_admins_see_and_send_nothing(failed):
    client = Client()
    client.force_login(make_user(is_staff=True).user)
    for name in ("dashboard-webhook-detail", "dashboard-webhook-resend"):
        url = reverse(name, args=[failed.id])
        answer = client.post(url) if name.endswith("resend") else client.get(url)
        assert answer.status_code == 403
    assert client.get(reverse("dashboard-webhooks")).status_code == 403
    assert Client().get(reverse("dashboard-webhooks")).status_code == 302
    assert delivery_now(failed).status == "FAILED"


def test_resend_is_not_a_link(admin_client, failed):
    assert admin_client.get(reverse("dashboard-webhook-resend", args=[failed.id])).status_code == 405


@pytest.mark.parametrize("model", ["event", "subscription", "delivery", "attempt"])
def test_ops_look_at_everything_and_change_nothing(receiver, model):
    client = make_client()
    subscription = make_subscription(receiver.url, client=client)
    emit(client)
    drain()
    ops = Client()
    ops.force_login(make_user(is_staff=True).user)
    listed = ops.get(reverse(f"admin:webhooks_{model}_changelist"), {"q": "nothing-like-this"})
    assert listed.status_code == 200
    page = ops.get(reverse(f"admin:webhooks_{model}_changelist"))
    assert page.status_code == 200
    assert page.context["cl"].result_list.count() == 1
    row = page.context["cl"].result_list[0]
    detail = ops.get(reverse(f"admin:webhooks_{model}_change", args=[row.pk]))
    assert detail.status_code == 200
    assert "secret_sealed" not in detail.content.decode()
    assert ops.get(reverse(f"admin:webhooks_{model}_add")).status_code == 403
    assert ops.post(reverse(f"admin:webhooks_{model}_delete", args=[row.pk])).status_code == 403
    assert subscription.status == "ACTIVE"


def test_ops_send_deliveries_again(failed, receiver):
    ops = Client()
    person = make_user(is_staff=True).user
    ops.force_login(person)
    chosen = {"action": "send_again", "_selected_action": [str(failed.id)]}
    assert ops.post(reverse("admin:webhooks_delivery_changelist"), chosen).status_code == 302
    drain()
    assert [row.attempt_number for row in attempts_of(failed)] == [1, 2]
    with tenancy.operator():
        assert AuditEntry.objects.get(action="delivery.resent").actor == person.email
