"""Contract D: proposals."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.status import HTTP_201_CREATED

from config.api.listing import Filter, Listing
from config.api.pagination import list_envelope
from config.tenancy import ANY_ENVIRONMENT
from credentials.scopes import Scope
from credentials.viewsets import PartnerRequest
from pipeline.models import Proposal
from pipeline.serializers.lists import NothingIn
from pipeline.serializers.proposals import (
    AcceptIn,
    DeclineIn,
    ProposalDetail,
    ProposalIn,
    ProposalOut,
    ProposalQuery,
    ProposalTerms,
    SentProposalOut,
)
from pipeline.services.proposals import (
    Answer,
    proposal_accept,
    proposal_create,
    proposal_link,
    proposal_link_renew,
    proposal_reject,
    proposal_send,
    proposal_update,
)
from pipeline.views.records import FILTERS, OF_LEAD, SORTABLE, PipelineViewSet

PROPOSALS = Listing(
    Proposal,
    ProposalOut,
    sortable={**SORTABLE, "totalMinor": "total_minor"},
    states=Proposal.Status,
    searched=("title", "(customer ->> 'name')", "(customer ->> 'email')", OF_LEAD),
    query=ProposalQuery,
    filters={**FILTERS, "quoteId": Filter("quote_id = {}", "uuid")},
)


class ProposalViewSet(PipelineViewSet):
    """Proposals, which the end customer accepts or declines by a signed link."""

    queryset = Proposal.objects.all()
    serializer_class = ProposalOut
    scopes = {
        "list": Scope.PROPOSALS_READ,
        "retrieve": Scope.PROPOSALS_READ,
        "create": Scope.PROPOSALS_WRITE,
        "update": Scope.PROPOSALS_WRITE,
        "partial_update": Scope.PROPOSALS_WRITE,
        "send": Scope.PROPOSALS_WRITE,
        "link": Scope.PROPOSALS_WRITE,
        "accept": Scope.PROPOSALS_WRITE,
        "reject": Scope.PROPOSALS_WRITE,
    }
    opens_no_transaction = frozenset({"list"})
    made_in = ANY_ENVIRONMENT

    @extend_schema(parameters=[ProposalQuery], responses=list_envelope("ProposalList", ProposalOut))
    def list(self, request: PartnerRequest) -> HttpResponse:
        return self.narrowed(PROPOSALS)

    @extend_schema(responses=ProposalDetail)
    def retrieve(self, request: PartnerRequest, proposal_id: UUID) -> Response:
        return self.shown(self.found(proposal_id))

    @extend_schema(request=ProposalIn, responses={HTTP_201_CREATED: ProposalOut})
    def create(self, request: PartnerRequest) -> Response:
        terms = self.validated(ProposalIn)
        proposal = proposal_create(
            quote_id=terms.pop("quote_id"),
            client_id=self.client_id,
            terms=terms,
            bound_company_id=self.bound,
            actor=self.actor,
        )
        return Response(ProposalOut(proposal).data, status=HTTP_201_CREATED)

    @extend_schema(request=ProposalTerms, responses=ProposalOut)
    def update(self, request: PartnerRequest, proposal_id: UUID) -> Response:
        return self._done(proposal_update, proposal_id, changes=self.validated(ProposalTerms))

    @extend_schema(request=ProposalTerms, responses=ProposalOut)
    def partial_update(self, request: PartnerRequest, proposal_id: UUID) -> Response:
        return self.update(request, proposal_id)

    @extend_schema(request=NothingIn, responses=SentProposalOut)
    def send(self, request: PartnerRequest, proposal_id: UUID) -> Response:
        self.validated(NothingIn)
        return self._done(proposal_send, proposal_id, with_link=True)

    @extend_schema(request=NothingIn, responses=SentProposalOut)
    def link(self, request: PartnerRequest, proposal_id: UUID) -> Response:
        self.validated(NothingIn)
        return self._done(proposal_link_renew, proposal_id, with_link=True)

    @extend_schema(request=AcceptIn, responses=ProposalOut)
    def accept(self, request: PartnerRequest, proposal_id: UUID) -> Response:
        answer = Answer(self.validated(AcceptIn)["name"], Proposal.Door.API)
        return self._done(proposal_accept, proposal_id, answer=answer)

    @extend_schema(request=DeclineIn, responses=ProposalOut)
    def reject(self, request: PartnerRequest, proposal_id: UUID) -> Response:
        data = self.validated(DeclineIn)
        answer = Answer(data["name"], Proposal.Door.API)
        return self._done(proposal_reject, proposal_id, answer=answer, reason=data["reason"])

    def _done(self, step: Any, proposal_id: UUID, *, with_link: bool = False, **given: Any) -> Response:
        proposal = step(proposal_id=self.found(proposal_id).id, actor=self.actor, **given)
        link = {"acceptanceUrl": proposal_link(proposal)} if with_link else {}
        return Response(ProposalOut(proposal).data | link)
