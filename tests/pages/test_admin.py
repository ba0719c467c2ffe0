"""The Django admin: ops find everything, and change nothing by hand."""

import io
from datetime import timedelta

import pytest
import redis
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from bookings.opening_hours import WEEKDAYS
from bookings.services.bookings import booking_create
from bookings.services.resources import resource_create
from config import tenancy
from invoices.services.payments import payment_record
from invoices.services.profiles import profile_save
from jobs.models import Job
from jobs.services.checklists import checklist_create
from jobs.services.settling import job_settle
from leads.selectors import first_rows
from leads.services.imports import import_upload, lot_import
from partner_requests.services.lifecycle import partner_request_submit
from partners.models import AuditEntry, User
from rentals.services.images import image_add
from rentals.services.items import block_create, item_create
from rentals.services.orders import Wanted, order_create
from tests.engine import job_claim, job_work
from tests.factories import ACTOR, SANDBOX, make_company, make_key, make_organization, make_user
from tests.offers import make_run
from tests.partner import Partner
from tests.partner_requests.test_requests import ONBOARDING
from tests.webhooks.rows import make_subscription
from webhooks.services.replays import replay_start
from webhooks.services.request_bins import request_bin_create

OURS = (
    "partners",
    "credentials",
    "webhooks",
    "jobs",
    "partner_requests",
    "leads",
    "bookings",
    "rentals",
    "invoices",
    "catalog",
    "ledger",
    "rewards",
    "pipeline",
    "storefronts",
)
# Those whose own tests open what they list.
UNFILLED = {"ledger", "rewards", "pipeline", "storefronts"}
MODELS = [model for model in admin.site._registry if model._meta.app_label in OURS]


@pytest.fixture
def filled(shipped):
    """A tenant that has used everything once."""
    organization = make_organization()
    partner = Partner(make_key(organization))
    partner.lead_post()
    company = make_company(organization)
    body = {
        "audio_file": "UklGRg==",
        "company_id": str(company.id),
        "webhook_url": "http://127.0.0.1:9/hook",
    }
    assert partner.post("/calls/analyze", body).status_code == 202
    job = job_claim(queue="analysis", now=timezone.now())
    assert job_settle(job=job, error={"code": "empty_audio", "message": "The recording is empty."})
    endpoint = make_subscription("https://acme.example/hook", client=partner.issued.key.client)
    with tenancy.operator():
        request_bin_create(
            organization_id=organization.id, environment=SANDBOX, name="", answer_status=200, actor=ACTOR
        )
        replay_start(subscription_id=endpoint.id, since=timezone.now(), only="all", actor=ACTOR)
        partner_request_submit(
            organization_id=organization.id,
            environment=SANDBOX,
            client_id=partner.issued.key.client_id,
            type="ONBOARDING",
            payload=ONBOARDING,
            actor=ACTOR,
        )
        checklist_create(
            organization_id=organization.id,
            environment=SANDBOX,
            call_type="returns",
            items=[{"item": "greeting", "examples": []}],
            weights={},
            actor=ACTOR,
        )
        room = resource_create(
            organization_id=organization.id,
            environment=SANDBOX,
            name="Room 1",
            opening_hours=dict.fromkeys(WEEKDAYS, (("00:00", "24:00"),)),
            actor=ACTOR,
        )
        starts_at = timezone.now() + timedelta(days=1)
        drill = item_create(
            organization_id=organization.id,
            environment=SANDBOX,
            name="Drill",
            quantity=2,
            price_day_minor=5_000,
            actor=ACTOR,
        )
        block_create(item=drill, quantity=1, starts_at=starts_at, ends_at=None, reason="Service", actor=ACTOR)
        picture = io.BytesIO()
        Image.new("RGB", (8, 8)).save(picture, "PNG")
        image_add(item=drill, content=picture.getvalue(), actor=ACTOR)
        profile_save(organization_id=organization.id, environment=SANDBOX, actor=ACTOR, language="he")
        order = order_create(
            organization_id=organization.id,
            environment=SANDBOX,
            client_id=None,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(hours=1),
            customer={"name": "Ada", "email": "", "phone": ""},
            wanted=[Wanted(drill.id, 1)],
            actor="tests",
        )
        payment_record(
            invoice=order.invoice,
            amount_minor=1,
            method="Transfer",
            reference="T-1",
            paid_at=timezone.now(),
            actor=ACTOR,
        )
        booking_create(
            organization_id=organization.id,
            environment=SANDBOX,
            client_id=None,
            resource_id=room.id,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(hours=1),
            customer={"name": "Ada", "email": "", "phone": ""},
            actor="tests",
        )
        content = b"name,email\nAda,ada@a.example\nnobody,\n"
        uploaded = import_upload(
            organization_id=organization.id,
            environment=SANDBOX,
            file_name="fair.csv",
            content=content,
            actor=ACTOR,
        )
        lot_import(import_id=uploaded.id, rows=first_rows(uploaded), after=0)
    make_run(organization)
    job_work(queue="default")
    shipped()
    return partner


