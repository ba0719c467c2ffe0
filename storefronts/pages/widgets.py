"""Widgets in the dashboard: publishable keys, and what to paste into a page."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from config.api.exceptions import DomainError
from partners.models import GOVERNORS, READERS, ApiClient
from partners.pages import PAGE_SIZE, Reach, actor_of, reached
from storefronts.forms import PublishableKeyForm
from storefronts.models import PublishableKey
from storefronts.scripts import NAMES, script_of
from storefronts.services.publishable_keys import (
    publishable_key_issue,
    publishable_key_revoke,
    publishable_key_update,
)


@require_GET
@reached(*READERS)
def key_list(request: HttpRequest, reach: Reach) -> HttpResponse:
    """Publishable keys, newest first."""
    rows = PublishableKey.objects.select_related("client", "organization").order_by("-created_at", "-id")
    if reach.organization:
        rows = rows.for_organization(reach.organization.id)
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "dashboard/widgets/list.html", {"keys": page, "page_obj": page, "reach": reach})


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*GOVERNORS)
def key_new(request: HttpRequest, reach: Reach) -> HttpResponse:
    """Issue a publishable key for one of the organization's partners."""
    if reach.organization is None:
        raise Http404
    clients = ApiClient.objects.filter(organization=reach.organization, status="ACTIVE").order_by("name")
    form = PublishableKeyForm(request.POST or None, clients=clients)
    if request.method == "POST" and form.is_valid():
        terms = dict(form.cleaned_data)
        try:
            issued = publishable_key_issue(client_id=terms.pop("client").id, actor=actor_of(request), **terms)
        except DomainError as error:
            _add(form, error)
        else:
            return redirect("dashboard-widget-key", pk=issued.id)
    status = 422 if form.is_bound else 200
    return render(request, "dashboard/widgets/new.html", {"form": form, "reach": reach}, status=status)


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*READERS)
def key_detail(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """A key: what to paste, where it may be used, and the widgets with it."""
    key = _key(pk)
    initial = {
        "name": key.name,
        "origins": "\n".join(key.origins),
        "requests_per_minute": key.requests_per_minute,
    }
    form = PublishableKeyForm(request.POST or None, initial=initial, clients=None)
    if request.method == "POST":
        if not reach.may_govern:
            raise Http404
        if form.is_valid():
            try:
                publishable_key_update(key_id=pk, actor=actor_of(request), **form.cleaned_data)
            except DomainError as error:
                _add(form, error)
            else:
                messages.success(request, _("Saved. It holds from the next request on."))
                return redirect("dashboard-widget-key", pk=pk)
    scripts = [script for name in NAMES if (script := script_of(name))]
    context = {"key": key, "form": form, "scripts": scripts, "hub_url": settings.HUB_URL, "reach": reach}
    status = 422 if form.is_bound else 200
    return render(request, "dashboard/widgets/detail.html", context, status=status)


@require_POST
@reached(*GOVERNORS)
def key_revoke(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Refuse a key from now on."""
    publishable_key_revoke(key_id=_key(pk).id, actor=actor_of(request))
    messages.success(request, _("The key is revoked. Widgets with it show an error."))
    return redirect("dashboard-widget-key", pk=pk)


def _key(pk: UUID) -> PublishableKey:
    return get_object_or_404(PublishableKey.objects.select_related("client", "organization"), pk=pk)


def _add(form: Any, error: DomainError) -> None:
    texts = error.details.get("origins")
    form.add_error("origins" if texts else None, texts or error.message)
