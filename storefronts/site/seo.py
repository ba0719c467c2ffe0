"""What search engines and link previews read: structured data (schema.org) beside the page."""

import json
from typing import Any

from django.utils.safestring import SafeString, mark_safe

from storefronts.selectors import Deal
from storefronts.site.place import Place

# A script element ends at "</", and "<!--" opens another state, whatever the JSON says.
_ESCAPES = {
    ord(">"): "\\u003E",
    ord("<"): "\\u003C",
    ord("&"): "\\u0026",
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}


def structured(*things: dict[str, Any]) -> SafeString:
    """schema.org things as the text of one JSON-LD element."""
    graph = {"@context": "https://schema.org", "@graph": list(things)}
    return mark_safe(json.dumps(graph, ensure_ascii=False).translate(_ESCAPES))  # noqa: S308 (escaped above)


def website(place: Place) -> dict[str, Any]:
    """The site, and how it is searched."""
    return {
        "@type": "WebSite",
        "name": place.site.name,
        "url": place.address(place.path("home")),
        "inLanguage": place.language,
        "potentialAction": {
            "@type": "SearchAction",
            "target": place.address(place.path("search")) + "?q={search_term_string}",
            "query-input": "required name=search_term_string",
        },
    }


def breadcrumbs(place: Place, *steps: tuple[str, str]) -> dict[str, Any]:
    """The way from the site's home: (name, path), outermost first."""
    trail = [(place.site.name, place.path("home")), *steps]
    return {
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "position": number, "name": name, "item": place.address(path)}
            for number, (name, path) in enumerate(trail, 1)
        ],
    }


def item_list(place: Place, deals: list[Deal]) -> dict[str, Any]:
    """The deals of a page, in their order."""
    return {
        "@type": "ItemList",
        "itemListElement": [
            {
                "@type": "ListItem",
                "position": number,
                "name": deal.name,
                "url": place.address(place.path("offer", deal.slug)),
            }
            for number, deal in enumerate(deals, 1)
        ],
    }


def offer(place: Place, deal: Deal) -> dict[str, Any]:
    """One deal."""
    thing: dict[str, Any] = {
        "@type": "Offer",
        "name": deal.name,
        "url": place.address(place.path("offer", deal.slug)),
        "category": deal.category,
        "description": deal.description[:300],
        "offeredBy": {"@type": "Organization", "name": deal.brand_name},
    }
    if deal.image_url:
        thing["image"] = deal.image_url
    if deal.ends_at:
        thing["validThrough"] = deal.ends_at.isoformat()
    return {name: value for name, value in thing.items() if value}
