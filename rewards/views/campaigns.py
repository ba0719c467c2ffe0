"""Section C: campaigns and smart links."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.status import HTTP_201_CREATED

from catalog.exceptions import OfferNotAllowed
from catalog.models import Offer
from catalog.selectors import offer_of
from config.api.exceptions import Forbidden, NotFound, ValidationFailed
from config.api.pagination import filter_dates, list_envelope, list_query, paginate
from credentials.scopes import Scope
from credentials.viewsets import PartnerRequest, PartnerViewSet
from partners.services.audit import Actor
from rewards.models import Campaign, SmartLink
from rewards.selectors.performance import Period, performance_of
from rewards.serializers.campaigns import (
    CampaignChangeIn,
    CampaignDetail,
    CampaignIn,
    CampaignOut,
    CampaignQuery,
    PerformanceOut,
    PerformanceQuery,
)
from rewards.serializers.links import LinkChangeIn, LinkIn, LinkOut, LinkQuery
from rewards.services.campaigns import campaign_create, campaign_update
from rewards.services.links import link_create, link_set_status

_CAMPAIGN_QUERY, _LINK_QUERY = CampaignQuery(), LinkQuery()
_SORTABLE = {"createdAt": "created_at", "updatedAt": "updated_at", "status": "status"}


class _OfClient(PartnerViewSet):
    """What belongs to the key's own client, or to all of them where the key is the whole organization's."""

    def own(self, rows: Any, *, client: str) -> Any:
        return (
            rows if self.credential.organization_wide else rows.filter(**{client: self.credential.client_id})
        )

    def actor(self, request: PartnerRequest) -> Actor:
        governed: Any = request._request
        return Actor(request.auth.key_id, governed.client_address, governed.request_id)

    def check_named_tenant(self, tenant_id: UUID | None) -> None:
        if tenant_id is not None and tenant_id != self.organization_id:
            raise Forbidden("The key belongs to another organization.", reason="tenant_mismatch")

    def campaign(self, campaign_id: UUID) -> Campaign:
        rows = Campaign.objects.for_organization(self.organization_id, self.environment)
        found = self.own(rows.select_related("offer"), client="client_id").filter(id=campaign_id).first()
        if found is None:
            raise NotFound("There is no such campaign.")
        return found

    def paged(self, rows: Any, query: dict[str, Any], *, states: Any) -> tuple[list[Any], dict[str, Any]]:
        if "status" in query:
            if query["status"] not in states:
                raise ValidationFailed(status=[f"Choose one of: {', '.join(states.values)}."])
            rows = rows.filter(status=query["status"])
        return paginate(filter_dates(rows, query), query, sortable=_SORTABLE)


class CampaignViewSet(_OfClient):
    """Campaigns, and what came of them."""

    queryset = Campaign.objects.all()
    serializer_class = CampaignOut
    scopes = {
        "list": Scope.CAMPAIGNS_READ,
        "retrieve": Scope.CAMPAIGNS_READ,
        "create": Scope.CAMPAIGNS_WRITE,
        "partial_update": Scope.CAMPAIGNS_WRITE,
    }

    @extend_schema(parameters=[CampaignQuery], responses=list_envelope("CampaignList", CampaignDetail))
    def list(self, request: PartnerRequest) -> HttpResponse:
        query = list_query(request.GET, _CAMPAIGN_QUERY)
        rows = self.own(self.get_queryset(), client="client_id")
        if "offer_id" in query:
            rows = rows.filter(offer_id=query["offer_id"])
        if "search" in query:
            rows = rows.filter(name__icontains=query["search"])
        campaigns, pagination = self.paged(rows, query, states=Campaign.Status)
        figures = performance_of([campaign.id for campaign in campaigns])
        data = [
            CampaignOut(campaign).data | {"performance": PerformanceOut(figures[campaign.id]).data}
            for campaign in campaigns
        ]
        return self.json({"data": data, "pagination": pagination})

    @extend_schema(parameters=[PerformanceQuery], responses=CampaignDetail)
    def retrieve(self, request: PartnerRequest, campaign_id: UUID) -> Response:
        period = Period.asked(self.validated(PerformanceQuery, data=request.GET))
        campaign = self.campaign(campaign_id)
        figures = performance_of([campaign.id], period)[campaign.id]
        return Response(CampaignOut(campaign).data | {"performance": PerformanceOut(figures).data})

    @extend_schema(request=CampaignIn, responses={HTTP_201_CREATED: CampaignOut})
    def create(self, request: PartnerRequest) -> Response:
        data = self.validated(CampaignIn)
        self.check_named_tenant(data["tenant_id"])
        campaign = campaign_create(
            offer=offer_of(self.credential, data["offer_id"]),
            client_id=self.credential.client_id,
            name=data["name"],
            share=data["share"],
            flat_reward_minor=data["flat_reward_minor"],
            currency=data["currency"],
            actor=self.actor(request),
        )
        return Response(CampaignOut(campaign).data, status=HTTP_201_CREATED)

    @extend_schema(request=CampaignChangeIn, responses=CampaignOut)
    def partial_update(self, request: PartnerRequest, campaign_id: UUID) -> Response:
        data = self.validated(CampaignChangeIn)
        campaign = campaign_update(
            campaign=self.campaign(campaign_id),
            name=data["name"],
            status=data["status"],
            actor=self.actor(request),
        )
        return Response(CampaignOut(campaign).data)


class LinkViewSet(_OfClient):
    """Smart links of campaigns."""

    queryset = SmartLink.objects.select_related("campaign__offer__network", "campaign__offer__brand")
    serializer_class = LinkOut
    scopes = {
        "list": Scope.CAMPAIGNS_READ,
        "retrieve": Scope.CAMPAIGNS_READ,
        "create": Scope.LINKS_WRITE,
        "partial_update": Scope.LINKS_WRITE,
    }

    @extend_schema(parameters=[LinkQuery], responses=list_envelope("LinkList", LinkOut))
    def list(self, request: PartnerRequest) -> HttpResponse:
        query = list_query(request.GET, _LINK_QUERY)
        rows = self.own(self.get_queryset(), client="campaign__client_id")
        if "campaign_id" in query:
            rows = rows.filter(campaign_id=query["campaign_id"])
        links, pagination = self.paged(rows, query, states=SmartLink.Status)
        return self.json({"data": LinkOut(links, many=True).data, "pagination": pagination})

    @extend_schema(responses=LinkOut)
    def retrieve(self, request: PartnerRequest, link_id: UUID) -> Response:
        return Response(LinkOut(self._link(link_id)).data)

    @extend_schema(request=LinkIn, responses={HTTP_201_CREATED: LinkOut})
    def create(self, request: PartnerRequest) -> Response:
        data = self.validated(LinkIn)
        self.check_named_tenant(data.get("tenant_id"))
        campaign = self.campaign(data["campaign_id"])
        self._check_allowed(campaign.offer)
        link = link_create(
            campaign=campaign,
            deep_link=data["deep_link"],
            utm=data["utm"],
            user_id=data["user_id"],
            sub_id=data["sub_id"],
            actor=self.actor(request),
        )
        return Response(LinkOut(link).data, status=HTTP_201_CREATED)

    @extend_schema(request=LinkChangeIn, responses=LinkOut)
    def partial_update(self, request: PartnerRequest, link_id: UUID) -> Response:
        data = self.validated(LinkChangeIn)
        link_set_status(link=self._link(link_id), status=data["status"], actor=self.actor(request))
        return Response(LinkOut(self._link(link_id)).data)

    def _link(self, link_id: UUID) -> SmartLink:
        link = self.own(self.get_queryset(), client="campaign__client_id").filter(id=link_id).first()
        if link is None:
            raise NotFound("There is no such link.")
        return link

    def _check_allowed(self, offer: Offer) -> None:
        """The key's allow-lists may have become narrower since the campaign was made."""
        offers, brands = self.credential.offer_allowlist, self.credential.brand_allowlist
        if (offers and offer.id not in offers) or (brands and offer.brand_id not in brands):
            raise OfferNotAllowed
