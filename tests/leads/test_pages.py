"""People find, write down, change, move on and merge leads, within their reach."""

import pytest
from django.test import Client
from django.urls import reverse

from config import tenancy
from leads.models import Lead, LeadChange
from partners.models import AuditEntry, User
from tests.factories import make_company, make_organization, make_user
from tests.pages.test_content_policy import check
from tests.people import browser, make_member
from webhooks.models import Event

LIST = reverse("dashboard-leads")


@pytest.fixture
def manager(organization):
    return browser(make_member("manager", organization))


def url(lead, what=""):
    return reverse(f"dashboard-lead{what}", args=[lead["id"]])


def fresh(lead):
    with tenancy.operator():
        return Lead.objects.get(id=lead["id"])


def page(person, path, **query):
    answer = person.get(path, query)
    assert answer.status_code == 200
    check(answer.content.decode())
    return answer.content.decode()


def test_leads_are_found(partner, manager, other_partner):
    partner.lead_post(name="Ada <b>", source="fair", tags=["vip"], valueMinor=125_000, currency="ILS")
    partner.lead_post(name="Beth", email="beth@a.example", source="web")
    partner.lead_post(name="Beth twice", email="beth@a.example")
    other_partner.lead_post(name="Eve")
    listed = page(manager, LIST)
    assert "Ada &lt;b&gt;" in listed
    assert "Beth" in listed
    assert "Eve" not in listed
    for query in ({"q": "ADA"}, {"source": "fair"}, {"tag": "vip"}, {"q": "ada", "status": "new"}):
        listed = page(manager, LIST, **query)
        assert ("Ada" in listed, "Beth" in listed) == (True, False), query
    listed = page(manager, LIST, duplicates="1")
    assert ("Beth twice" in listed, "Ada" in listed) == (True, False)
    assert "No lead matches" in page(manager, LIST, status="rejected", q="\x00")


def test_a_lead_is_written_down_changed_and_moved_on(manager, organization):
    company = make_company(organization)
    form = {
        "environment": "sandbox", "name": "Ada", "phone": "050-123-4567", "value": "1,250.50",
        "currency": "ils", "tags": "vip, fair,vip", "company": company.id,
    }  # fmt: skip
    for wrong, said in (
        ({"phone": ""}, "Give an e-mail address"),
        ({"phone": "call me"}, "This is not a phone number"),
        ({"value": "a lot"}, "This is not an amount"),
        ({"currency": ""}, "A value needs its currency"),
        ({"company": make_company(make_organization()).id}, "Select a valid choice"),
    ):
        answer = manager.post(reverse("dashboard-lead-new"), form | wrong)
        assert (answer.status_code, said in answer.content.decode()) == (422, True), said
    answer = manager.post(reverse("dashboard-lead-new"), form)
    lead = {"id": answer["Location"].rsplit("/", 1)[1]}
    made = fresh(lead)
    assert (made.value_minor, made.currency, made.tags) == (125_050, "ILS", ["vip", "fair"])
    assert made.company_id == company.id
    with tenancy.operator():
        Lead.objects.update(custom_fields={"plan": "annual"})
    edit = page(manager, url(lead, "-edit"))
    assert 'value="1250.50"' in edit
    manager.post(url(lead, "-edit"), form | {"name": "Ada King", "value": "", "tags": ""})
    made = fresh(lead)
    assert (made.name, made.value_minor, made.currency, made.tags) == ("Ada King", None, "", [])
    assert made.custom_fields == {"plan": "annual"}
    manager.post(url(lead, "-move"), {"status": "qualified"})
    assert (
        "The lead is qualified."
        in manager.post(url(lead, "-move"), {"status": "new"}, follow=True).content.decode()
    )
    assert fresh(lead).status == "qualified"
    shown = page(manager, url(lead))
    assert "Ada King" in shown
    assert 'value="converted"' in shown
    with tenancy.operator():
        assert list(Event.objects.order_by("id").values_list("type", flat=True)) == [
            "lead.created", "lead.updated", "lead.qualified",
        ]  # fmt: skip
        audited = AuditEntry.objects.filter(target_id=lead["id"]).values_list("action", "actor")
        assert list(audited) == [("lead.qualify", User.objects.get().email)]


