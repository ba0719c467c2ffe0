"""A site's pages. Each is asked with the Place it is at, in the tenant's context and the place's language."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from storefronts.models import SitePage
from storefronts.selectors import Deal, category_slug, deal_of
from storefronts.site import seo
from storefronts.site.cache import cached
from storefronts.site.markup import prose
from storefronts.site.place import Place

PAGE_SIZE = 24
_HOME_DEALS = 12
_RELATED = 3


def home(request: HttpRequest, place: Place) -> HttpResponse:
    """What the site is, its categories, and its newest deals."""
    return cached(request, place, "home", lambda: HttpResponse(home_html(place)))


def home_html(place: Place) -> str:
    """The home page's HTML: also what the dashboard previews."""
    deals = [deal_of(row) for row in place.shelf.deals()[:_HOME_DEALS]]
    context = {
        "deals": deals,
        "has_more": len(deals) == _HOME_DEALS,
        "title": place.text(place.site, "tagline"),
        "summary": place.text(place.site, "description"),
        "structured": seo.structured(seo.website(place), seo.item_list(place, deals)),
    }
    return _html(place, "home", place.path("home"), context)


def offers(request: HttpRequest, place: Place) -> HttpResponse:
    """Every deal."""
    return _listed(request, place, place.path("offers"), _("All deals"), place.shelf.deals())


def category(request: HttpRequest, place: Place, slug: str) -> HttpResponse:
    """The deals of a category."""
    found = next((one for one in place.shelf.categories() if one.slug == slug), None)
    if found is None:
        return missing(request, place)
    path = place.path("category", slug)
    return _listed(
        request, place, path, found.name, place.shelf.deals(category=found.name), category=found.name
    )


def offer(request: HttpRequest, place: Place, slug: str) -> HttpResponse:
    """One deal, and others of its category."""

    def render() -> HttpResponse:
        deal = place.shelf.deal(slug=slug)
        return missing(request, place) if deal is None else HttpResponse(_offer_html(place, deal))

    return cached(request, place, f"offer {slug}", render)


def _offer_html(place: Place, deal: Deal) -> str:
    related = place.shelf.deals(category=deal.category).exclude(id=deal.offer_id)[:_RELATED]
    path = place.path("offer", deal.slug)
    steps = [(deal.name, path)]
    if deal.category:
        steps.insert(0, (deal.category, place.path("category", deal.category_slug)))
    context = {
        "deal": deal,
        "related": [deal_of(row) for row in related],
        "title": f"{deal.name} · {deal.brand_name}",
        "summary": Truncator(" ".join(deal.description.split())).chars(155),
        "share_image": deal.image_url,
        "structured": seo.structured(seo.offer(place, deal), seo.breadcrumbs(place, *steps)),
    }
    return _html(place, "offer", path, context)


def search(request: HttpRequest, place: Place) -> HttpResponse:
    """Deals by words; never kept, and kept out of search engines."""
    text = " ".join(request.GET.get("q", "").replace("\x00", "").split())[:100]
    rows = place.shelf.deals(search=text) if text else place.shelf.deals().none()
    title = _("Search: %(text)s") % {"text": text} if text else _("Search")
    context = _page_of(rows, request) | {"heading": title, "title": title, "q": text, "is_search": True}
    response = HttpResponse(_html(place, "listing", place.path("search"), context | {"noindex": True}))
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def page(request: HttpRequest, place: Place, slug: str) -> HttpResponse:
    """A page of the site's own."""

    def render() -> HttpResponse:
        found = SitePage.objects.filter(site=place.site, slug=slug).first()
        if found is None:
            return missing(request, place)
        body = place.text(found, "body")
        title = place.text(found, "title")
        path = place.path("page", slug)
        context = {
            "title": title,
            "heading": title,
            "summary": Truncator(" ".join(body.replace("#", "").split())).chars(155),
            "prose": prose(body),
            "structured": seo.structured(seo.breadcrumbs(place, (title, path))),
        }
        return HttpResponse(_html(place, "page", path, context))

    return cached(request, place, f"page {slug}", render)


def missing(request: HttpRequest, place: Place) -> HttpResponse:
    """404, in the site's look; of a site that is not published it says only that."""
    if not place.site.is_published:
        return _notice(place, 404, _("This site is not open yet."), bare=True)
    return _notice(place, 404, _("There is no such page."))


def too_many(request: HttpRequest, place: Place) -> HttpResponse:
    """429 for an address that asks faster than people read."""
    response = _notice(place, 429, _("Too many pages at once. Try again in a minute."), bare=True)
    response.headers["Retry-After"] = "60"
    return response


def _notice(place: Place, status: int, text: str, *, bare: bool = False) -> HttpResponse:
    context = {"title": text, "heading": text, "noindex": True, "bare": bare}
    html = _html(place, "notice", place.path("home"), context)
    response = HttpResponse(html, status=status)
    response.headers["Cache-Control"] = "no-cache"
    return response


def _listed(
    request: HttpRequest, place: Place, path: str, heading: str, rows: Any, *, category: str = ""
) -> HttpResponse:
    number = request.GET.get("page", "1")
    number = number if number.isdecimal() and len(number) < 6 else "1"

    def render() -> HttpResponse:
        found = _page_of(rows, request)
        context = found | {
            "heading": heading,
            "title": heading,
            "summary": _("Deals with cashback: %(names)s")
            % {"names": ", ".join(deal.name for deal in found["deals"][:4])},
            "category": category,
            "structured": seo.structured(
                seo.item_list(place, found["deals"]), seo.breadcrumbs(place, (heading, path))
            ),
        }
        return HttpResponse(_html(place, "listing", path, context))

    return cached(request, place, f"list {path} {number}", render)


def _page_of(rows: Any, request: HttpRequest) -> dict[str, Any]:
    page_obj = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    return {"page_obj": page_obj, "deals": [deal_of(row) for row in page_obj]}


def _html(place: Place, name: str, path: str, context: dict[str, Any]) -> str:
    """A template of templates/site/ within what every page of the site shows."""
    site = place.site
    number = getattr(context.get("page_obj"), "number", 1)
    bare = context.get("bare", False)
    frame: dict[str, Any] = {
        "place": place,
        "site": site,
        "language": place.language,
        "offers_url": place.address(place.path("offers")),
        "canonical": place.address(path) + (f"?page={number}" if number > 1 else ""),
        "languages": [
            (language, label, there, place.address(there)) for language, label, there in place.others(path)
        ],
        "pictures": {kind: place.picture_url(kind) for kind in site.pictures.values_list("kind", flat=True)},
        "categories": [] if bare else place.shelf.categories(),
        "navigation": [] if bare else _navigation(place),
        "footer_pages": []
        if bare
        else [
            (place.text(one, "title"), place.path("page", one.slug))
            for one in site.pages.filter(in_footer=True)
        ],
    }
    return render_to_string(f"site/{name}.html", frame | context)


def _navigation(place: Place) -> list[tuple[str, str, bool]]:
    """The site's entries: (label, address, whether it leads elsewhere)."""
    entries = []
    for item in place.site.navigation.select_related("page"):
        if item.kind == item.Kind.CATEGORY:
            # addresses name categories as the shelf does
            address = place.path("category", category_slug(item.category))
        elif item.kind == item.Kind.PAGE and item.page:
            address = place.path("page", item.page.slug)
        else:
            address = item.url
        entries.append((place.text(item, "label"), address, item.kind == item.Kind.ADDRESS))
    return entries
