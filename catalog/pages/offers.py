"""Dashboard pages of offers and brands."""

from typing import Any
from uuid import UUID

import orjson
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from catalog.forms import LABELS, BrandForm, OfferForm
from catalog.models import AffiliateNetwork, Brand, CatalogSyncDifference, Offer
from catalog.selectors import offer_is_open, offer_status
from catalog.serializers import offer_row
from catalog.services.offers import brand_create, brand_update, offer_create, offer_update
from config.api.exceptions import DomainError
from config.api.renderers import dumps
from config.tenancy import Environment
from partners.models import GOVERNORS, READERS
from partners.pages import PAGE_SIZE, Reach, actor_of, reached

_FILTERS = ("q", "status", "environment", "category", "brand", "network")
_SHOWN = 20


@require_GET
@reached(*READERS)
def offer_list(request: HttpRequest, reach: Reach) -> HttpResponse:
    """The reach's offers, the newest first: by text, status, environment, category, brand and network."""
    filters = {name: request.GET.get(name, "").replace("\x00", "").strip()[:200] for name in _FILTERS}
    now = timezone.now()
    everything = _within(Offer.objects.all(), reach)
    offers = everything
    if filters["status"] == "hidden":
        offers = offers.filter(Q(is_hidden=True) | Q(brand__status=Brand.Status.INACTIVE))
    elif filters["status"] == "kept":
        offers = offers.exclude(overridden_fields=[])
    elif filters["status"] in Offer.Status:
        offers = offers.of_status(filters["status"], at=now)
    if filters["environment"] in Environment:
        offers = offers.filter(environment=filters["environment"])
    if filters["category"]:
        offers = offers.in_category(filters["category"])
    for name in ("brand", "network"):
        if identity := _uuid(filters[name]):
            offers = offers.filter(**{f"{name}_id": identity})
    order: tuple[str, ...] = ("-created_at", "-id")
    if filters["q"]:
        offers, order = offers.matching(filters["q"]), ("-relevance", "-id")
    offers = offers.select_related("brand", "network", "organization").order_by(*order)
    page = Paginator(offers, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "rows": [(offer, offer_status(offer, now)) for offer in page],
        "page_obj": page,
        "filters": filters,
        "is_filtered": any(filters.values()),
        "statuses": Offer.Status.choices,
        "environments": Environment.choices,
        "categories": _categories(everything),
        "networks": _within(AffiliateNetwork.objects.all(), reach).order_by("name"),
        "reach": reach,
        "tab": "offers",
    }
    return render(request, "dashboard/catalog/offers.html", context)