def test_a_merge_keeps_both_histories(partner, manager):
    first = partner.lead_post(email="ada@a.example", phone="", tags=["a"], notes="first").json()
    second = partner.lead_post(
        email="ADA@a.example", phone="050-123-4567", tags=["b"], externalId="7", valueMinor=5, currency="ILS",
        notes="second", customFields={"x": 1},
    ).json()  # fmt: skip
    third = partner.lead_post(email="", phone="+972501234567").json()
    assert third["duplicateOf"] == first["id"]
    manager.post(url(first, "-merge"), {"lead": second["id"]})
    survivor, merged = fresh(first), fresh(second)
    assert (survivor.phone, survivor.tags, survivor.notes) == ("050-123-4567", ["a", "b"], "first")
    assert (survivor.value_minor, survivor.custom_fields, survivor.external_id) == (5, {"x": 1}, "")
    assert (merged.status, merged.merged_into_id, merged.notes) == ("merged", survivor.id, "second")
    with tenancy.operator():
        changes = LeadChange.objects.filter(lead__in=(survivor, merged)).order_by("at", "id")
        history = [(str(one.lead_id), one.action) for one in changes]
        assert sorted(history) == [
            (first["id"], "created"), (first["id"], "took_in"),
            (second["id"], "created"), (second["id"], "merged"),
        ]  # fmt: skip
        assert AuditEntry.objects.filter(action="lead.merge", target_id=merged.id).count() == 1
        assert Event.objects.filter(type="lead.updated").count() == 2
    # the merged one is known by its contact, and changes no more
    assert partner.lead_post(email="ada@a.example").json()["duplicateOf"] == first["id"]
    refused = partner.write(f"/leads/{second['id']}", method="put", name="Eve")
    assert (refused.status_code, refused.json()["error"]) == (409, "INVALID_TRANSITION")
    assert partner.leads(status="merged").json()["data"][0]["mergedInto"] == first["id"]
    assert "Merged into" in page(manager, url(second))
    # what was merged into a lead follows it
    manager.post(url(third, "-merge"), {"lead": first["id"]})
    assert {fresh(first).merged_into_id, fresh(second).merged_into_id} == {fresh(third).id}
    for wrong in (third["id"], first["id"], "x", ""):
        manager.post(url(third, "-merge"), {"lead": wrong})
    assert fresh(third).status == "new"


def test_the_admin_merges_into_the_oldest(partner, other_partner):
    leads = [partner.lead_post(name=name).json() for name in ("Ada", "Ada L", "A. Lovelace")]
    theirs = other_partner.lead_post().json()
    ops = Client()
    ops.force_login(make_user(is_staff=True).user)
    listed = reverse("admin:leads_lead_changelist")
    chosen = [one["id"] for one in (*leads[::-1], theirs)]
    answer = ops.post(listed, {"action": "merge", "_selected_action": chosen}, follow=True)
    assert "2 leads were merged." in answer.content.decode()
    assert {str(fresh(one).merged_into_id) for one in leads[1:]} == {leads[0]["id"]}
    assert fresh(theirs).status == "new"


def test_members_look_and_others_see_nothing(partner, organization):
    lead, twin = partner.lead_post().json(), partner.lead_post().json()
    member = browser(make_member("member", organization))
    stranger = browser(make_member("owner", make_organization()))
    assert "-merge" not in page(member, url(lead))
    page(browser(make_member("super")), url(lead))
    page(browser(make_member("super")), LIST)
    assert stranger.get(url(lead)).status_code == 404
    for person, refused in ((member, 403), (stranger, 404)):
        for what, form in (
            ("-edit", {"name": "taken", "email": "x@a.example"}),
            ("-move", {"status": "rejected"}),
            ("-merge", {"lead": twin["id"]}),
        ):
            assert person.post(url(lead, what), form).status_code == refused
    assert (fresh(lead).name, fresh(lead).status, fresh(twin).status) == ("Ada", "new", "new")
