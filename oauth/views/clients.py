"""Contract D's clients and OAuth: settings, secrets, and live authorizations."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import HTTP_201_CREATED, HTTP_204_NO_CONTENT

from config.api.pagination import ListQuery, filter_dates, list_envelope, paginate
from credentials.access import ClientApiViewSet
from credentials.scopes import Scope
from credentials.serializers.governance import RotateIn
from oauth.models import Application, Authorization
from oauth.selectors import authorizations_matching, authorizations_shown
from oauth.serializers import (
    AuthorizationOut,
    ClientSecretOut,
    IssuedClientSecretOut,
    OAuthIn,
    OAuthOut,
)
from oauth.services.applications import (
    application_delete,
    application_set,
    client_secret_revoke,
    client_secret_rotate,
)
from oauth.services.authorizations import authorization_revoke

SORTABLE = {"createdAt": "created_at"}


class ClientOAuthViewSet(ClientApiViewSet):
    """A client's OAuth: 404 until it is turned on. Only people turn it on, off, and see secrets."""

    queryset = Application.objects.none()
    serializer_class = OAuthOut
    scopes = {
        "retrieve": Scope.CLIENTS_READ,
        "update": Scope.CLIENTS_WRITE,
        "destroy": Scope.CLIENTS_WRITE,
        "rotate_secret": Scope.CLIENTS_WRITE,
        "revoke_secret": Scope.CLIENTS_WRITE,
    }

    @extend_schema(responses=OAuthOut)
    def retrieve(self, request: Request, client_id: UUID) -> Response:
        client = self.client(client_id)
        found = Application.objects.select_related("api_client").get(api_client=client)
        return Response(OAuthOut(found).data)

    @extend_schema(request=OAuthIn, responses=OAuthOut)
    def update(self, request: Request, client_id: UUID) -> Response:
        client = self.client(client_id)
        data = self.validated(OAuthIn)
        return Response(OAuthOut(application_set(client_id=client.id, actor=self.caller.actor, **data)).data)

    @extend_schema(responses={HTTP_204_NO_CONTENT: None})
    def destroy(self, request: Request, client_id: UUID) -> Response:
        application_delete(client_id=self.client(client_id).id, actor=self.caller.actor)
        return Response(status=HTTP_204_NO_CONTENT)

    @extend_schema(request=RotateIn, responses={HTTP_201_CREATED: IssuedClientSecretOut})
    def rotate_secret(self, request: Request, client_id: UUID) -> Response:
        client = self.client(client_id)
        grace_s = self.validated(RotateIn)["graceSeconds"]
        issued = client_secret_rotate(client_id=client.id, actor=self.caller.actor, grace_s=grace_s)
        shown: dict[str, Any] = dict(ClientSecretOut(issued.record).data)
        shown |= {"clientId": issued.application.client_id, "clientSecret": issued.secret}
        return Response({**shown, "oldSecretEndsAt": issued.old_ends_at}, status=HTTP_201_CREATED)

    @extend_schema(responses={HTTP_204_NO_CONTENT: None})
    def revoke_secret(self, request: Request, client_id: UUID, secret_id: UUID) -> Response:
        client = self.client(client_id)
        client_secret_revoke(client_id=client.id, secret_id=secret_id, actor=self.caller.actor)
        return Response(status=HTTP_204_NO_CONTENT)


class ClientAuthorizationViewSet(ClientApiViewSet):
    """What people of the organization have consented to, for one client, the latest first."""

    queryset = Authorization.objects.none()
    serializer_class = AuthorizationOut
    scopes = {"list": Scope.CLIENTS_READ, "destroy": Scope.CLIENTS_WRITE}

    @extend_schema(
        parameters=[ListQuery], responses=list_envelope("OAuthAuthorizationList", AuthorizationOut)
    )
    def list(self, request: Request, client_id: UUID) -> Response:
        query = self.validated(ListQuery, request.query_params)
        client = self.client(client_id)
        rows = filter_dates(authorizations_shown().filter(application__api_client=client), query)
        if "search" in query:
            rows = rows.filter(authorizations_matching(query["search"]))
        found, pagination = paginate(rows, query, sortable=SORTABLE)
        return Response({"data": AuthorizationOut(found, many=True).data, "pagination": pagination})

    @extend_schema(responses={HTTP_204_NO_CONTENT: None})
    def destroy(self, request: Request, client_id: UUID, authorization_id: UUID) -> Response:
        client = self.client(client_id)
        mine = Authorization.objects.get(id=authorization_id, application__api_client=client)
        authorization_revoke(authorization_id=mine.id, actor=self.caller.actor)
        return Response(status=HTTP_204_NO_CONTENT)
