"""Section A: invoices."""

import re
from uuid import UUID

from django.http import HttpResponse, HttpResponseBase
from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework.status import HTTP_200_OK

from config import tenancy
from config.api.exceptions import NotFound
from config.api.listing import Listing
from config.api.pagination import ListQuery, list_envelope
from credentials.scopes import Scope
from credentials.viewsets import OrganizationNamed, PartnerRequest, PartnerViewSet
from invoices.electronic import MEDIA_TYPE, invoice_xml, xml_answer
from invoices.models import Invoice
from invoices.selectors import lines_of
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
_DOCUMENTS = re.compile(f"{_PDF}|^(?!.*json).*{MEDIA_TYPE}")


class InvoiceViewSet(OrganizationNamed, PartnerViewSet):
    """The organization's invoices and credit notes."""

    queryset = Invoice.objects.all()
    serializer_class = InvoiceOut
    scopes = {"list": Scope.INVOICES_READ, "retrieve": Scope.INVOICES_READ}
    # documents are drawn outside of one
    opens_no_transaction = frozenset({"list", "retrieve"})
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
        accepted = request.headers.get("Accept", "")
        with tenancy.tenant(self.organization_id, self.environment):
            rows = self.get_queryset().select_related("organization", "corrects")
            invoice = rows.filter(id=invoice_id).first()
            if invoice is None:
                raise NotFound
            if not _DOCUMENTS.search(accepted):
                return self.json(InvoiceOut(invoice).data)
            lines = lines_of(invoice)
        if _PDF in accepted:
            from invoices.documents import invoice_pdf, pdf_answer  # noqa: PLC0415 (fonts and pictures: 30 MB)

            return pdf_answer(invoice, invoice_pdf(invoice, lines, language=query.get("lang")))
        return xml_answer(invoice, invoice_xml(invoice, lines))
