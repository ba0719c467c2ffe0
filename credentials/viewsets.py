"""What every partner endpoint is built on."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import GenericViewSet

from config import tenancy
from config.api.exceptions import Forbidden, ValidationFailed
from config.api.listing import Listing
from config.api.pagination import list_query
from config.api.parsers import StrictJSONParser
from config.api.renderers import JSONRenderer, dumps
from credentials.authentication import CredentialAuthentication
from credentials.idempotency import Guard, idempotency_begin, idempotency_store
from credentials.permissions import scope_check
from credentials.snapshots import Snapshot

WRITES = ("POST", "PUT", "PATCH", "DELETE")
_PARSERS = (StrictJSONParser(),)
_RENDERER = JSONRenderer()
_AUTHENTICATORS = (CredentialAuthentication(),)
_THE_BODY: Any = object()
_ACCEPTED = frozenset({"", "*/*", "application/json"})


class PartnerRequest(Request):
    """A request that the governing middleware admitted: `auth` is the key's snapshot."""

    auth: Snapshot


class _Replay(Exception):
    """Ends a request whose answer is already known."""


class PartnerViewSet(GenericViewSet):
    """An endpoint for keys: one transaction in the tenant's context holds check, effect, event and answer.

    `scopes` maps each action to its Scope. `idempotency_required` makes writes without the header a 400.
    `documents` maps actions that answer no JSON to their media type or types. An answer of 400 or more rolls
    everything back. Actions in `opens_no_transaction` read nothing, or by config.statements, whose pipeline
    is a transaction of its own; they answer an HttpResponse, and run while the limit store decides.
    """

    scopes: ClassVar[dict[str, str]] = {}
    opens_no_transaction: ClassVar[frozenset[str]] = frozenset()
    documents: ClassVar[Mapping[str, str | tuple[str, ...]]] = MappingProxyType({})
    idempotency_required = False
    max_body_bytes: int | None = None
    http_method_names = ("get", "head", "post", "put", "patch", "delete")
    lookup_value_converter = "uuid"
    format_kwarg = None
    _guard: Guard | None = None

    request: PartnerRequest
    credential: Snapshot

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        credential = getattr(request, "credential", None)
        action = self.action_map.get((request.method or "").lower())
        if isinstance(credential, Snapshot):
            self.credential = credential
        if action in self.opens_no_transaction and request.META.get("HTTP_ACCEPT", "") in _ACCEPTED:
            return self._dispatch_read(request, action, *args, **kwargs)
        if not isinstance(credential, Snapshot) or action in self.opens_no_transaction:
            return super().dispatch(request, *args, **kwargs)
        with tenancy.tenant(credential.organization_id, credential.environment):
            return self.settled(super().dispatch(request, *args, **kwargs))

    def settled(self, response: HttpResponseBase) -> HttpResponseBase:
        """The answer, rendered while its transaction is open: a refusal takes back what was done."""
        if isinstance(response, Response):
            response.render()
        if response.status_code >= 400:
            transaction.set_rollback(True)
        elif self._guard and not self._guard.replay:
            idempotency_store(self._guard, response)
        return response

    def _dispatch_read(self, request: Any, action: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """A read that needs neither parser nor renderer, without what DRF does for those that do.

        What it raises, the governing middleware answers.
        """
        self.request, self.action = request, action
        self.admit(request)
        return getattr(self, action)(request, *args, **kwargs)

    # What DRF would find out anew for each request is settled here once: one parser, one renderer, one
    # authenticator, no versions, and throttling that has happened already.

    def get_parsers(self) -> Any:
        return _PARSERS

    def get_authenticators(self) -> Any:
        return _AUTHENTICATORS

    @property
    def default_response_headers(self) -> dict[str, str]:
        return {}

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        accepted = request._request.META.get("HTTP_ACCEPT", "")
        documents = self.documents.get(self.action or "", ())
        if isinstance(documents, str):
            documents = (documents,)
        if accepted in _ACCEPTED or any(document in accepted for document in documents):
            request.accepted_renderer, request.accepted_media_type = _RENDERER, _RENDERER.media_type
        else:
            negotiated = self.perform_content_negotiation(request)
            request.accepted_renderer, request.accepted_media_type = negotiated
        self.admit(request)
        if request.method in WRITES:
            self._guard = self.guard(request)
            if self._guard and self._guard.replay:
                raise _Replay

    def admit(self, request: Any) -> None:
        """Refuse who may not: Unauthorized (401), Forbidden (403). Fast reads come here before DRF does."""
        scope_check(getattr(self, "credential", None), self)
        self.check_tenant(request)

    def guard(self, request: PartnerRequest) -> Guard | None:
        """The idempotency key of a write that was admitted. Raises as `idempotency_begin` does."""
        return idempotency_begin(
            request._request, credential=self.credential, required=self.idempotency_required
        )

    def check_tenant(self, request: PartnerRequest) -> None:
        """Surfaces that name their tenant in the request compare it with the credential's here."""

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, _Replay) and self._guard:
            return self._guard.replay
        return super().handle_exception(exc)

    @property
    def organization_id(self) -> UUID:
        return self.credential.organization_id

    @property
    def environment(self) -> str:
        return self.credential.environment

    def get_queryset(self) -> Any:
        rows: Any = super().get_queryset()
        return rows.for_organization(self.organization_id, self.environment)

    def listed(self, listing: Listing, **narrowed: Any) -> HttpResponse:
        """The answer of a list: one page of `listing` by the request's query and these filters."""
        query = list_query(self.request.GET, listing.query) | narrowed
        return self.json(listing.page(str(self.organization_id), self.environment, query))

    def json(self, data: Any) -> HttpResponse:
        """`data` as a 200 that needs no renderer."""
        return HttpResponse(dumps(data), content_type=_RENDERER.media_type)

    def validated(
        self, serializer_class: type[BaseSerializer], data: Any = _THE_BODY, *, partial: bool = False
    ) -> dict[str, Any]:
        """The request's body (or `data`) as the serializer's clean values. Raises ValidationError (400)."""
        serializer = serializer_class(
            data=self.request.data if data is _THE_BODY else data,
            partial=partial,
            context=self.get_serializer_context(),
        )
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data


class OrganizationNamed:
    """Section A: each request carries `organizationId`, in the query on GET and in the body otherwise."""

    names_organization = True
    credential: Snapshot

    def check_tenant(self, request: PartnerRequest) -> None:
        body = request.data if request.method in WRITES else request.GET
        if not hasattr(body, "get"):
            raise ValidationFailed(nonFieldErrors=["Send a JSON object."])
        named = body.get("organizationId")
        if not named:
            raise ValidationFailed(organizationId=["This field is required."])
        if str(named).lower() != self.credential.organization:
            raise Forbidden("The key belongs to another organization.", reason="tenant_mismatch")
