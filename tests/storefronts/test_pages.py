"""The dashboard's pages of sites and widgets: who may, and what another organization sees of it."""

import pytest

from config import tenancy
from storefronts.models import PublishableKey, Site, SiteDomain, SitePage
from storefronts.services.domains import domain_add
from tests.factories import ACTOR, make_organization
from tests.people import browser, make_member
from tests.sites import make_publishable_key, make_site

FORM = {
    "name": "Changed",
    "slug": "changed",
    "language": "he",
    "brand_hex": "#AABBCC",
    "font": "serif",
    "appearance": "dark",
}


@pytest.fixture
def as_(tenant):
    return lambda role: browser(make_member(role, tenant.organization))


def test_an_owner_changes_a_site_and_a_member_reads_it(site, as_):
    path = f"/dashboard/sites/{site.id}"
    member = as_("member")
    assert member.get(path).status_code == 200
    assert member.post(path, FORM).status_code == 404
    assert member.get("/dashboard/sites/new").status_code == 403
    assert as_("owner").post(path, FORM).status_code == 302
    with tenancy.operator():
        changed = Site.objects.get(id=site.id)
        assert (changed.name, changed.brand_hex, changed.is_published) == ("Changed", "#aabbcc", False)
        assert changed.version == site.version + 1


def test_a_preview_keeps_nothing(site, as_):
    answer = as_("member").post(f"/dashboard/sites/{site.id}/preview", FORM | {"tagline_he": "מילים חדשות"})
    assert "מילים חדשות" in answer.text
    assert "preview/theme.css?brand_hex=%23aabbcc" in answer.text
    with tenancy.operator():
        assert Site.objects.get(id=site.id).tagline_he == ""
    css = as_("member").get(
        f"/dashboard/sites/{site.id}/preview/theme.css", {"brand_hex": "red;}", "font": "x"}
    )
    assert "red" not in css.text


@pytest.mark.parametrize(
    "change", [{"slug": "www"}, {"brand_hex": "red"}, {"slug": "UPPER CASE"}, {"name": ""}]
)
def test_what_is_not_valid_is_said_and_nothing_changes(site, as_, change):
    assert as_("owner").post(f"/dashboard/sites/{site.id}", FORM | change).status_code == 422
    with tenancy.operator():
        assert Site.objects.get(id=site.id).version == site.version


def test_a_name_that_another_organization_has_is_refused(site, as_):
    make_site(make_organization(), slug="theirs")
    owner = as_("owner")
    assert owner.post(f"/dashboard/sites/{site.id}", FORM | {"slug": "theirs"}).status_code == 422
    new = {"name": "N", "slug": "theirs", "language": "en", "environment": "sandbox"}
    assert owner.post("/dashboard/sites/new", new).status_code == 422
    with tenancy.operator():
        assert Site.objects.filter(slug="theirs").count() == 1


def test_pages_and_navigation_are_written(site, as_, deal):
    deal(category="Sport")
    owner = as_("owner")
    base = f"/dashboard/sites/{site.id}"
    page = {"title": "Terms", "slug": "terms", "body": "Words", "in_footer": "on"}
    assert owner.post(f"{base}/pages/new", page).status_code == 302
    assert owner.post(f"{base}/pages/new", page).status_code == 422
    with tenancy.operator():
        kept = SitePage.objects.get()
    frame = {"form-TOTAL_FORMS": "2", "form-INITIAL_FORMS": "0"}
    first = {"form-0-ORDER": "2", "form-0-label": "Terms", "form-0-target": f"page:{kept.id}"}
    second = {"form-1-ORDER": "1", "form-1-label": "Sports", "form-1-target": "category:Sport"}
    assert owner.post(f"{base}/navigation", frame | first | second).status_code == 302
    with tenancy.operator():
        assert [item.label for item in site.navigation.all()] == ["Sports", "Terms"]
    bad = {"form-0-label": "Elsewhere", "form-0-target": "address", "form-0-url": "javascript:alert(1)"}
    assert owner.post(f"{base}/navigation", frame | bad).status_code == 422
    assert owner.post(f"{base}/pages/{kept.id}/remove").status_code == 302
    with tenancy.operator():
        assert [item.label for item in site.navigation.all()] == ["Sports"]


def test_only_super_admins_vouch_for_a_domain(site, as_):
    with tenancy.operator():
        domain = domain_add(site=site, hostname="deals.acme.example", actor=ACTOR)
    path = f"/dashboard/sites/{site.id}/domains/{domain.id}/vouch"
    assert as_("owner").post(path).status_code == 403
    with tenancy.operator():
        assert SiteDomain.objects.get().verified_at is None
    assert as_("super").post(path).status_code == 302
    with tenancy.operator():
        assert SiteDomain.objects.get().verified_at is not None


def test_a_manager_issues_changes_and_revokes_a_key(tenant, as_):
    manager = as_("manager")
    form = {
        "client": tenant.id,
        "name": "Shop",
        "origins": "https://a.example\nhttps://b.example",
        "requests_per_minute": 5,
    }
    assert manager.post("/dashboard/widgets/new", form | {"origins": "nonsense"}).status_code == 422
    made = manager.post("/dashboard/widgets/new", form)
    assert made.status_code == 302
    page = manager.get(made["Location"])
    with tenancy.operator():
        key = PublishableKey.objects.get()
    assert key.key in page.text
    assert 'integrity="sha384-' in page.text.replace("&quot;", '"')
    assert key.origins == ["https://a.example", "https://b.example"]
    assert as_("member").post(f"{made['Location']}/revoke").status_code == 403
    assert manager.post(f"{made['Location']}/revoke").status_code == 302
    with tenancy.operator():
        assert PublishableKey.objects.get().revoked_at is not None


def test_another_organizations_sites_and_keys_are_404(site, tenant):
    key = make_publishable_key(tenant)
    stranger = browser(make_member("owner", make_organization()))
    for path in (
        f"sites/{site.id}",
        f"sites/{site.id}/pages",
        f"sites/{site.id}/domains",
        f"sites/{site.id}/navigation",
        f"widgets/{key.id}",
    ):
        assert stranger.get(f"/dashboard/{path}").status_code == 404
    assert stranger.post(f"/dashboard/sites/{site.id}", FORM).status_code == 404
    assert stranger.post(f"/dashboard/widgets/{key.id}/revoke").status_code == 404
    assert site.name not in stranger.get("/dashboard/sites").text
    form = {"client": tenant.id, "name": "Shop", "requests_per_minute": 5}
    assert stranger.post("/dashboard/widgets/new", form).status_code == 422
    with tenancy.operator():
        assert PublishableKey.objects.count() == 1
        assert PublishableKey.objects.get().revoked_at is None
