"""Contract D: API clients, their figures, and the rate-limit tiers."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import HTTP_201_CREATED, HTTP_204_NO_CONTENT

from config.api.exceptions import Forbidden, ValidationFailed
from config.api.pagination import filter_dates, list_envelope, paginate
from config.tenancy import Environment
from credentials.access import ClientApiViewSet
from credentials.client_parts import WEBHOOK_SUBSCRIPTIONS, client_part_rows
from credentials.limits import TIERS
from credentials.permissions import ANY_KEY
from credentials.scopes import Scope
from credentials.selectors.clients import (
    DASHBOARD_DAYS,
    client_usage,
    clients_matching,
    clients_with_keys,
    rate_limit_status,
)
from credentials.selectors.usage_range import UsageRange
from credentials.serializers.clients import (
    ClientChanges,
    ClientDashboardOut,
    ClientIn,
    ClientListQuery,
    ClientOut,
    RateLimitStatusOut,
    RateLimitTiersOut,
    RotatedWebhookSecretOut,
)
from credentials.serializers.governance import RotateIn
from credentials.serializers.usage import UsageOut, UsageQuery
from credentials.services.clients import (
    client_create,
    client_delete,
    client_update,
    client_webhook_secret_rotate,
)
from credentials.snapshots import Snapshot
from partners.models import ApiClient
from partners.services.clients import webhook_secret_of

SORTABLE = {"createdAt": "created_at", "updatedAt": "updated_at", "name": "name", "status": "status"}


class ApiClientViewSet(ClientApiViewSet):
    """The API clients of an organization."""

    queryset = ApiClient.objects.none()
    serializer_class = ClientOut
    scopes = {
        "list": Scope.CLIENTS_READ,
        "create": Scope.CLIENTS_WRITE,
        "retrieve": Scope.CLIENTS_READ,
        "update": Scope.CLIENTS_WRITE,
        "destroy": Scope.CLIENTS_WRITE,
        "rotate_webhook_secret": Scope.CLIENTS_WRITE,
        "dashboard": Scope.CLIENTS_READ,
        "usage": Scope.USAGE_READ,
    }

    @extend_schema(parameters=[ClientListQuery], responses=list_envelope("ApiClientList", ClientOut))
    def list(self, request: Request) -> Response:
        query = self.validated(ClientListQuery, request.query_params)
        caller = self.organization()
        rows: Any = clients_with_keys().for_organization(caller.organization_id, query.get("environment"))
        rows = filter_dates(rows, query)
        if caller.client_id:
            rows = rows.filter(id=caller.client_id)
        if "status" in query:
            if query["status"].upper() not in ApiClient.Status:
                raise ValidationFailed(status=[f"Choose one of: {', '.join(ApiClient.Status.values)}."])
            rows = rows.filter(status=query["status"].upper())
        if "search" in query:
            rows = rows.filter(clients_matching(query["search"]))
        found, pagination = paginate(rows, query, sortable=SORTABLE)
        context = {"secret": None, "subscriptions": _subscriptions([client.id for client in found])}
        return Response({"data": ClientOut(found, many=True, context=context).data, "pagination": pagination})

    @extend_schema(request=ClientIn, responses={HTTP_201_CREATED: ClientOut})
    def create(self, request: Request) -> Response:
        data = self.validated(ClientIn)
        caller = self.organization(data.pop("organization_id", None))
        environment = data.pop("environment", None)
        if isinstance(request.auth, Snapshot):
            if environment not in (None, caller.environment):
                raise Forbidden("The key belongs to another environment.", reason="tenant_mismatch")
            environment = caller.environment
        client = client_create(
            organization_id=caller.organization_id,
            environment=environment or Environment.SANDBOX,
            actor=caller.actor,
            **data,
        )
        return Response(self._shown(client), status=HTTP_201_CREATED)

    @extend_schema(responses=ClientOut)
    def retrieve(self, request: Request, client_id: UUID) -> Response:
        return Response(self._shown(self.client(client_id)))

    @extend_schema(request=ClientChanges, responses=ClientOut)
    def update(self, request: Request, client_id: UUID) -> Response:
        client = self.client(client_id)
        changes = self.validated(ClientChanges, instance=client, partial=True)
        return Response(
            self._shown(client_update(client_id=client_id, changes=changes, actor=self.caller.actor))
        )

    @extend_schema(responses={HTTP_204_NO_CONTENT: None})
    def destroy(self, request: Request, client_id: UUID) -> Response:
        client_delete(client_id=self.client(client_id).id, actor=self.caller.actor)
        if isinstance(request.auth, Snapshot) and request.auth.client_id == client_id:
            # the key went with its client, and so did the room for its answers
            self._guard = None
        return Response(status=HTTP_204_NO_CONTENT)

    @extend_schema(request=RotateIn, responses=RotatedWebhookSecretOut)
    def rotate_webhook_secret(self, request: Request, client_id: UUID) -> Response:
        client = self.client(client_id)
        grace_s = self.validated(RotateIn)["graceSeconds"]
        rotated = client_webhook_secret_rotate(client_id=client.id, actor=self.caller.actor, grace_s=grace_s)
        return Response(RotatedWebhookSecretOut(rotated).data)

    @extend_schema(responses=ClientDashboardOut)
    def dashboard(self, request: Request, client_id: UUID) -> Response:
        client = self.client(client_id)
        shown = self._shown(client)
        states = [webhook["status"] for webhook in shown["webhookSubscriptions"]]
        usage = client_usage(client, UsageRange.days(DASHBOARD_DAYS))
        return Response(
            {
                "client": shown,
                "usageStats": UsageOut(usage).data,
                "activeWebhooks": states.count("ACTIVE"),
                "totalWebhooks": len(states),
                "rateLimitStatus": RateLimitStatusOut(rate_limit_status(client)).data,
            }
        )

    @extend_schema(parameters=[UsageQuery], responses=UsageOut)
    def usage(self, request: Request, client_id: UUID) -> Response:
        client = self.client(client_id)
        extent = UsageRange.asked(self.validated(UsageQuery, request.query_params))
        return Response(UsageOut(client_usage(client, extent)).data)

    def _shown(self, client: ApiClient) -> dict[str, Any]:
        """A client in full, its webhook secret for those who may write it."""
        own = self.caller.may_write and client.webhook_secret_sealed
        context = {
            "secret": webhook_secret_of(client) if own else None,
            "subscriptions": _subscriptions([client.id]),
        }
        return dict(ClientOut(clients_with_keys().get(id=client.id), context=context).data)


class RateLimitViewSet(ClientApiViewSet):
    """The rate-limit tiers (contract 0.3)."""

    queryset = ApiClient.objects.none()
    serializer_class = RateLimitTiersOut
    scopes = {"list": ANY_KEY}

    @extend_schema(responses=RateLimitTiersOut)
    def list(self, request: Request) -> Response:
        rows = [
            {
                "tier": tier.upper(),
                "requestsPerMinute": limits.per_minute,
                "requestsPerHour": limits.per_hour,
                "requestsPerDay": limits.per_day,
            }
            for tier, limits in TIERS.items()
        ]
        return Response({"data": rows})


def _subscriptions(client_ids: list[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    return client_part_rows(WEBHOOK_SUBSCRIPTIONS, client_ids)
