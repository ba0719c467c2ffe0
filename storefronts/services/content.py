"""What stands in a site: its pages and its navigation."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from config.api.exceptions import Conflict
from partners.services.audit import Actor, audit_record
from storefronts.models import NavigationItem, Site, SitePage
from storefronts.services.sites import site_touch

MAX_NAVIGATION = 12


def page_save(*, site: Site, page_id: UUID | None, actor: Actor, **terms: Any) -> SitePage:
    """Make a page, or change the one named; `terms` are its columns.

    Raises SitePage.DoesNotExist (404), and Conflict (409) when the site has a page of this name.
    """
    try:
        with transaction.atomic():
            return _page_save(site, page_id, actor, terms)
    except IntegrityError as error:
        raise Conflict("The site has a page of this name.") from error


def _page_save(site: Site, page_id: UUID | None, actor: Actor, terms: dict[str, Any]) -> SitePage:
    if page_id is None:
        page = SitePage(organization_id=site.organization_id, environment=site.environment, site=site)
    else:
        page = SitePage.objects.select_for_update(of=("self",)).get(id=page_id, site=site)
    for name, value in terms.items():
        setattr(page, name, value)
    page.save()
    site_touch(site_id=site.id)
    _audit(site, "site.page_save", actor, after={"page": page.slug})
    return page


@transaction.atomic
def page_remove(*, site: Site, page_id: UUID, actor: Actor) -> None:
    """Remove a page, and the navigation entries that lead to it. Raises SitePage.DoesNotExist (404)."""
    page = SitePage.objects.get(id=page_id, site=site)
    slug = page.slug
    page.delete()
    site_touch(site_id=site.id)
    _audit(site, "site.page_remove", actor, before={"page": slug})


@transaction.atomic
def navigation_set(*, site: Site, items: Sequence[dict[str, Any]], actor: Actor) -> list[NavigationItem]:
    """Replace a site's navigation by these entries, in this order; each is a dict of columns."""
    Site.objects.select_for_update(of=("self",)).get(id=site.id)
    before = list(site.navigation.values_list("label", flat=True))
    site.navigation.all().delete()
    made = NavigationItem.objects.bulk_create(
        NavigationItem(
            organization_id=site.organization_id,
            environment=site.environment,
            site=site,
            position=position,
            **item,
        )
        for position, item in enumerate(items[:MAX_NAVIGATION])
    )
    site_touch(site_id=site.id)
    after = [item.label for item in made]
    _audit(site, "site.navigation_set", actor, before={"labels": before}, after={"labels": after})
    return made


def _audit(site: Site, action: str, actor: Actor, **states: dict[str, Any]) -> None:
    audit_record(actor=actor, action=action, target=site, organization_id=site.organization_id, **states)
