"""A super-admin issues a key in the dashboard, and a partner's programs use it."""

import urllib.error
import urllib.request

from tests.browser.sessions import sign_in
from tests.factories import make_company, make_organization, make_super_admin, make_user


def call(hub, raw_key):
    request = urllib.request.Request(f"{hub}/api/partner/v1/health", headers={"x-partner-api-key": raw_key})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_a_key_is_issued_used_rotated_suspended_and_revoked(page, hub, picture):
    organization = make_organization(name="Acme Contact Centers")
    make_company(organization, name="Northwind Telecom")
    page.goto("/dashboard/")
    picture(page, "sign-in")
    person = make_super_admin(full_name="Dana Admin")
    page.get_by_label("Email").fill(person.user.email)
    page.get_by_label("Password", exact=True).fill(person.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/dashboard/")

    page.get_by_role("link", name="API keys").click()
    page.get_by_role("link", name="New key").first.click()
    page.get_by_label("Partner name").fill("CompanyX Call Center")
    page.get_by_label("Organization", exact=True).select_option(label="Acme Contact Centers")
    page.get_by_label("Allowed IP addresses").fill("127.0.0.1\n2001:db8::/32")
    picture(page, "key-form")
    page.get_by_role("button", name="Create key").click()

    raw_key = page.locator("#raw-key").inner_text().strip()
    assert raw_key.startswith("pk_sandbox_")
    picture(page, "key-reveal")
    assert call(hub, raw_key) == 200
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert raw_key in download.value.path().read_text()
    page.get_by_role("link", name="Done").or_(page.get_by_role("button", name="Done")).click()

    page.goto("/dashboard/admin/partner-api")
    row = page.get_by_role("row", name="CompanyX Call Center")
    assert raw_key[-4:] in row.inner_text()
    assert raw_key not in page.content()
    picture(page, "key-list")

    row.get_by_role("link", name="CompanyX Call Center").click()
    page.get_by_role("button", name="Suspend").click()
    page.get_by_text("The key is suspended.").wait_for()
    assert call(hub, raw_key) == 401
    page.get_by_role("button", name="Resume").click()
    page.get_by_text("The key works again.").wait_for()
    assert call(hub, raw_key) == 200

    page.get_by_role("button", name="Revoke").click()
    dialog = page.get_by_role("dialog")
    confirm = dialog.get_by_role("button", name="Revoke")
    assert confirm.is_disabled()
    dialog.get_by_role("textbox").fill("CompanyX Call Center")
    confirm.click()
    page.get_by_text("The key is revoked.").wait_for()
    assert call(hub, raw_key) == 401
    for action in ("key.issued", "key.suspended", "key.resumed", "key.revoked"):
        assert page.get_by_text(action).count() == 1


def test_rotation_shows_a_new_key_once_and_keeps_the_old_one_for_its_grace(page, hub):
    make_organization(name="Acme Contact Centers")
    sign_in(page, make_super_admin())
    page.goto("/dashboard/admin/partner-api/new")
    page.get_by_label("Partner name").fill("Rotating Partner")
    page.get_by_label("Organization", exact=True).select_option(label="Acme Contact Centers")
    page.get_by_role("button", name="Create key").click()
    first = page.locator("#raw-key").inner_text().strip()
    page.get_by_role("link", name="Done").or_(page.get_by_role("button", name="Done")).click()
    page.goto("/dashboard/admin/partner-api")
    page.get_by_role("link", name="Rotating Partner").click()
    page.get_by_role("button", name="Rotate").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("in 1 hour").click()
    dialog.get_by_role("button", name="Rotate").click()
    second = page.locator("#raw-key").inner_text().strip()
    assert second != first
    assert (call(hub, first), call(hub, second)) == (200, 200)


def test_a_bad_form_says_what_is_wrong_and_issues_nothing(page):
    make_organization(name="Acme Contact Centers")
    sign_in(page, make_super_admin())
    page.goto("/dashboard/admin/partner-api/new")
    page.get_by_label("Partner name").fill("CompanyX")
    page.get_by_label("Organization", exact=True).select_option(label="Acme Contact Centers")
    page.get_by_label("Allowed IP addresses").fill("not an address")
    page.get_by_role("button", name="Create key").click()
    page.get_by_text("is neither an IP address nor a CIDR range").first.wait_for()
    assert page.get_by_label("Partner name").input_value() == "CompanyX"
    page.goto("/dashboard/admin/partner-api")
    assert "CompanyX" not in page.content()


def test_others_may_not_open_the_key_pages(page):
    sign_in(page, make_user())
    answer = page.goto("/dashboard/admin/partner-api")
    assert answer.status == 403


def test_a_wrong_password_does_not_sign_in(page):
    person = make_super_admin()
    page.goto("/dashboard/")
    page.get_by_label("Email").fill(person.user.email)
    page.get_by_label("Password", exact=True).fill("wrong password")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("not correct").first.wait_for()
    assert "/accounts/login" in page.url
