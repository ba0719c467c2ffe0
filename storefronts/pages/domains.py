"""A site's domains in the dashboard: connected, verified, given up."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from config.api.exceptions import DomainError
from partners.models import GOVERNORS, READERS
from partners.pages import Reach, actor_of, reached
from storefronts.forms import DomainForm
from storefronts.hosts import hostname_of
from storefronts.models import SiteDomain
from storefronts.pages.sites import site_context, site_of
from storefronts.services.domains import (
    WELL_KNOWN,
    domain_add,
    domain_check,
    domain_make_primary,
    domain_remove,
    domain_vouch,
)


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*READERS)
def domain_list(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """A site's domains, what is still to do for each, and a field for another."""
    site = site_of(pk)
    form = DomainForm(request.POST or None)
    if request.method == "POST":
        if not reach.may_govern:
            raise Http404
        if form.is_valid():
            try:
                domain_add(site=site, hostname=form.cleaned_data["hostname"], actor=actor_of(request))
            except DomainError as error:
                form.add_error("hostname", " ".join(error.details.get("hostname", [])) or error.message)
            else:
                return redirect("dashboard-site-domains", pk=pk)
    context = site_context(request, reach, site, "domains") | {
        "form": form,
        "domains": site.domains.order_by("-is_primary", "hostname"),
        "well_known": WELL_KNOWN,
        "hub_host": hostname_of(settings.HUB_URL.partition("://")[2]),
    }
    status = 422 if form.is_bound else 200
    return render(request, "dashboard/sites/domains.html", context, status=status)


@require_POST
@reached(*GOVERNORS)
def domain_act(request: HttpRequest, reach: Reach, pk: UUID, domain_id: UUID, act: str) -> HttpResponse:
    """Check, vouch for (super-admins), prefer or give up a domain."""
    domain = get_object_or_404(SiteDomain, pk=domain_id, site_id=pk)
    if act == "vouch" and not reach.is_everywhere:
        raise PermissionDenied
    acts: dict[str, tuple[Callable[..., Any], str]] = {
        "check": (domain_check, _("The domain is verified.")),
        "vouch": (domain_vouch, _("The domain is verified.")),
        "primary": (domain_make_primary, _("The site's other names lead to it.")),
        "remove": (domain_remove, _("The domain is given up.")),
    }
    service, sentence = acts[act]
    try:
        service(domain_id=domain.id, actor=actor_of(request))
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, sentence)
    return redirect("dashboard-site-domains", pk=pk)
