"""An owner governs keys and members in a browser."""

from partners.services.organizations import member_add
from tests.browser.sessions import sign_in
from tests.factories import ACTOR, make_key, make_organization, make_user


def owner_of(organization):
    person = make_user(full_name="Omer Owner")
    member_add(organization=organization, user=person.user, role="owner", actor=ACTOR)
    return person


def test_an_owner_turns_signing_on_and_rotates_its_secret(page):
    organization = make_organization(name="Acme Contact Centers")
    make_key(organization, name="CompanyX")
    sign_in(page, owner_of(organization))
    page.goto("/dashboard/")
    page.get_by_role("link", name="API keys").click()
    page.get_by_role("link", name="CompanyX").click()
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Request signing").select_option("body")
    page.get_by_role("button", name="Save changes").click()
    first = page.locator("#signing-secret").inner_text().strip()
    page.get_by_role("link", name="Done").click()
    page.get_by_role("button", name="Rotate signing secret").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("in 7 days").click()
    dialog.get_by_role("button", name="Rotate").click()
    page.get_by_text("Old secret", exact=True).wait_for()
    second = page.locator("#signing-secret").inner_text().strip()
    assert first != second
    assert page.get_by_text("valid until").count() == 2
    page.get_by_role("link", name="Done").click()
    page.get_by_text("Old secret", exact=True).wait_for()
    assert second not in page.content()


def test_presets_choose_scopes_and_their_pace(page):
    sign_in(page, owner_of(make_organization()))
    page.goto("/dashboard/keys/new")
    pace = page.get_by_label("Requests per minute")
    assert pace.input_value() == "1000"
    page.get_by_role("button", name="Offers").click()
    assert (pace.input_value(), page.get_by_label("Browse the offer catalogue").is_checked()) == ("", True)
    page.get_by_role("button", name="Call centre").click()
    assert pace.input_value() == "1000"


def test_a_role_is_changed_by_choosing_it_and_pages_fit_a_phone(page):
    organization = make_organization(name="Acme Contact Centers")
    guest = make_user().user
    member_add(organization=organization, user=guest, role="member", actor=ACTOR)
    sign_in(page, owner_of(organization))
    page.goto("/dashboard/")
    page.get_by_role("link", name="Organization", exact=True).click()
    page.get_by_label(f"Role of {guest.email}").select_option("manager")
    page.get_by_text("The role is changed.").wait_for()
    assert page.get_by_label(f"Role of {guest.email}").input_value() == "manager"
    page.set_viewport_size({"width": 390, "height": 844})
    key = make_key(organization).key
    for path in (f"organizations/{organization.id}", "keys", f"keys/{key.id}", f"keys/{key.id}/change", ""):
        page.goto(f"/dashboard/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