@require_GET
@reached(*READERS)
def offer_detail(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """One offer: as partners see it, what its network says otherwise, and how it changed."""
    offer = _offer(pk)
    now = timezone.now()
    status = offer_status(offer, now)
    differences = CatalogSyncDifference.objects.filter(offer=offer).order_by("-at", "-id")
    context = {
        "offer": offer,
        "status": status,
        "is_open": offer_is_open(offer, now),
        "wire": orjson.loads(dumps(offer_row(offer, status=status))),
        "kept": [
            (LABELS[name], offer.network_values.get(name))
            for name in offer.overridden_fields
            if name in LABELS
        ],
        "differences": [(one, changes_of(one)) for one in differences[:_SHOWN]],
        "reach": reach,
    }
    return render(request, "dashboard/catalog/offer.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*GOVERNORS)
def offer_new(request: HttpRequest, reach: Reach) -> HttpResponse:
    """An offer of our own, of one of the organization's brands."""
    if reach.organization is None:
        raise Http404
    environment = request.POST.get("environment") or request.GET.get("environment", "")
    if environment not in Environment:
        environment = Environment.PRODUCTION
    brands = Brand.objects.for_organization(reach.organization.id, environment).order_by("name", "id")
    form = OfferForm(request.POST or None, brands=brands)
    if request.method == "POST" and form.is_valid():
        terms = form.terms()
        try:
            offer = offer_create(brand_id=terms.pop("brand").id, actor=actor_of(request), **terms)
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(request, _("The offer is in the catalogue."))
            return redirect("dashboard-offer", pk=offer.id)
    return _form(request, reach, form, environment=environment, has_brands=brands.exists())


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*GOVERNORS)
def offer_edit(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Change an offer; of a network's offer this overrides what the network says."""
    offer = _offer(pk)
    form = OfferForm(request.POST or None, offer=offer)
    if request.method == "POST" and form.is_valid():
        try:
            offer_update(offer_id=pk, actor=actor_of(request), **form.terms())
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(request, _("The offer is changed."))
            return redirect("dashboard-offer", pk=pk)
    return _form(request, reach, form, offer=offer, environment=offer.environment)


@require_GET
@reached(*READERS)
def brand_list(request: HttpRequest, reach: Reach) -> HttpResponse:
    """The reach's brands by name, and how many of their offers are active."""
    search = request.GET.get("q", "").replace("\x00", "").strip()[:200]
    brands = _within(Brand.objects.all(), reach).select_related("organization", "network")
    if search:
        brands = brands.filter(Q(name__icontains=search) | Q(website__icontains=search))
    active = Count("offers", filter=Q(offers__status=Offer.Status.ACTIVE, offers__is_hidden=False))
    brands = brands.annotate(active_offers=active, all_offers=Count("offers")).order_by("name", "id")
    page = Paginator(brands, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"brands": page, "page_obj": page, "search": search, "reach": reach, "tab": "brands"}
    return render(request, "dashboard/catalog/brands.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*GOVERNORS)
def brand_new(request: HttpRequest, reach: Reach) -> HttpResponse:
    """A brand of our own."""
    if reach.organization is None:
        raise Http404
    form = BrandForm(
        request.POST or None, initial={"environment": request.GET.get("environment", "production")}
    )
    if request.method == "POST" and form.is_valid():
        try:
            brand_create(
                organization_id=reach.organization.id,
                environment=form.cleaned_data["environment"],
                actor=actor_of(request),
                **form.terms(),
            )
        except DomainError as refusal:
            form.add_error("name", refusal.message)
        else:
            messages.success(request, _("The brand can have offers."))
            return redirect("dashboard-brands")
    return _brand_form(request, reach, form)


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*GOVERNORS)
def brand_change(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Change a brand; of a network's brand this overrides what the network says."""
    brand = get_object_or_404(Brand.objects.select_related("organization", "network"), pk=pk)
    form = BrandForm(request.POST or None, brand=brand)
    if request.method == "POST" and form.is_valid():
        try:
            brand_update(brand_id=pk, actor=actor_of(request), **form.terms())
        except DomainError as refusal:
            form.add_error("name", refusal.message)
        else:
            messages.success(request, _("The brand is changed."))
            return redirect("dashboard-brands")
    return _brand_form(request, reach, form, brand)


def changes_of(difference: CatalogSyncDifference) -> list[tuple[str, Any, Any]]:
    """(field, before, after) of what a run changed; of a new offer nothing but its being new."""
    if difference.action == CatalogSyncDifference.Action.CREATED:
        return []
    return [
        (str(LABELS.get(name, name)), difference.before.get(name), after)
        for name, after in difference.after.items()
    ]


def _within(rows: Any, reach: Reach) -> Any:
    return rows.for_organization(reach.organization.id) if reach.organization else rows


def _categories(offers: Any) -> list[str]:
    found = offers.exclude(category="").order_by("category").values_list("category", flat=True)
    return list(found.distinct()[:200])


def _offer(pk: UUID) -> Offer:
    return get_object_or_404(Offer.objects.select_related("organization", "brand", "network"), pk=pk)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _form(
    request: HttpRequest,
    reach: Reach,
    form: OfferForm,
    *,
    environment: str,
    offer: Offer | None = None,
    has_brands: bool = True,
) -> HttpResponse:
    context = {
        "form": form,
        "offer": offer,
        "environment": environment,
        "environments": Environment.choices,
        "categories": _categories(_within(Offer.objects.all(), reach)),
        "has_brands": has_brands,
    }
    return render(request, "dashboard/catalog/offer_form.html", context, status=422 if form.errors else 200)


def _brand_form(
    request: HttpRequest, reach: Reach, form: BrandForm, brand: Brand | None = None
) -> HttpResponse:
    context = {"form": form, "brand": brand, "reach": reach}
    return render(request, "dashboard/catalog/brand_form.html", context, status=422 if form.errors else 200)
