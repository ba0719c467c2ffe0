"""Contract D: files of leads and policies; and the door at which their signed addresses are fetched."""

from typing import Any, ClassVar
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.status import HTTP_202_ACCEPTED

from config import tenancy
from config.api.client_address import client_address
from config.api.pagination import filter_dates, list_envelope, paginate
from credentials.scopes import Scope
from credentials.viewsets import PartnerRequest
from partners.models import GOVERNORS
from partners.services.audit import Actor
from pipeline.export_files import export_read
from pipeline.links import export_of
from pipeline.models import Export
from pipeline.serializers.exports import ExportIn, ExportOut, ExportQuery
from pipeline.services.exports import export_fetched, export_start
from pipeline.views.records import PipelineViewSet

_MEDIA_TYPES: dict[str, str] = {
    Export.Format.CSV: "text/csv; charset=utf-8",
    Export.Format.JSONL: "application/jsonl",
}


class ExportViewSet(PipelineViewSet):
    """Files of what a list holds, written by a job and fetched at a signed address that expires."""

    kind: ClassVar[str]
    queryset = Export.objects.select_related("job")
    serializer_class = ExportOut
    # a member reads leads one by one, and takes no file of all of them along
    readers = GOVERNORS

    @extend_schema(parameters=[ExportQuery], responses=list_envelope("ExportList", ExportOut))
    def list(self, request: PartnerRequest) -> Response:
        query = self.validated(ExportQuery, data=request.query_params)
        rows = filter_dates(self.get_queryset().of_company(self.bound), query)
        found, pagination = paginate(rows, query, sortable={"createdAt": "created_at"})
        return Response({"data": ExportOut(found, many=True).data, "pagination": pagination})

    @extend_schema(responses=ExportOut)
    def retrieve(self, request: PartnerRequest, export_id: UUID) -> Response:
        return Response(ExportOut(self.found(export_id)).data)

    @extend_schema(request=ExportIn, responses={HTTP_202_ACCEPTED: ExportOut})
    def create(self, request: PartnerRequest) -> Response:
        data = self.validated(ExportIn)
        export = export_start(
            organization_id=self.organization_id,
            environment=self.environment,
            client_id=self.client_id,
            kind=self.kind,
            file_format=data["format"],
            filters=data["filters"],
            bound_company_id=self.bound,
            actor=self.actor,
        )
        return Response(ExportOut(export).data, status=HTTP_202_ACCEPTED)

    def get_queryset(self) -> Any:
        return super().get_queryset().filter(kind=self.kind)


class LeadExportViewSet(ExportViewSet):
    """Files of leads."""

    kind = Export.Kind.LEADS
    scopes = dict.fromkeys(("list", "retrieve", "create"), Scope.LEADS_READ)


class PolicyExportViewSet(ExportViewSet):
    """Files of policies."""

    kind = Export.Kind.POLICIES
    scopes = dict.fromkeys(("list", "retrieve", "create"), Scope.POLICIES_READ)


@never_cache
@require_GET
def export_download(request: HttpRequest, token: str) -> HttpResponseBase:
    """The file that a signed address names, for whoever has it;

    404 once it is over, 410 once it is removed.
    """
    export_id = export_of(token)
    if export_id is None:
        raise Http404
    with tenancy.operator():
        export = Export.objects.filter(id=export_id).first()
        if export is None:
            raise Http404
        pieces = export_read(export.id, export.file_name) if export.file_name else None
        try:
            first = next(pieces) if pieces else None
        except FileNotFoundError:
            first = None
        if pieces is None or first is None:
            return HttpResponse("The file was removed.", status=410, content_type="text/plain")
        actor = Actor("signed link", client_address(request.META), getattr(request, "request_id", ""))
        export_fetched(export=export, actor=actor)
    name = f"{export.kind}-{export.created_at:%Y-%m-%d}.{export.format}"
    response = StreamingHttpResponse(_chained(first, pieces), content_type=_MEDIA_TYPES[export.format])
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Content-Length"] = str(export.size_bytes)
    return response


def _chained(first: bytes, pieces: Any) -> Any:
    yield first
    yield from pieces
