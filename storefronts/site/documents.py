"""What a site has beside its pages: its colours, pictures, and what robots read."""

import base64
from xml.sax.saxutils import escape, quoteattr

from django.http import HttpRequest, HttpResponse
from django.utils.html import escape as html_escape

from storefronts.models import Site, SitePage, SitePicture
from storefronts.selectors import deal_of
from storefronts.site.cache import cached
from storefronts.site.colours import palette
from storefronts.site.place import Place
from storefronts.site.views import missing

# Under a version in its address nothing changes.
_FOR_GOOD = "public, max-age=31536000, immutable"
_A_WHILE = "public, max-age=300"
# The protocol's own limit is 50,000; languages share it.
_MOST_URLS = 20_000
_FONTS = {
    "heebo": '"Heebo", system-ui, sans-serif',
    "system": 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif',
    "serif": '"Iowan Old Style", "Palatino Linotype", Palatino, "Noto Serif", Georgia, serif',
    "rounded": 'ui-rounded, "SF Pro Rounded", "Nunito", "Varela Round", "Noto Sans", system-ui, sans-serif',
}
_SCHEMES = {"auto": "light dark", "light": "light", "dark": "dark"}


def theme_css(*, brand_hex: str, font: str, appearance: str) -> str:
    """The custom properties that static/site/site.css is written with."""
    lines = [f"--{name}: {value};" for name, value in palette(brand_hex).items()]
    lines += [f"--font: {_FONTS[font]};", f"color-scheme: {_SCHEMES[appearance]};"]
    return ":root {\n  " + "\n  ".join(lines) + "\n}\n"


def theme(request: HttpRequest, place: Place) -> HttpResponse:
    """The site's colours and font as a stylesheet."""
    site = place.site
    text = theme_css(brand_hex=site.brand_hex, font=site.font, appearance=site.appearance)
    return _document(request, text, "text/css", versioned=True)


def picture(request: HttpRequest, place: Place, kind: str) -> HttpResponse:
    """The site's logo, icon or picture of shared links."""
    found = SitePicture.objects.filter(site=place.site, kind=kind).first()
    if found is None:
        return missing(request, place)
    return _document(request, bytes(found.content), "image/png", versioned=True)


def favicon(request: HttpRequest, place: Place) -> HttpResponse:
    """The site's icon; without one, its initial in its colours."""
    found = SitePicture.objects.filter(site=place.site, kind=SitePicture.Kind.ICON).first()
    if found:
        return _document(request, bytes(found.content), "image/png")
    return _document(request, icon_svg(place.site), "image/svg+xml")


def icon_svg(site: Site) -> str:
    """A square with the first letter of the site's name."""
    colours = palette(site.brand_hex)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">'
        f'<rect width="64" height="64" rx="16" fill="{colours["brand"]}"/>'
        '<text x="32" y="44" text-anchor="middle" font-family="system-ui, sans-serif" font-weight="700"'
        f' font-size="36" fill="{colours["on-brand"]}">{html_escape(site.name[:1].upper())}</text></svg>'
    )


def icon_data(site: Site) -> str:
    """icon_svg as a data address."""
    return "data:image/svg+xml;base64," + base64.b64encode(icon_svg(site).encode()).decode()


def robots(request: HttpRequest, place: Place) -> HttpResponse:
    """What robots may read."""
    if not place.is_indexed:
        return _document(request, "User-agent: *\nDisallow: /\n", "text/plain")
    lines = ("User-agent: *", "Disallow: /r/", "Disallow: /search", "Disallow: /*/search")
    text = "\n".join(lines) + f"\n\nSitemap: {place.address('/sitemap.xml')}\n"
    return _document(request, text, "text/plain")


def sitemap(request: HttpRequest, place: Place) -> HttpResponse:
    """Every page of the site, with its other languages (sitemaps.org 0.9)."""
    return cached(
        request, place, "sitemap", lambda: HttpResponse(_sitemap(place), content_type="application/xml")
    )


def _sitemap(place: Place) -> str:
    place = place.in_language(place.site.language)
    pages: list[tuple[str, str]] = [
        (place.path("home"), f"{place.site.updated_at:%Y-%m-%d}"),
        (place.path("offers"), ""),
    ]
    pages += [(place.path("category", one.slug), "") for one in place.shelf.categories()]
    for one in SitePage.objects.filter(site=place.site):
        pages.append((place.path("page", one.slug), f"{one.updated_at:%Y-%m-%d}"))
    for row in place.shelf.deals()[: _MOST_URLS - len(pages)].iterator(1000):
        deal = deal_of(row)
        pages.append((place.path("offer", deal.slug), f"{deal.updated_at:%Y-%m-%d}"))
    several = len(place.site.languages) > 1
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
        ' xmlns:xhtml="http://www.w3.org/1999/xhtml">',
    ]
    for path, changed in pages:
        others = place.others(path) if several else []
        alternates = "".join(
            f'<xhtml:link rel="alternate" hreflang="{language}" href={quoteattr(place.address(there))}/>'
            for language, _label, there in others
        )
        dated = f"<lastmod>{changed}</lastmod>" if changed else ""
        for there in [there for _code, _label, there in others] or [path]:
            lines.append(f"<url><loc>{escape(place.address(there))}</loc>{dated}{alternates}</url>")
    return "\n".join([*lines, "</urlset>", ""])


def _document(
    request: HttpRequest, content: str | bytes, content_type: str, *, versioned: bool = False
) -> HttpResponse:
    response = HttpResponse(content, content_type=content_type)
    response.headers["Cache-Control"] = _FOR_GOOD if versioned and "v" in request.GET else _A_WHILE
    return response
