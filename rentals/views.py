"""Section A: the inventory, and rental orders."""

from typing import Any
from uuid import UUID

import orjson
from django.db.models import TextField
from django.db.models.functions import Cast
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.status import HTTP_201_CREATED

from config import tenancy
from config.api.exceptions import NotFound
from config.api.listing import Listing
from config.api.pagination import ListQuery, list_envelope
from credentials.scopes import Scope
from credentials.viewsets import OrganizationNamed, PartnerRequest, PartnerViewSet
from partners.selectors import organization_time_zone
from rentals.availability import Stock, availability, days_of
from rentals.models import Item, ItemImage, Order
from rentals.serializers import (
    AvailabilityOut,
    AvailabilityQuery,
    CloseIn,
    ItemOut,
    ItemsQuery,
    OrderDetail,
    OrderIn,
    OrderOut,
    OrderRow,
    RentalCancelIn,
    ReturnIn,
    StepIn,
)
from rentals.services.orders import (
    Back,
    Wanted,
    order_cancel,
    order_close,
    order_create,
    order_pick_up,
    order_reserve,
    order_return,
)

ORDERS = Listing(
    Order,
    OrderRow,
    sortable={
        "createdAt": "created_at",
        "updatedAt": "updated_at",
        "startsAt": "starts_at",
        "endsAt": "ends_at",
        "status": "status",
        "totalMinor": "total_minor",
    },
    states=Order.Status,
    searched=("(customer ->> 'name')", "(customer ->> 'email')", "(customer ->> 'phone')"),
)
_A_YEAR_S = 31_536_000


