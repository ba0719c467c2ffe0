"""Leads in a browser: a CSV file is imported and its bar finishes; leads are found, qualified and merged."""

import pytest

from config import tenancy
from leads.models import Lead
from partners.models import Membership
from partners.services.organizations import member_add
from tests.browser.sessions import sign_in
from tests.engine import working
from tests.factories import ACTOR, make_company, make_key, make_organization, make_user
from tests.partner import Partner

NAMES = ("Noa Bar", "Yael Cohen", "Tom Reed", "Dana Levi", "Omer Katz", "Ruth Amir")


@pytest.fixture
def owner():
    organization = make_organization(name="Acme Contact Centers")
    person = make_user(full_name="Omer Owner")
    member_add(organization=organization, user=person.user, role=Membership.Role.OWNER, actor=ACTOR)
    return organization, person


def fair(rows):
    lines = [
        f"{NAMES[n % 6]};p{n}@fair.example;050-{1_000_000 + n};fair;{100 + n}.50;vip" for n in range(rows)
    ]
    lines[3] = "Nobody;not an address;;fair;;"
    lines[7] = "Dear;dear@fair.example;;fair;a lot;"
    return "\n".join(["Contact;E-mail;Mobile;Channel;Deal;Labels", *lines]).encode()


def test_a_file_is_imported_and_leads_are_found_qualified_and_merged(page, owner, picture):
    organization, person = owner
    make_company(organization, environment="production")
    partner = Partner(make_key(organization, environment="production", name="Northwind"))
    partner.lead_post(
        name="Ada Lovelace", email="ada@example.com", phone="050-123-4567", source="website", tags=["vip"],
        valueMinor=1_250_000, currency="ILS", notes="Asked for a call back about the annual plan.",
        customFields={"plan": "annual", "seats": 12},
    )  # fmt: skip
    partner.lead_post(name="Ada L.", email="ADA@example.com", source="phone", externalId="crm-7")
    sign_in(page, person)
    page.goto("/dashboard/leads/imports")
    page.get_by_label("File").set_input_files(
        {"name": "fair.csv", "mimeType": "text/csv", "buffer": fair(1200)}
    )
    page.get_by_role("button", name="Look at it").click()
    page.get_by_text("The first rows").wait_for()
    # a column whose name says nothing is chosen, which judges the rows anew
    page.get_by_label("Value").select_option(label="Deal")
    page.get_by_text("This is not an amount.").wait_for()
    picture(page, "lead-import-preview")
    page.get_by_role("button", name="Import 1200 rows").click()
    page.locator("progress").wait_for()
    with working("default"):
        page.locator("#import-state", has_text="Completed").wait_for(timeout=60_000)
    assert page.locator("progress").get_attribute("value") == "100"
    page.get_by_text("1,200 / 1,200").wait_for()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename == "refused-leads.csv"
    with tenancy.operator():
        assert Lead.objects.filter(source="fair").count() == 1198

    page.get_by_role("link", name="See the leads").click()
    page.get_by_label("Name, e-mail, phone, source or id").fill("ada")
    page.get_by_role("button", name="Search").click()
    page.get_by_text("duplicate", exact=True).wait_for()
    page.get_by_role("link", name="Ada Lovelace").click()
    page.get_by_role("button", name="Qualify").click()
    page.get_by_text("The lead is moved on.").wait_for()
    page.get_by_role("button", name="Merge").first.click()
    page.get_by_text("Both histories are kept.").wait_for()
    picture(page, "lead")
    with tenancy.operator():
        assert Lead.objects.get(name="Ada L.").merged_into.status == "qualified"
