"""Section A: invoices."""

from uuid import UUID

from django.http import HttpResponse, HttpResponseBase
from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework.response import Response
from rest_framework.status import HTTP_200_OK

from config.api.exceptions import NotFound
from config.api.listing import Listing
from config.api.pagination import ListQuery, list_envelope
from credentials.scopes import Scope
from credentials.viewsets import OrganizationNamed, PartnerRequest, PartnerViewSet
from invoices.documents import invoice_pdf, pdf_answer
from invoices.electronic import MEDIA_TYPE, xml_answer
from invoices.models import Invoice
from invoices.serializers import InvoiceOut, InvoiceQuery, InvoiceRow

INVOICES = Listing(
    Invoice,
    InvoiceRow,
    sortable={
        "createdAt": "created_at",
        "updatedAt": "updated_at",
        "issuedAt": "issued_at",
        "number": "number",
        "status": "status",
        "totalMinor": "total_minor",
    },
    states=Invoice.Status,
    searched=("number", "(customer ->> 'name')", "(customer ->> 'email')"),
)
_PDF = "application/pdf"


class InvoiceViewSet(OrganizationNamed, PartnerViewSet):
    """The organization's invoices and credit notes."""

    queryset = Invoice.objects.all()
    serializer_class = InvoiceOut
    scopes = {"list": Scope.INVOICES_READ, "retrieve": Scope.INVOICES_READ}
    opens_no_transaction = frozenset({"list"})
    documents = {"retrieve": (_PDF, MEDIA_TYPE)}

    @extend_schema(parameters=[ListQuery], responses=list_envelope("InvoiceList", InvoiceRow))
    def list(self, request: PartnerRequest) -> HttpResponse:
        return self.listed(INVOICES)

    @extend_schema(
        parameters=[InvoiceQuery],
        responses={
            (HTTP_200_OK, "application/json"): InvoiceOut,
            (HTTP_200_OK, _PDF): OpenApiTypes.BINARY,
            (HTTP_200_OK, MEDIA_TYPE): OpenApiTypes.STR,
        },
    )
    def retrieve(self, request: PartnerRequest, invoice_id: UUID) -> HttpResponseBase:
        query = self.validated(InvoiceQuery, data=request.GET)
        rows = self.get_queryset().select_related("organization", "corrects")
        invoice = rows.filter(id=invoice_id).first()
        if invoice is None:
            raise NotFound
        accepted = request.headers.get("Accept", "")
        if _PDF in accepted:
            return pdf_answer(invoice, invoice_pdf(invoice, language=query.get("lang")))
        if MEDIA_TYPE in accepted and "json" not in accepted:
            return xml_answer(invoice)
        return Response(InvoiceOut(invoice).data)