class InventoryViewSet(OrganizationNamed, PartnerViewSet):
    """What is rented out, and how much of it is free when."""

    queryset = Item.objects.active()
    serializer_class = ItemOut
    scopes = {"list": Scope.INVENTORY_READ, "availability": Scope.INVENTORY_READ}

    @extend_schema(parameters=[ItemsQuery], responses=list_envelope("ItemList", ItemOut))
    def list(self, request: PartnerRequest) -> HttpResponse:
        items, pagination = self._page(self.validated(ItemsQuery, data=request.GET))
        rows = ItemOut(items.prefetch_related("images"), many=True).data
        return self.json({"data": rows, "pagination": pagination})

    @extend_schema(
        parameters=[AvailabilityQuery], responses=list_envelope("AvailabilityList", AvailabilityOut)
    )
    def availability(self, request: PartnerRequest) -> HttpResponse:
        query = self.validated(AvailabilityQuery, data=request.GET)
        items, pagination = self._page(query)
        span = query["starts_at"], query["ends_at"], query["zone"]
        days = ",".join(f'{{"date":"{day}","availableQuantity":%d}}' for day in days_of(*span))
        stocks = map(Stock._make, items.values_list(Cast("id", TextField()), "name", "category", "quantity"))
        free = availability(
            list(stocks), *span, organization_id=self.organization_id, environment=self.environment
        )
        rows = [
            {
                "itemId": stock.id,
                "name": stock.name,
                "category": stock.category,
                "totalQuantity": stock.quantity,
                "availableQuantity": whole,
                # as text at once: 90 objects of two fields for each of 1,000 items cost more than the answer
                "days": orjson.Fragment(f"[{days}]" % tuple(of_days)),
            }
            for stock, whole, of_days in free
        ]
        return self.json({"data": rows, "pagination": pagination})

    def get_serializer_context(self) -> dict[str, Any]:
        return {"time_zone": organization_time_zone(self.organization_id)}

    def _page(self, query: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        items = self.get_queryset().order_by("name", "id")
        if "itemId" in query:
            items = items.filter(id=query["itemId"])
            if not items.exists():
                raise NotFound("There is no such item.")
        if "category" in query:
            items = items.filter(category__iexact=query["category"])
        page, limit, total = query["page"], query["limit"], items.count()
        pages = {
            "page": page,
            "limit": limit,
            "total": total,
            "totalPages": -(-total // limit),
            "nextCursor": None,
        }
        return items[(page - 1) * limit : page * limit], pages


class RentalViewSet(OrganizationNamed, PartnerViewSet):
    """The organization's rental orders."""

    queryset = Order.objects.all()
    serializer_class = OrderOut
    scopes = {
        "list": Scope.RENTALS_READ,
        "retrieve": Scope.RENTALS_READ,
        "create": Scope.RENTALS_WRITE,
        "reserve": Scope.RENTALS_WRITE,
        "pick_up": Scope.RENTALS_WRITE,
        "give_back": Scope.RENTALS_WRITE,
        "close": Scope.RENTALS_WRITE,
        "cancel": Scope.RENTALS_WRITE,
    }
    opens_no_transaction = frozenset({"list"})
    idempotency_required = True

    @extend_schema(parameters=[ListQuery], responses=list_envelope("RentalList", OrderRow))
    def list(self, request: PartnerRequest) -> HttpResponse:
        return self.listed(ORDERS)

    @extend_schema(responses=OrderDetail)
    def retrieve(self, request: PartnerRequest, order_id: UUID) -> Response:
        order = self._order(order_id)
        history = order.changes.order_by("at", "id")
        entries = [{"action": one.action, "at": one.at, "details": one.details} for one in history]
        return Response(OrderOut(order).data | {"history": entries})

    @extend_schema(request=OrderIn, responses={HTTP_201_CREATED: OrderOut})
    def create(self, request: PartnerRequest) -> Response:
        data = self.validated(OrderIn)
        order = order_create(
            organization_id=self.organization_id,
            environment=self.environment,
            client_id=request.auth.client_id,
            starts_at=data["starts_at"],
            ends_at=data["ends_at"],
            customer=dict(data["customer"]),
            wanted=[Wanted(**line) for line in data["lines"]],
            notes=data["notes"],
            is_quote=data["is_quote"],
            actor=request.auth.key_id,
        )
        return Response(OrderOut(order).data, status=HTTP_201_CREATED)

    @extend_schema(request=StepIn, responses=OrderOut)
    def reserve(self, request: PartnerRequest, order_id: UUID) -> Response:
        self.validated(StepIn)
        return self._answer(order_reserve(order=self._order(order_id), actor=request.auth.key_id))

    @extend_schema(request=StepIn, responses=OrderOut)
    def pick_up(self, request: PartnerRequest, order_id: UUID) -> Response:
        self.validated(StepIn)
        return self._answer(order_pick_up(order=self._order(order_id), actor=request.auth.key_id))

    @extend_schema(request=ReturnIn, responses=OrderOut, operation_id="rentals_return")
    def give_back(self, request: PartnerRequest, order_id: UUID) -> Response:
        data = self.validated(ReturnIn)
        back = [Back(**line) for line in data["lines"]] if "lines" in data else None
        return self._answer(order_return(order=self._order(order_id), back=back, actor=request.auth.key_id))

    @extend_schema(request=CloseIn, responses=OrderOut)
    def close(self, request: PartnerRequest, order_id: UUID) -> Response:
        kept = self.validated(CloseIn)["deposit_kept_minor"]
        order = self._order(order_id)
        return self._answer(order_close(order=order, deposit_kept_minor=kept, actor=request.auth.key_id))

    @extend_schema(request=RentalCancelIn, responses=OrderOut)
    def cancel(self, request: PartnerRequest, order_id: UUID) -> Response:
        reason = self.validated(RentalCancelIn)["reason"]
        order = self._order(order_id)
        return self._answer(order_cancel(order=order, reason=reason, actor=request.auth.key_id))

    def _answer(self, order: Order) -> Response:
        return Response(OrderOut(order).data)

    def _order(self, order_id: UUID) -> Order:
        order = self.get_queryset().filter(id=order_id).first()
        if order is None:
            raise NotFound
        return order


@require_GET
def item_image(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A picture of an item, for whoever knows its address."""
    with tenancy.operator():
        image = ItemImage.objects.filter(pk=pk).first()
    if image is None:
        raise Http404
    response = HttpResponse(bytes(image.content), content_type="image/webp")
    response["Cache-Control"] = f"public, max-age={_A_YEAR_S}, immutable"
    return response
