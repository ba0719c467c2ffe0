"""A site's host names are answered here, past the hub's own pages: no session, no dashboard, no admin."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponsePermanentRedirect
from django.urls import Resolver404, resolve
from django.utils import translation

from config import tenancy
from config.api.client_address import client_address
from credentials.limits import ADMITTED, Limits, request_admit
from storefronts.hosts import hostname_of, site_of_host
from storefronts.models import Site
from storefronts.site import views
from storefronts.site.place import URLCONF, Place

# Visitors share addresses; what is counted is pages.
VISITOR_LIMITS = Limits(per_minute=300, burst=300)
# A page of a site is nobody's to frame; its scripts, styles and fonts are ours, and its pictures the offers'.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self';"
    " img-src 'self' https: data:{loopback}; form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
)
_HSTS = "max-age=31536000"


class SiteHostMiddleware:
    """Sends requests for a site's host name to the site, and all others on.

    Names that are neither a site's nor in ALLOWED_HOSTS are refused by Django (400) where it always does.
    Static files are the same on every name.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        host = request.META.get("HTTP_HOST", "")
        site = site_of_host(hostname_of(host))
        if site is None:
            return self.get_response(request)
        if getattr(settings, "SECURE_SSL_REDIRECT", False) and not request.is_secure():
            return HttpResponsePermanentRedirect(f"https://{host}{request.get_full_path()}")
        if request.path_info.startswith(settings.STATIC_URL):
            return self.get_response(request)
        response = site_answer(request, site, host)
        for name, value in _headers(request).items():
            response.headers.setdefault(name, value)
        if request.method == "HEAD":
            response.content = b""
        return response


def site_answer(request: HttpRequest, site: Site, host: str) -> HttpResponse:
    """The page of a site that a request asks for."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    language, path = _language(request.path_info, site)
    place = Place(site, language, f"{request.scheme}://{host.lower()}")
    with translation.override(language), tenancy.tenant(site.organization_id, site.environment):
        elsewhere = _elsewhere(request, place, path, host)
        if elsewhere:
            return HttpResponsePermanentRedirect(elsewhere)
        if not _admitted(request):
            return views.too_many(request, place)
        if not site.is_published:
            return views.missing(request, place)
        try:
            match = resolve(path, URLCONF)
        except Resolver404:
            return views.missing(request, place)
        response = match.func(request, place, *match.args, **match.kwargs)
        response.headers.setdefault("Content-Language", language)
        return response


def _language(path: str, site: Site) -> tuple[str, str]:
    """The language that a path begins with, and the path behind it."""
    for language in site.languages:
        if path == f"/{language}" or path.startswith(f"/{language}/"):
            return language, path[len(language) + 1 :] or "/"
    return site.language, path


def _elsewhere(request: HttpRequest, place: Place, path: str, host: str) -> str:
    """The one address of what was asked for by another; "" when this is it."""
    site = place.site
    query = request.META.get("QUERY_STRING", "")
    wanted = place.prefix + path
    primary = site.domains.filter(is_primary=True).values_list("hostname", flat=True).first()
    name = hostname_of(host)
    if (primary is None or primary == name) and wanted == request.path_info:
        return ""
    port = host.partition(":")[1] + host.partition(":")[2]
    origin = f"{request.scheme}://{primary or name}{port}"
    return Place(site, place.language, origin).address(wanted) + (f"?{query}" if query else "")


def _admitted(request: HttpRequest) -> bool:
    subject = f"site:{client_address(request.META)}"
    return request_admit(subject=subject, limits=VISITOR_LIMITS, version="").outcome == ADMITTED


def _headers(request: HttpRequest) -> dict[str, str]:
    headers = {
        "Content-Security-Policy": content_policy(ancestors="'none'"),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    }
    if request.is_secure():
        headers |= {"Strict-Transport-Security": _HSTS, "Cross-Origin-Opener-Policy": "same-origin"}
    return headers


def content_policy(*, ancestors: str) -> str:
    """The Content-Security-Policy of a site's pages; pictures over plain http only in development."""
    loopback = " http:" if settings.OUTBOUND_ALLOW_LOOPBACK else ""
    return POLICY.format(ancestors=ancestors, loopback=loopback)
