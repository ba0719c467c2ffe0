"""Dashboard pages of the inventory: items, their pictures, and what is out of use."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from config.api.exceptions import DomainError
from partners.models import GOVERNORS, READERS
from partners.pages import PAGE_SIZE, Reach, actor_of, reached
from rentals.forms import BlockForm, ImageForm, ItemForm
from rentals.models import Block, Item, ItemImage
from rentals.pages.orders import zone_of
from rentals.selectors import out_now
from rentals.services.images import image_add, image_remove
from rentals.services.items import block_create, block_end, item_create, item_update


@require_GET
@reached(*READERS)
def item_list(request: HttpRequest, reach: Reach) -> HttpResponse:
    """The reach's items by name, and how many of each are here now."""
    items = Item.objects.select_related("organization")
    if reach.organization:
        items = items.for_organization(reach.organization.id)
    search = request.GET.get("q", "").replace("\x00", "").strip()[:200]
    if search:
        items = items.filter(
            Q(name__icontains=search) | Q(sku__icontains=search) | Q(category__icontains=search)
        )
    page = Paginator(items.order_by("name", "id"), PAGE_SIZE).get_page(request.GET.get("page"))
    gone = out_now([item.id for item in page], timezone.now())
    context = {
        "rows": [(item, item.quantity - gone[item.id]) for item in page],
        "page_obj": page,
        "search": search,
        "reach": reach,
        "tab": "items",
    }
    return render(request, "dashboard/rentals/items.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*GOVERNORS)
def item_new(request: HttpRequest, reach: Reach) -> HttpResponse:
    """The form of a new item; of the organization the person is in."""
    if reach.organization is None:
        raise Http404
    form = ItemForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            item = item_create(
                organization_id=reach.organization.id,
                environment=form.cleaned_data["environment"],
                actor=actor_of(request),
                **form.terms(),
            )
        except DomainError as error:
            form.add_error("sku", error.message)
        else:
            messages.success(request, _("The item can be rented."))
            return redirect("dashboard-item", pk=item.id)
    return _form(request, reach, form)


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*GOVERNORS)
def item_change(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """The form of an item."""
    item = _item(pk)
    form = ItemForm(request.POST or None, instance=item)
    if request.method == "POST" and form.is_valid():
        try:
            item_update(item_id=pk, actor=actor_of(request), **form.terms())
        except DomainError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("The item is changed."))
            return redirect("dashboard-item", pk=pk)
    return _form(request, reach, form, item)


@require_POST
@reached(*GOVERNORS)
def item_block(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Take some of an item out of use."""
    item = _item(pk)
    form = BlockForm(request.POST, zone=zone_of(reach))
    if form.is_valid():
        try:
            block_create(item=item, actor=actor_of(request), **form.cleaned_data)
        except DomainError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("They are out of use."))
            return redirect("dashboard-item", pk=pk)
    return _form(request, reach, ItemForm(instance=item), item, blocking=form)


@require_POST
@reached(*GOVERNORS)
def item_block_end(request: HttpRequest, reach: Reach, pk: UUID, block_id: UUID) -> HttpResponse:
    """Put what was out of use back on the shelf."""
    get_object_or_404(Block.objects.only("id"), pk=block_id, item_id=pk)
    block_end(block_id=block_id, actor=actor_of(request))
    messages.success(request, _("They can be rented again."))
    return redirect("dashboard-item", pk=pk)


@require_POST
@reached(*GOVERNORS)
def item_image(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Add a picture (`image`), or remove one (`remove`)."""
    item = _item(pk)
    if removed := request.POST.get("remove"):
        image = next((one for one in item.images.defer("content") if str(one.id) == removed), None)
        if image is None:
            raise Http404
        image_remove(image=image, actor=actor_of(request))
        return redirect("dashboard-item", pk=pk)
    form = ImageForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            image_add(item=item, content=form.cleaned_data["image"], actor=actor_of(request))
        except DomainError as error:
            form.add_error("image", error.message)
        else:
            return redirect("dashboard-item", pk=pk)
    return _form(request, reach, ItemForm(instance=item), item, imaging=form)


def _item(pk: UUID) -> Item:
    return get_object_or_404(Item.objects.select_related("organization"), pk=pk)


def _form(
    request: HttpRequest,
    reach: Reach,
    form: ItemForm,
    item: Item | None = None,
    *,
    blocking: BlockForm | None = None,
    imaging: ImageForm | None = None,
) -> HttpResponse:
    now = timezone.now()
    zone = zone_of(reach)
    clock = now.astimezone(zone).strftime("%Y-%m-%dT%H:%M")
    names = Item.objects.all()
    if reach.organization:
        names = names.for_organization(reach.organization.id)
    context: dict[str, Any] = {
        "form": form,
        "item": item,
        "categories": names.exclude(category="").values_list("category", flat=True).distinct()[:200],
        "blocking": blocking or BlockForm(zone=zone, initial={"starts_at": clock}),
        "imaging": imaging or ImageForm(),
        "images": ItemImage.objects.filter(item=item).defer("content").order_by("created_at") if item else (),
        "blocks": item.blocks.filter(Q(ends_at=None) | Q(ends_at__gt=now)).order_by("starts_at")
        if item
        else (),
        "zone": zone.key,
        "reach": reach,
    }
    refused = any(one is not None and one.is_bound for one in (form, blocking, imaging))
    return render(request, "dashboard/rentals/item.html", context, status=422 if refused else 200)
