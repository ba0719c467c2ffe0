"""Contract D: the keys of API clients."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import HTTP_201_CREATED, HTTP_204_NO_CONTENT

from config.api.exceptions import Forbidden, ValidationFailed
from config.api.pagination import ListQuery, filter_dates, list_envelope, paginate
from credentials.access import ClientApiViewSet
from credentials.models import ApiKey
from credentials.scopes import Scope
from credentials.serializers.clients import KEY_STATES, ClientKeyIn, ClientKeyOut, IssuedClientKeyOut
from credentials.services.client_keys import client_key_issue, client_key_revoke
from credentials.snapshots import Snapshot

SORTABLE = {"createdAt": "created_at", "name": "name", "status": "status"}


class ClientKeyViewSet(ClientApiViewSet):
    """The keys of an API client."""

    queryset = ApiKey.objects.none()
    serializer_class = ClientKeyOut
    scopes = {"list": Scope.CLIENTS_READ, "create": Scope.KEYS_WRITE, "destroy": Scope.KEYS_WRITE}

    @extend_schema(parameters=[ListQuery], responses=list_envelope("ApiKeyList", ClientKeyOut))
    def list(self, request: Request, client_id: UUID) -> Response:
        query = self.validated(ListQuery, request.query_params)
        client = self.client(client_id)
        rows: Any = ApiKey.objects.for_organization(client.organization_id, client.environment)
        rows = filter_dates(rows.filter(client=client), query)
        if "status" in query:
            if query["status"].upper() not in KEY_STATES:
                raise ValidationFailed(status=[f"Choose one of: {', '.join(KEY_STATES)}."])
            rows = rows.in_state(query["status"].lower())
        if "search" in query:
            rows = rows.filter(name__icontains=query["search"])
        found, pagination = paginate(rows, query, sortable=SORTABLE)
        return Response({"data": ClientKeyOut(found, many=True).data, "pagination": pagination})

    @extend_schema(request=ClientKeyIn, responses={HTTP_201_CREATED: IssuedClientKeyOut})
    def create(self, request: Request) -> Response:
        data = self.validated(ClientKeyIn)
        self.client(data["client_id"])
        issuer = None
        if isinstance(request.auth, Snapshot):
            # None for an OAuth token
            issuer = ApiKey.objects.filter(id=request.auth.api_key_id).first()
            if issuer is None and request.auth.networks:
                raise Forbidden("Tokens held to some addresses issue no keys.", reason="ip_not_allowed")
        issued = client_key_issue(**data, actor=self.caller.actor, issuer=issuer)
        shown = ClientKeyOut(issued.key).data
        return Response(
            {**shown, "key": issued.raw, "signingSecret": issued.signing_secret or None},
            status=HTTP_201_CREATED,
        )

    @extend_schema(responses={HTTP_204_NO_CONTENT: None})
    def destroy(self, request: Request, client_id: UUID, api_key_id: UUID) -> Response:
        client = self.client(client_id)
        client_key_revoke(client_id=client.id, api_key_id=api_key_id, actor=self.caller.actor)
        return Response(status=HTTP_204_NO_CONTENT)
