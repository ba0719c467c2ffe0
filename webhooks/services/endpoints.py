"""The health of endpoints: since when one fails, when it is disabled for it, and who is told."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from config import tenancy
from config.api.queue import enqueue
from partners.models import GOVERNORS, Membership
from partners.services.audit import Actor, audit_record
from webhooks.models import Delivery, Subscription

# So that a few failures of an endpoint that is seldom called are no sustained failure.
DISABLE_AFTER_ATTEMPTS = 20
DISPATCHER = Actor("webhook dispatcher")
# The hub's own faults, which say nothing about the endpoint.
_OURS = frozenset({"internal_error"})


def endpoints_note(*, results: Sequence[tuple[Subscription, str, bool]]) -> None:
    """Remember which subscriptions fail, and disable those whose receiver is gone or failing for too long.

    A result is the subscription as it was claimed, the attempt's error code (empty: success), and whether
    the receiver answered 410.
    """
    failures: Counter[UUID] = Counter()
    recovered, gone = set(), set()
    for subscription, error_code, is_gone in results:
        if is_gone:
            gone.add(subscription.id)
        if not error_code:
            recovered.add(subscription.id)
        elif error_code not in _OURS:
            failures[subscription.id] += 1
    noted = [one.id for one, _, _ in results if one.id in failures or one.failing_since]
    if not noted:
        return
    now = timezone.now()
    with tenancy.operator():
        for subscription in (
            Subscription.objects.select_for_update(no_key=True, of=("self",))
            .filter(id__in=noted)
            .order_by("id")
        ):
            failed = failures[subscription.id]
            if subscription.id in recovered:
                subscription.failing_since, subscription.failing_attempts = None, 0
            elif failed:
                subscription.failing_since = subscription.failing_since or now
                subscription.failing_attempts += failed
            subscription.save(update_fields=["failing_since", "failing_attempts"])
            if subscription.status == Subscription.Status.DISABLED:
                deliveries_cancel(subscription_id=subscription.id)  # what was under way when it was disabled
            elif subscription.id in gone:
                subscription_disable(
                    subscription=subscription, reason=Subscription.DisabledReason.GONE, actor=DISPATCHER
                )
            elif _fails_for_too_long(subscription):
                subscription_disable(
                    subscription=subscription, reason=Subscription.DisabledReason.FAILING, actor=DISPATCHER
                )


def _fails_for_too_long(subscription: Subscription) -> bool:
    patience = timedelta(seconds=settings.WEBHOOK_DISABLE_AFTER_S)
    return (
        subscription.failing_since is not None
        and subscription.failing_attempts >= DISABLE_AFTER_ATTEMPTS
        and timezone.now() - subscription.failing_since >= patience
    )


@transaction.atomic
def subscription_disable(*, subscription: Subscription, reason: str, actor: Actor) -> None:
    """Send this subscription nothing more; what waits for it is canceled, and can be sent again; audited.

    `subscription` is locked by the caller. Unless a person did it, the organization's owners and managers are
    told by e-mail. One that is disabled already stays as it is.
    """
    if subscription.status == Subscription.Status.DISABLED:
        return
    before = {"status": subscription.status, "disabled_reason": subscription.disabled_reason}
    subscription.status, subscription.disabled_reason = Subscription.Status.DISABLED, reason
    subscription.disabled_at = timezone.now()
    subscription.is_notice_due = reason != Subscription.DisabledReason.PERSON
    subscription.save(
        update_fields=["status", "disabled_reason", "disabled_at", "is_notice_due", "updated_at"]
    )
    deliveries_cancel(subscription_id=subscription.id)
    audit_record(
        actor=actor,
        action="subscription.disabled",
        target=subscription,
        organization_id=subscription.organization_id,
        before=before,
        after={"status": str(subscription.status), "disabled_reason": str(reason)},
    )
    if subscription.is_notice_due:
        enqueue("webhooks.tell_disabled")


def deliveries_cancel(*, subscription_id: UUID) -> int:
    """Cancel what waits for a subscription; what is being sent this moment ends as it ends."""
    now = timezone.now()
    waiting = Delivery.objects.open().filter(
        Q(lease_until=None) | Q(lease_until__lt=now), subscription_id=subscription_id
    )
    return waiting.update(status=Delivery.Status.CANCELED, lease_token=None, lease_until=None, updated_at=now)


def notices_send() -> int:
    """Tell the owners and managers of each subscription that the hub disabled; answers how many notices.

    Each in a transaction of its own, after its message went out: a crash in between tells them twice.
    """
    sent = 0
    while True:
        with tenancy.operator():
            subscription = (
                Subscription.objects.select_for_update(skip_locked=True, of=("self",))
                .filter(is_notice_due=True)
                .select_related("client", "organization")
                .order_by("disabled_at")
                .first()
            )
            if subscription is None:
                return sent
            _tell(subscription)
            Subscription.objects.filter(id=subscription.id).update(is_notice_due=False)
        sent += 1


def _tell(subscription: Subscription) -> None:
    governors = Membership.objects.filter(
        organization_id=subscription.organization_id, role__in=GOVERNORS, user__is_active=True
    )
    reason = {
        Subscription.DisabledReason.GONE: _("It answered 410 Gone."),
        Subscription.DisabledReason.FAILING: _("Every attempt has failed for too long."),
    }
    facts = {
        "url": subscription.url,
        "client": subscription.client.name,
        "environment": subscription.get_environment_display(),
        "reason": reason.get(Subscription.DisabledReason(subscription.disabled_reason), ""),
    }
    lines = (
        _("Partner Hub sends no more webhooks to %(url)s (%(client)s, %(environment)s)."),
        "%(reason)s",
        _("What waited for it was canceled. Once it works again, set it to active and send that again."),
    )
    # one message each, so that nobody learns another's address
    for address in governors.values_list("user__email", flat=True):
        EmailMessage(
            subject=" ".join((_("A webhook endpoint of %(client)s was disabled") % facts).split()),
            body="\n\n".join(line % facts for line in lines),
            to=[address],
        ).send()
