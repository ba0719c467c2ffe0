"""What a site's templates need to lead from page to page."""

from typing import Any

from django import template

from storefronts.site.place import Place

register = template.Library()


@register.simple_tag
def site_path(place: Place, name: str, *args: Any) -> str:
    """The path of one of a site's pages, in the language the visitor reads."""
    return place.path(name, *args)
