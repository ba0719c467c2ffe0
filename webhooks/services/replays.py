"""Replays: a subscription's past deliveries sent again, in the background, batch by batch."""

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from config import tenancy
from config.api.queue import enqueue
from partners.services.audit import Actor, audit_record
from webhooks.exceptions import ReplayRunning, SubscriptionNotActive
from webhooks.models import Delivery, Replay, Subscription
from webhooks.querysets import DeliveryQuerySet
from webhooks.services.wake import dispatcher_wake

BATCH = 500


@transaction.atomic
def replay_start(*, subscription_id: UUID, since: datetime, only: str, actor: Actor) -> Replay:
    """Send again what was sent to a subscription since then; ids and bodies stay as they were.

    Each delivery gets the subscription's attempts once more. What is still being tried is left alone.
    A replay of an endpoint that is disabled meanwhile is canceled.
    Raises Subscription.DoesNotExist (404), SubscriptionNotActive and ReplayRunning (409).
    """
    subscription = Subscription.objects.select_for_update(of=("self",)).get(id=subscription_id)
    if subscription.status != Subscription.Status.ACTIVE:
        raise SubscriptionNotActive
    replay = Replay(
        organization_id=subscription.organization_id,
        environment=subscription.environment,
        subscription=subscription,
        since=since,
        only=only,
        total=0,
    )
    replay.total = _wanted(replay).count()
    if not replay.total:
        replay.status, replay.completed_at = Replay.Status.COMPLETED, timezone.now()
    try:
        with transaction.atomic():
            replay.save(force_insert=True)
    except IntegrityError as error:
        raise ReplayRunning from error
    audit_record(
        actor=actor,
        action="subscription.replayed",
        target=subscription,
        organization_id=subscription.organization_id,
        after={"since": since.isoformat(), "only": str(only), "deliveries": replay.total},
    )
    enqueue("webhooks.replay")
    return replay


@transaction.atomic
def replay_cancel(*, replay_id: UUID, actor: Actor) -> Replay:
    """Send no more of a replay; what it took already is sent. One that ended stays as it is.

    Raises Replay.DoesNotExist (404).
    """
    replay = Replay.objects.select_for_update(of=("self",)).get(id=replay_id)
    if replay.status == Replay.Status.RUNNING:
        replay.status, replay.completed_at = Replay.Status.CANCELED, timezone.now()
        replay.save(update_fields=["status", "completed_at", "updated_at"])
        audit_record(
            actor=actor,
            action="subscription.replay_canceled",
            target=replay,
            organization_id=replay.organization_id,
            after={"replayed": replay.replayed},
        )
    return replay


def replays_continue() -> None:
    """Go on with every replay until none is left. Two workers at once take turns, and none is taken twice."""
    while _batch():
        pass


def replays_are_running() -> bool:
    """Whether a replay waits for a worker, or has one."""
    with tenancy.operator():
        return Replay.objects.filter(status=Replay.Status.RUNNING).exists()


def _batch() -> bool:
    """Take the next deliveries of the replay that waited longest, in one transaction; False without any."""
    with tenancy.operator():
        running = Replay.objects.select_for_update(skip_locked=True, of=("self",))
        replay = running.filter(status=Replay.Status.RUNNING).order_by("updated_at").first()
        if replay is None:
            return False
        subscription = Subscription.objects.only("status", "max_retries").get(id=replay.subscription_id)
        if subscription.status == Subscription.Status.DISABLED:
            # what it took was canceled, and the rest would wait for nobody
            replay.status, replay.completed_at = Replay.Status.CANCELED, timezone.now()
            replay.save(update_fields=["status", "completed_at", "updated_at"])
            return True
        ids = list(_wanted(replay).order_by("id").values_list("id", flat=True)[:BATCH])
        now = timezone.now()
        # what began to be tried since is left out by the status
        replay.replayed += (
            _wanted(replay)
            .filter(id__in=ids)
            .update(
                status=Delivery.Status.RETRYING,
                max_attempts=F("attempt_count") + subscription.max_retries + 1,
                next_attempt_at=now,
                delivered_at=None,
                updated_at=now,
            )
        )
        if ids:
            replay.behind_id = ids[-1]
        if len(ids) < BATCH:
            replay.status, replay.completed_at = Replay.Status.COMPLETED, now
        replay.save()
        dispatcher_wake()
    return True


def _wanted(replay: Replay) -> DeliveryQuerySet:
    """What the replay has still to take: settled deliveries that were there when it was asked for."""
    settled = [Delivery.Status.FAILED, Delivery.Status.CANCELED]
    if replay.only == Replay.Only.ALL:
        settled.append(Delivery.Status.DELIVERED)
    rows = Delivery.objects.filter(
        subscription_id=replay.subscription_id,
        status__in=settled,
        created_at__gte=replay.since,
        created_at__lte=replay.created_at,
    )
    return rows.filter(id__gt=replay.behind_id) if replay.behind_id else rows
