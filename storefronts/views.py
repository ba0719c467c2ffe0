"""What widgets ask for (contract C, Widgets), and what the TLS proxy asks before it gets a certificate."""

import hashlib
from typing import Any
from uuid import UUID

from csp.decorators import csp_update
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_safe
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema

from config.api.exceptions import Forbidden, NotFound
from credentials.scopes import Scope
from credentials.viewsets import PartnerRequest, PartnerViewSet
from storefronts.hosts import hostname_of, hub_hostnames, site_of_host
from storefronts.publishable import cors_headers, publishable_authenticate
from storefronts.scripts import script_of
from storefronts.selectors import Deal, Shelf, deal_of
from storefronts.serializers import WidgetOfferList, WidgetOfferOut, WidgetQuery

# contract C: offers are fresh for five minutes to public keys
_FRESH_S = 300
_FOR_GOOD = "public, max-age=31536000, immutable"
_DESCRIPTION_LENGTH = 300
_KEY = OpenApiParameter(
    "key", OpenApiTypes.STR, required=True, description="A publishable key; the page's origin must be its."
)


class WidgetOfferViewSet(PartnerViewSet):
    """Offers for widgets in anybody's page: a publishable key in the query, `offers:read` and no more."""

    scopes = {"list": Scope.OFFERS_READ, "retrieve": Scope.OFFERS_READ, "metadata": Scope.OFFERS_READ}
    http_method_names = ("get", "head", "options")  # type: ignore[assignment]
    serializer_class = WidgetOfferOut
    queryset = None
    request_authenticate = staticmethod(publishable_authenticate)

    @extend_schema(
        operation_id="widget_offers_list",
        parameters=[_KEY, WidgetQuery],
        responses=WidgetOfferList,
        auth=[],
    )
    def list(self, request: PartnerRequest) -> HttpResponse:
        """Live deals, newest first."""
        query = self.validated(WidgetQuery, request.GET)
        rows = self.shelf.deals(category=query["category"], search=query["q"])[: query["limit"]]
        return self._answer({"data": [self._wire(deal_of(row)) for row in rows]})

    @extend_schema(
        operation_id="widget_offers_retrieve", parameters=[_KEY], responses=WidgetOfferOut, auth=[]
    )
    def retrieve(self, request: PartnerRequest, offer_id: UUID) -> HttpResponse:
        """One live deal."""
        deal = self.shelf.deal(id=offer_id)
        if deal is None:
            raise NotFound("There is no such offer.")
        return self._answer(self._wire(deal))

    @extend_schema(exclude=True)
    def metadata(self, request: PartnerRequest, **_: Any) -> HttpResponse:
        """What a browser asks first when a page adds headers of its own; DRF's name for OPTIONS."""
        allowed = {
            "Access-Control-Allow-Methods": "GET",
            "Access-Control-Allow-Headers": "accept, content-type",
        }
        return HttpResponse(status=204, headers=allowed | {"Access-Control-Max-Age": "7200"})

    def check_tenant(self, request: Any) -> None:
        named = request.GET.get("tenant_id", "")
        if named and named.lower() != self.credential.organization:
            raise Forbidden("The key belongs to another organization.", reason="tenant_mismatch")

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        # refusals too: a page can only say what it may read
        response = super().finalize_response(request, response, *args, **kwargs)
        for name, value in cors_headers(request._request).items():
            response[name] = value
        return response

    @property
    def shelf(self) -> Shelf:
        return Shelf(self.organization_id, self.environment, self.credential.client_id)

    def _wire(self, deal: Deal) -> dict[str, Any]:
        """A deal in WidgetOfferOut's shape."""
        # the key's end tells the page's clicks apart in the campaign's figures
        placement = urlencode({"sub_id": f"widget-{self.credential.key_id[-6:]}"})
        reward = deal.reward
        return {
            "offer_id": deal.offer_id,
            "name": deal.name,
            "brand_name": deal.brand_name,
            "category": deal.category,
            "description": deal.description[:_DESCRIPTION_LENGTH],
            "image_url": deal.image_url,
            "reward": reward and {"type": reward.type, "value": reward.value, "currency": reward.currency},
            "click_url": f"{settings.HUB_URL}/r/{deal.code}?{placement}",
        }

    def _answer(self, data: Any) -> HttpResponse:
        response = self.json(data)
        tag = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Cache-Control": f"public, max-age={_FRESH_S}"}
        for name, value in headers.items():
            response[name] = value
        answer = get_conditional_response(self.request._request, etag=tag, response=response)
        return answer or response


@require_GET
def tls_ask(request: HttpRequest) -> HttpResponse:
    """`?domain=NAME`: 200 for the hub's own names and for names of published sites, 404 for any other.

    An on-demand TLS proxy asks this before it orders a certificate; the answer tells nothing that asking the
    name itself would not.
    """
    hostname = hostname_of(request.GET.get("domain", ""))
    if hostname in hub_hostnames():
        return HttpResponse("hub", content_type="text/plain")
    site = site_of_host(hostname)
    if site is None or not site.is_published:
        return HttpResponse("unknown", status=404, content_type="text/plain")
    return HttpResponse("site", content_type="text/plain")


@require_safe
def widget_script(request: HttpRequest, name: str, version: str = "") -> HttpResponse:
    """A widget's script: one version for good, or always the present one. Any page may load it."""
    script = script_of(name, version)
    if script is None:
        raise Http404
    packed = "gzip" in request.headers.get("Accept-Encoding", "")
    response = HttpResponse(
        script.compressed if packed else script.content, content_type="text/javascript; charset=utf-8"
    )
    tag = f'"{script.integrity[7:39]}{"-gz" if packed else ""}"'
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Cache-Control": _FOR_GOOD if version else "public, max-age=3600, stale-while-revalidate=86400",
        "Vary": "Accept-Encoding",
        "ETag": tag,
        "X-Content-Type-Options": "nosniff",
    } | ({"Content-Encoding": "gzip"} if packed else {})
    for header, value in headers.items():
        response[header] = value
    answer = get_conditional_response(request, etag=tag, response=response)
    return answer if isinstance(answer, HttpResponse) else response


@csp_update({"img-src": ["https:"]})
@require_GET
def widget_demo(request: HttpRequest) -> HttpResponse:
    """Both widgets in a page of the hub, with the publishable key in the address; it is no secret."""
    shown = {name: request.GET.get(name, "")[:120] for name in ("key", "tenant_id", "category", "theme_hex")}
    limit = request.GET.get("limit", "6")[:2]
    language = "he" if request.GET.get("lang") == "he" else "en"
    return render(request, "widgets/demo.html", shown | {"limit": limit, "language": language})
