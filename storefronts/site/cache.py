"""Rendered pages, kept under the version of everything they show."""

import hashlib
from collections.abc import Callable

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response

from storefronts.site.place import Place

# Offers begin and end by the clock, which no version tells.
_KEPT_S = 60
_BROWSER = "public, max-age=30, stale-while-revalidate=300"


def cached(
    request: HttpRequest, place: Place, detail: str, render: Callable[[], HttpResponse]
) -> HttpResponse:
    """The page for `detail` (its path and whatever of the query it reads), rendered once for each version.

    A change of the site, its catalogue, campaigns or links shows at the next request. Only 200s are kept.
    Answers 304 where the browser has it already.
    """
    site = place.site
    version = f"{site.version}|{place.shelf.version()}|{place.origin}|{place.language}|{detail}"
    name = f"site:{site.id}:{hashlib.sha256(version.encode()).hexdigest()}"
    kept = cache.get(name)
    if kept is None:
        response = render()
        if response.status_code != 200:
            return response
        kept = (response.content, response.headers["Content-Type"])
        cache.set(name, kept, _KEPT_S)
    content, content_type = kept
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    response = HttpResponse(content, content_type=content_type)
    response.headers["Cache-Control"], response.headers["ETag"] = _BROWSER, tag
    answer = get_conditional_response(request, etag=tag, response=response)
    return answer if isinstance(answer, HttpResponse) else response
