"""Dashboard pages of networks, and of the runs that read them."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from catalog.adapters.base import NetworkError
from catalog.adapters.registry import ADAPTERS
from catalog.forms import NetworkForm
from catalog.models import AffiliateNetwork, CatalogSync
from catalog.pages.offers import changes_of
from catalog.services.networks import network_adapter, network_create, network_update
from catalog.services.syncs import sync_cancel, sync_start
from config.api.exceptions import DomainError
from partners.models import GOVERNORS, READERS
from partners.pages import PAGE_SIZE, Reach, actor_of, reach_of, reached

_OPEN = (CatalogSync.Status.QUEUED, CatalogSync.Status.RUNNING)
_SHOWN = 20


@require_GET
@reached(*READERS)
def network_list(request: HttpRequest, reach: Reach) -> HttpResponse:
    """The reach's networks, what each has in the catalogue, and how it was read last."""
    networks = AffiliateNetwork.objects.select_related("organization")
    if reach.organization:
        networks = networks.for_organization(reach.organization.id)
    networks = networks.annotate(offer_count=Count("offers")).order_by("name", "id")
    page = Paginator(networks, PAGE_SIZE).get_page(request.GET.get("page"))
    latest = CatalogSync.objects.filter(network__in=[network.id for network in page])
    latest = latest.order_by("network_id", "-created_at", "-id").distinct("network_id")
    syncs = {sync.network_id: sync for sync in latest}
    context = {
        "rows": [(network, syncs.get(network.id)) for network in page],
        "page_obj": page,
        "reach": reach,
        "tab": "networks",
    }
    return render(request, "dashboard/catalog/networks.html", context)


@require_GET
@reached(*READERS)
def network_detail(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """A network's terms, and its runs, the latest first."""
    network = _network(pk)
    syncs = Paginator(network.syncs.order_by("-created_at", "-id"), _SHOWN).get_page(request.GET.get("page"))
    context = {
        "network": network,
        "kind": ADAPTERS[network.adapter].label if network.adapter in ADAPTERS else network.adapter,
        "syncs": syncs,
        "page_obj": syncs,
        "is_open": network.syncs.filter(status__in=_OPEN).exists(),
        "offer_count": network.offers.count(),
        "reach": reach,
    }
    return render(request, "dashboard/catalog/network.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*GOVERNORS)
def network_new(request: HttpRequest, reach: Reach) -> HttpResponse:
    """The form of a new network; of the organization the person is in."""
    if reach.organization is None:
        raise Http404
    form = NetworkForm(request.POST or None, initial={"environment": "production"})
    if request.method == "POST" and form.is_valid():
        try:
            network = network_create(
                organization_id=reach.organization.id,
                environment=form.cleaned_data["environment"],
                actor=actor_of(request),
                **form.terms(),
            )
        except DomainError as refusal:
            form.add_error("slug", refusal.message)
        else:
            messages.success(request, _("The network is in. Test the connection, then read its catalogue."))
            return redirect("dashboard-network", pk=network.id)
    return _form(request, form)


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*GOVERNORS)
def network_change(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """The form of a network."""
    network = _network(pk)
    form = NetworkForm(request.POST or None, network=network)
    if request.method == "POST" and form.is_valid():
        try:
            network_update(network_id=pk, actor=actor_of(request), **form.terms())
        except DomainError as refusal:
            form.add_error("slug", refusal.message)
        else:
            messages.success(request, _("The network is changed."))
            return redirect("dashboard-network", pk=pk)
    return _form(request, form, network)


@require_POST
@login_required
def network_test(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Ask the network who we are there. No transaction is open while it answers."""
    reach = reach_of(request)
    if reach is None or not reach.may_govern:
        raise PermissionDenied
    with reach.context():
        network = _network(pk)
    try:
        said = network_adapter(network).check()
    except NetworkError as error:
        messages.error(request, f"{error.message} ({error.code})")
    except (ValueError, KeyError):
        messages.error(request, _("The network's credentials cannot be used. Type them in again."))
    else:
        messages.success(request, _("Connected, as %(name)s.") % {"name": said})
    return redirect("dashboard-network", pk=pk)


@require_POST
@reached(*GOVERNORS)
def network_sync(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Read the network's catalogue now."""
    _network(pk)
    try:
        sync = sync_start(network_id=pk, actor=actor_of(request))
    except DomainError as refusal:
        messages.error(request, refusal.message)
        return redirect("dashboard-network", pk=pk)
    return redirect("dashboard-sync", pk=sync.id)


@never_cache
@require_GET
@reached(*READERS)
def sync_detail(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """One run: how far it is, what it changed, and what it could not take in."""
    sync = get_object_or_404(CatalogSync.objects.select_related("network", "job", "organization"), pk=pk)
    differences = sync.differences.select_related("offer").order_by("id")
    page = Paginator(differences, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "sync": sync,
        "is_open": sync.status in _OPEN,
        "percent": 100
        if sync.status == CatalogSync.Status.COMPLETED
        else sync.job.progress
        if sync.job
        else 0,
        "differences": [(one, changes_of(one)) for one in page],
        "page_obj": page,
        "failures": sync.failures.order_by("id")[:_SHOWN],
        "reach": reach,
    }
    return render(request, "dashboard/catalog/sync.html", context)


@require_POST
@reached(*GOVERNORS)
def sync_stop(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Stop a run."""
    get_object_or_404(CatalogSync.objects.only("id"), pk=pk)
    sync_cancel(sync_id=pk, actor=actor_of(request))
    return redirect("dashboard-sync", pk=pk)


def _network(pk: UUID) -> AffiliateNetwork:
    return get_object_or_404(AffiliateNetwork.objects.select_related("organization"), pk=pk)


def _form(request: HttpRequest, form: NetworkForm, network: AffiliateNetwork | None = None) -> HttpResponse:
    context = {"form": form, "network": network}
    return render(request, "dashboard/catalog/network_form.html", context, status=422 if form.errors else 200)
