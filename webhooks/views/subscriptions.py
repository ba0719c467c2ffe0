"""Contract D: a client's webhook subscriptions, their deliveries and replays."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import HTTP_200_OK, HTTP_201_CREATED, HTTP_202_ACCEPTED, HTTP_204_NO_CONTENT

from config.api.exceptions import Forbidden, ValidationFailed
from config.api.pagination import ListQuery, filter_dates, list_envelope, paginate
from credentials.access import ClientApiViewSet
from credentials.scopes import Scope
from credentials.snapshots import Snapshot
from webhooks.models import Delivery, Replay, Subscription
from webhooks.registry import events_covered
from webhooks.selectors import attempts_of, subscriptions_counted
from webhooks.serializers import (
    DeliveryDetail,
    DeliveryOut,
    DeliveryQuery,
    NewSubscriptionOut,
    ReplayIn,
    ReplayOut,
    RotatedSecretOut,
    RotateSecretIn,
    SubscriptionChanges,
    SubscriptionIn,
    SubscriptionOut,
    SubscriptionRow,
)
from webhooks.services.deliveries import delivery_resend
from webhooks.services.replays import replay_cancel, replay_start
from webhooks.services.subscriptions import (
    NewSecret,
    subscription_create,
    subscription_delete,
    subscription_secret_rotate,
    subscription_test,
    subscription_update,
)

_BY_TIME = {"createdAt": "created_at"}
_SORTABLE = _BY_TIME | {"updatedAt": "updated_at", "url": "url", "status": "status"}


class SubscriptionViewSet(ClientApiViewSet):
    """The webhook subscriptions of an API client."""

    queryset = Subscription.objects.none()
    serializer_class = SubscriptionOut
    scopes = {
        "list": Scope.WEBHOOKS_READ,
        "create": Scope.WEBHOOKS_WRITE,
        "retrieve": Scope.WEBHOOKS_READ,
        "update": Scope.WEBHOOKS_WRITE,
        "destroy": Scope.WEBHOOKS_WRITE,
        "rotate_secret": Scope.WEBHOOKS_WRITE,
        "test": Scope.WEBHOOKS_WRITE,
    }

    @extend_schema(parameters=[ListQuery], responses=list_envelope("WebhookList", SubscriptionRow))
    def list(self, request: Request, client_id: UUID) -> Response:
        query = self.validated(ListQuery, request.query_params)
        rows: Any = filter_dates(Subscription.objects.filter(client=self.client(client_id)), query)
        rows = _with_status(rows, query, Subscription.Status.values)
        if "search" in query:
            rows = rows.matching(query["search"])
        found, pagination = paginate(rows, query, sortable=_SORTABLE)
        data = self._shown(SubscriptionRow, subscriptions_counted(found), many=True)
        return Response({"data": data, "pagination": pagination})

    @extend_schema(request=SubscriptionIn, responses={HTTP_201_CREATED: NewSubscriptionOut})
    def create(self, request: Request, client_id: UUID) -> Response:
        client = self.client(client_id)
        terms = self.validated(SubscriptionIn)
        self._events_check(terms["event_types"])
        made = subscription_create(client=client, actor=self.caller.actor, **terms)
        return Response(self._with_secret(made), status=HTTP_201_CREATED)

    @extend_schema(responses=SubscriptionRow)
    def retrieve(self, request: Request, client_id: UUID, webhook_id: UUID) -> Response:
        subscription = self._subscription(client_id, webhook_id)
        return Response(self._shown(SubscriptionRow, subscriptions_counted([subscription])[0]))

    @extend_schema(request=SubscriptionChanges, responses=SubscriptionOut)
    def update(self, request: Request, client_id: UUID, webhook_id: UUID) -> Response:
        subscription = self._subscription(client_id, webhook_id)
        changes = self.validated(SubscriptionChanges, instance=subscription, partial=True)
        self._events_check(changes.get("event_types", subscription.event_types))
        changed = subscription_update(
            subscription_id=subscription.id, changes=changes, actor=self.caller.actor
        )
        return Response(self._shown(SubscriptionOut, changed))

    @extend_schema(responses={HTTP_204_NO_CONTENT: None})
    def destroy(self, request: Request, client_id: UUID, webhook_id: UUID) -> Response:
        subscription = self._subscription(client_id, webhook_id)
        subscription_delete(subscription_id=subscription.id, actor=self.caller.actor)
        return Response(status=HTTP_204_NO_CONTENT)

    @extend_schema(request=RotateSecretIn, responses=RotatedSecretOut)
    def rotate_secret(self, request: Request, client_id: UUID, webhook_id: UUID) -> Response:
        subscription = self._subscription(client_id, webhook_id)
        grace_s = self.validated(RotateSecretIn)["graceSeconds"]
        rotated = subscription_secret_rotate(
            subscription_id=subscription.id, actor=self.caller.actor, grace_s=grace_s
        )
        return Response(self._with_secret(rotated))

    @extend_schema(request=None, responses={HTTP_202_ACCEPTED: DeliveryOut})
    def test(self, request: Request, client_id: UUID, webhook_id: UUID) -> Response:
        subscription = self._subscription(client_id, webhook_id)
        delivery = subscription_test(subscription_id=subscription.id, actor=self.caller.actor)
        return Response(DeliveryOut(delivery).data, status=HTTP_202_ACCEPTED)

    def _subscription(self, client_id: UUID, webhook_id: UUID) -> Subscription:
        return Subscription.objects.get(id=webhook_id, client=self.client(client_id))

    def _events_check(self, patterns: Iterable[str]) -> None:
        """A key has nothing sent, here or elsewhere, that it could not read. Raises Forbidden (403)."""
        if lacking := _scopes_lacking(self.request.auth, patterns):
            raise Forbidden(
                f"The key lacks the scope {lacking[0]} of an event it asks for.",
                reason="missing_scope",
                requiredScope=lacking[0],
            )

    def _may_change(self, subscription: Subscription) -> bool:
        credential = self.request.auth
        if not isinstance(credential, Snapshot):
            return self.caller.may_write
        lacking = _scopes_lacking(credential, subscription.event_types)
        return Scope.WEBHOOKS_WRITE in credential.scopes and not lacking

    def _shown(self, serializer: type[SubscriptionOut], found: Any, **given: Any) -> Any:
        return serializer(found, context={"may_change": self._may_change}, **given).data

    def _with_secret(self, made: NewSecret) -> dict[str, Any]:
        return {**self._shown(SubscriptionOut, made.subscription), "secret": made.secret}


class DeliveryViewSet(ClientApiViewSet):
    """The deliveries of a subscription."""

    queryset = Delivery.objects.none()
    serializer_class = DeliveryOut
    scopes = {
        "list": Scope.WEBHOOKS_READ,
        "retrieve": Scope.WEBHOOKS_READ,
        "resend": Scope.WEBHOOKS_WRITE,
    }

    @extend_schema(parameters=[DeliveryQuery], responses=list_envelope("DeliveryList", DeliveryOut))
    def list(self, request: Request, client_id: UUID, webhook_id: UUID) -> Response:
        query = self.validated(DeliveryQuery, request.query_params)
        rows: Any = filter_dates(self._deliveries(client_id, webhook_id), query)
        rows = _with_status(rows, query, Delivery.Status.values)
        if "eventType" in query:
            rows = rows.filter(event_type=query["eventType"])
        if "search" in query:
            rows = rows.filter(webhook_id=query["search"])
        found, pagination = paginate(rows, query, sortable=_BY_TIME)
        return Response({"data": DeliveryOut(found, many=True).data, "pagination": pagination})

    @extend_schema(responses=DeliveryDetail)
    def retrieve(self, request: Request, client_id: UUID, webhook_id: UUID, delivery_id: UUID) -> Response:
        delivery = self._deliveries(client_id, webhook_id).get(id=delivery_id)
        delivery.attempts = attempts_of(delivery)
        return Response(DeliveryDetail(delivery).data)

    @extend_schema(request=None, responses={HTTP_202_ACCEPTED: DeliveryOut})
    def resend(self, request: Request, client_id: UUID, webhook_id: UUID, delivery_id: UUID) -> Response:
        delivery = self._deliveries(client_id, webhook_id).get(id=delivery_id)
        sent = delivery_resend(delivery_id=delivery.id, actor=self.caller.actor)
        return Response(DeliveryOut(sent).data, status=HTTP_202_ACCEPTED)

    def _deliveries(self, client_id: UUID, webhook_id: UUID) -> Any:
        subscription = Subscription.objects.get(id=webhook_id, client=self.client(client_id))
        return Delivery.objects.filter(subscription=subscription)


class ReplayViewSet(ClientApiViewSet):
    """The replays of a subscription."""

    queryset = Replay.objects.none()
    serializer_class = ReplayOut
    scopes = {
        "list": Scope.WEBHOOKS_READ,
        "create": Scope.WEBHOOKS_WRITE,
        "retrieve": Scope.WEBHOOKS_READ,
        "destroy": Scope.WEBHOOKS_WRITE,
    }

    @extend_schema(parameters=[ListQuery], responses=list_envelope("ReplayList", ReplayOut))
    def list(self, request: Request, client_id: UUID, webhook_id: UUID) -> Response:
        query = self.validated(ListQuery, request.query_params)
        rows: Any = filter_dates(self._replays(client_id, webhook_id), query)
        rows = _with_status(rows, query, Replay.Status.values)
        found, pagination = paginate(rows, query, sortable=_BY_TIME)
        return Response({"data": ReplayOut(found, many=True).data, "pagination": pagination})

    @extend_schema(request=ReplayIn, responses={HTTP_202_ACCEPTED: ReplayOut})
    def create(self, request: Request, client_id: UUID, webhook_id: UUID) -> Response:
        subscription = Subscription.objects.get(id=webhook_id, client=self.client(client_id))
        wanted = self.validated(ReplayIn)
        replay = replay_start(subscription_id=subscription.id, actor=self.caller.actor, **wanted)
        return Response(ReplayOut(replay).data, status=HTTP_202_ACCEPTED)

    @extend_schema(responses=ReplayOut)
    def retrieve(self, request: Request, client_id: UUID, webhook_id: UUID, replay_id: UUID) -> Response:
        return Response(ReplayOut(self._replays(client_id, webhook_id).get(id=replay_id)).data)

    @extend_schema(
        description="Cancel a replay: what it took already is sent.", responses={HTTP_200_OK: ReplayOut}
    )
    def destroy(self, request: Request, client_id: UUID, webhook_id: UUID, replay_id: UUID) -> Response:
        replay = self._replays(client_id, webhook_id).get(id=replay_id)
        return Response(ReplayOut(replay_cancel(replay_id=replay.id, actor=self.caller.actor)).data)

    def _replays(self, client_id: UUID, webhook_id: UUID) -> Any:
        subscription = Subscription.objects.get(id=webhook_id, client=self.client(client_id))
        return Replay.objects.filter(subscription=subscription)


def _scopes_lacking(credential: Any, patterns: Iterable[str]) -> list[str]:
    """The scopes of these events that a key does not hold; people hold all."""
    if not isinstance(credential, Snapshot):
        return []
    return sorted({str(kind.scope) for kind in events_covered(patterns)} - credential.scopes)


def _with_status(rows: Any, query: dict[str, Any], states: list[str]) -> Any:
    if "status" not in query:
        return rows
    if query["status"].upper() not in states:
        raise ValidationFailed(status=[f"Choose one of: {', '.join(states)}."])
    return rows.filter(status=query["status"].upper())