@pytest.fixture
def ops():
    client = Client()
    client.force_login(make_user(is_staff=True).user)
    return client


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_ops_can_list_search_and_open_but_not_change(filled, ops, model):
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    listed = ops.get(reverse(f"{name}_changelist"))
    assert listed.status_code == 200
    found = listed.context["cl"].result_list
    if model._meta.model_name not in {"attempt", "agent"} and model._meta.app_label not in UNFILLED:
        assert len(found) >= 1
    if admin.site._registry[model].search_fields:
        assert ops.get(reverse(f"{name}_changelist"), {"q": "no-such-thing"}).status_code == 200
    for row in found[:1]:
        opened = ops.get(reverse(f"{name}_change", args=[row.pk]))
        assert opened.status_code == 200
        assert filled.issued.secret not in opened.content.decode()
        assert b'name="_save"' not in opened.content
        assert ops.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    assert ops.get(reverse(f"{name}_add")).status_code == 403


def test_a_failed_job_is_run_again_from_the_admin(filled, ops):
    url = reverse("admin:jobs_job_changelist")
    job = ops.get(url, {"status__exact": "failed"}).context["cl"].result_list[0]
    data = {"action": "run_again", "_selected_action": [str(job.pk)]}
    assert ops.post(url, data).status_code == 302
    again = ops.get(url, {"q": str(job.pk)}).context["cl"].result_list[0]
    assert (again.status, again.error) == (Job.Status.QUEUED, None)


def test_people_without_the_ops_role_stay_out():
    client = Client()
    client.force_login(make_user().user)
    assert client.get("/admin/", follow=False).status_code in {302, 403}
    assert Client().get("/admin/").status_code == 302


def test_super_admins_need_a_second_factor(settings, admin_client):
    settings.SECOND_FACTOR_REQUIRED = True
    for path in ("/dashboard/", "/dashboard/admin/partner-api", "/admin/"):
        answer = admin_client.get(path)
        assert (answer.status_code, answer["Location"]) == (302, reverse("mfa_activate_totp"))
    client = Client()
    client.force_login(make_user().user)
    assert client.get("/dashboard/").status_code == 200


def test_second_factors_are_nobodys_to_look_at(admin_client):
    assert admin_client.get("/admin/mfa/authenticator/").status_code == 404
    others = {model._meta.app_label for model in admin.site._registry} - set(OURS)
    assert others == {"django_celery_beat"}


def test_every_registered_model_is_looked_at():
    labels = {model._meta.label for model in MODELS}
    wanted = {"partners.Organization", "credentials.ApiKey", "credentials.RequestLog", "jobs.Job"}
    assert wanted | {"webhooks.Delivery", "webhooks.Attempt", "partners.AuditEntry"} <= labels
    assert AuditEntry in MODELS
    assert User in MODELS


def test_while_the_store_is_down_pages_work_and_nobody_guesses_passwords(admin_client, monkeypatch):
    person, guest = make_user(), Client()
    body = {"login": person.user.email, "password": person.password}

    def refuse(*args, **kwargs):
        raise redis.ConnectionError("down")

    with monkeypatch.context() as down:
        down.setattr(redis.Redis, "execute_command", refuse)
        assert admin_client.get("/dashboard/").status_code == 200
        assert guest.get(reverse("account_login")).status_code == 200
        assert guest.post(reverse("account_login"), body).status_code == 429
    assert guest.post(reverse("account_login"), body).status_code == 302
