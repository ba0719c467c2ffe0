"""Sites in the dashboard: made, branded, previewed as they are typed."""

from typing import Any
from uuid import UUID

from csp.decorators import csp_update
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from config.api.exceptions import DomainError
from partners.models import GOVERNORS, READERS
from partners.pages import Reach, actor_of, reached
from storefronts.forms import PictureForm, SiteForm, SiteNewForm
from storefronts.models import Site, SitePicture
from storefronts.selectors import Shelf
from storefronts.services.sites import picture_remove, picture_set, site_create, site_update
from storefronts.site.documents import theme_css
from storefronts.site.place import Place
from storefronts.site.views import home_html

_SHOWN = 200


@require_GET
@reached(*READERS)
def site_list(request: HttpRequest, reach: Reach) -> HttpResponse:
    """The reach's sites, with their addresses."""
    rows = Site.objects.select_related("organization").order_by("name", "id")
    if reach.organization:
        rows = rows.for_organization(reach.organization.id)
    context = {"sites": [(site, address_of(request, site)) for site in rows[:_SHOWN]], "reach": reach}
    return render(request, "dashboard/sites/list.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*GOVERNORS)
def site_new(request: HttpRequest, reach: Reach) -> HttpResponse:
    """Make a site; what it looks like comes next."""
    if reach.organization is None:
        raise Http404
    form = SiteNewForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        terms = dict(form.cleaned_data)
        try:
            site = site_create(
                organization_id=reach.organization.id,
                environment=terms.pop("environment"),
                actor=actor_of(request),
                **terms,
            )
        except DomainError as error:
            form.add_error("slug", error.message)
        else:
            return redirect("dashboard-site", pk=site.id)
    status = 422 if form.is_bound else 200
    return render(request, "dashboard/sites/new.html", {"form": form, "reach": reach}, status=status)


@csp_update({"img-src": ["https:", "http:"], "frame-src": ["'self'"]})
@never_cache
@require_http_methods(["GET", "POST"])
@reached(*READERS)
def site_settings(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """A site's branding and texts, with its home page beside them as they are typed."""
    site = site_of(pk)
    form = SiteForm(request.POST or None, instance=site)
    if request.method == "POST":
        if not reach.may_govern:
            raise Http404
        if form.is_valid():
            try:
                site_update(site_id=pk, actor=actor_of(request), **form.cleaned_data)
            except DomainError as error:
                form.add_error("slug", error.message)
            else:
                messages.success(request, _("Saved. The site shows it at once."))
                return redirect("dashboard-site", pk=pk)
        site = site_of(pk)
    context = site_context(request, reach, site, "settings") | {
        "form": form,
        "kinds": [
            (kind, label, site.pictures.filter(kind=kind).first()) for kind, label in SitePicture.Kind.choices
        ],
    }
    status = 422 if form.is_bound else 200
    return render(request, "dashboard/sites/settings.html", context, status=status)


@never_cache
@require_POST
@reached(*READERS)
def site_preview(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """The home page as the form stands, nothing of which is kept; what is not valid stays as it was."""
    site = site_of(pk)
    form = SiteForm(request.POST, instance=site)
    form.is_valid()
    place = Place(site, site.language, request.build_absolute_uri("/")[:-1], f"/dashboard/sites/{pk}/preview")
    with translation.override(place.language):
        return HttpResponse(home_html(place))


@require_GET
@reached(*READERS)
def site_preview_theme(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """The stylesheet of a preview's colours and font."""
    form = SiteForm(request.GET, instance=site_of(pk))
    form.is_valid()
    site = form.instance
    text = theme_css(brand_hex=site.brand_hex, font=site.font, appearance=site.appearance)
    return HttpResponse(text, content_type="text/css")


@require_GET
@reached(*READERS)
def site_picture(request: HttpRequest, reach: Reach, pk: UUID, kind: str) -> HttpResponse:
    """One of a site's pictures."""
    picture = get_object_or_404(SitePicture, site_id=pk, kind=kind)
    return HttpResponse(bytes(picture.content), content_type="image/png")


@require_POST
@reached(*GOVERNORS)
def site_picture_change(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Take in a picture, or remove one."""
    site = site_of(pk)
    if "remove" in request.POST:
        picture_remove(site=site, kind=request.POST["remove"][:5], actor=actor_of(request))
        messages.success(request, _("The picture is removed."))
        return redirect("dashboard-site", pk=pk)
    form = PictureForm(request.POST, request.FILES)
    if form.is_valid():
        data = form.cleaned_data
        try:
            picture_set(site=site, kind=data["kind"], content=data["image"], actor=actor_of(request))
        except DomainError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, _("The picture is in use."))
    else:
        messages.error(request, " ".join(str(text) for texts in form.errors.values() for text in texts))
    return redirect("dashboard-site", pk=pk)


def site_of(pk: UUID) -> Site:
    """A site of the reach, or 404."""
    return get_object_or_404(Site.objects.select_related("organization"), pk=pk)


def address_of(request: HttpRequest, site: Site) -> str:
    """Where visitors find a site; "" while it has no name."""
    domain = site.domains.filter(is_primary=True).first()
    name = domain.hostname if domain else site.own_hostname
    port = request.get_port()
    shown = "" if domain or port in ("80", "443") else f":{port}"
    return f"{request.scheme}://{name}{shown}/" if name else ""


def site_context(request: HttpRequest, reach: Reach, site: Site, tab: str) -> dict[str, Any]:
    """What every page of a site shows."""
    shelf = Shelf(site.organization_id, site.environment, site.client_id)
    return {
        "site": site,
        "address": address_of(request, site),
        "deal_count": shelf.deals().count(),
        "reach": reach,
        "tab": tab,
    }
