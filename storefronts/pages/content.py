"""A site's navigation and pages in the dashboard."""

from uuid import UUID

from django.contrib import messages
from django.forms import formset_factory
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from config.api.exceptions import DomainError
from partners.models import GOVERNORS, READERS
from partners.pages import Reach, actor_of, reached
from storefronts.forms import NavigationForm, PageForm
from storefronts.models import NavigationItem, SitePage
from storefronts.pages.sites import site_context, site_of
from storefronts.selectors import Shelf
from storefronts.services.content import MAX_NAVIGATION, navigation_set, page_remove, page_save

_NavigationFormSet = formset_factory(
    NavigationForm, extra=2, max_num=MAX_NAVIGATION, validate_max=True, can_order=True, can_delete=True
)


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*READERS)
def navigation(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """The entries of a site's navigation: added, ordered, removed."""
    site = site_of(pk)
    shelf = Shelf(site.organization_id, site.environment, site.client_id)
    items = list(site.navigation.all())
    names = {one.name for one in shelf.categories()} | {item.category for item in items if item.category}
    options = {"categories": sorted(names), "pages": list(site.pages.all())}
    initial = [_initial(item) for item in items]
    forms = _NavigationFormSet(request.POST or None, initial=initial, form_kwargs=options)
    if request.method == "POST":
        if not reach.may_govern:
            raise Http404
        if forms.is_valid():
            kept = [form for form in forms.ordered_forms if form not in forms.deleted_forms]
            columns = [form.columns() for form in kept]
            navigation_set(site=site, items=[one for one in columns if one], actor=actor_of(request))
            messages.success(request, _("Saved. The site shows it at once."))
            return redirect("dashboard-site-navigation", pk=pk)
    context = site_context(request, reach, site, "navigation") | {"forms": forms}
    status = 422 if forms.is_bound else 200
    return render(request, "dashboard/sites/navigation.html", context, status=status)


def _initial(item: NavigationItem) -> dict[str, str]:
    value = {"category": item.category, "page": str(item.page_id)}.get(item.kind, "")
    return {
        "label": item.label,
        "label_he": item.label_he,
        "target": f"{item.kind}:{value}" if value else item.kind,
        "url": item.url,
    }


@require_GET
@reached(*READERS)
def page_list(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """The pages of a site's own."""
    site = site_of(pk)
    context = site_context(request, reach, site, "pages") | {"pages": site.pages.all()}
    return render(request, "dashboard/sites/pages.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*GOVERNORS)
def page_edit(request: HttpRequest, reach: Reach, pk: UUID, page_id: UUID | None = None) -> HttpResponse:
    """Write a page."""
    site = site_of(pk)
    page = get_object_or_404(SitePage, pk=page_id, site=site) if page_id else None
    form = PageForm(request.POST or None, instance=page)
    if request.method == "POST" and form.is_valid():
        try:
            page_save(site=site, page_id=page_id, actor=actor_of(request), **form.cleaned_data)
        except DomainError as error:
            form.add_error("slug", error.message)
        else:
            messages.success(request, _("Saved. The site shows it at once."))
            return redirect("dashboard-site-pages", pk=pk)
    context = site_context(request, reach, site, "pages") | {"form": form, "page_id": page_id}
    status = 422 if form.is_bound else 200
    return render(request, "dashboard/sites/page_form.html", context, status=status)


@require_POST
@reached(*GOVERNORS)
def page_delete(request: HttpRequest, reach: Reach, pk: UUID, page_id: UUID) -> HttpResponse:
    """Remove a page, and what of the navigation leads to it."""
    site = site_of(pk)
    get_object_or_404(SitePage, pk=page_id, site=site)
    page_remove(site=site, page_id=page_id, actor=actor_of(request))
    messages.success(request, _("The page is removed."))
    return redirect("dashboard-site-pages", pk=pk)
