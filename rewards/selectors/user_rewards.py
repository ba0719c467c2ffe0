"""What a partner's user has earned. In the tenant's context."""

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet, Sum

from ledger.selectors import balances_of
from rewards.accounts import debt_of
from rewards.models import Reward

Status = Reward.Status


def user_rewards(
    organization_id: UUID, environment: str, *, client_id: UUID | None, user_id: str
) -> QuerySet[Reward]:
    """A user's rewards; `client_id` None is whoever sees the whole organization."""
    rows = Reward.objects.for_organization(organization_id, environment).filter(
        kind=Reward.Kind.USER, user_id=user_id
    )
    if client_id:
        rows = rows.filter(client_id=client_id)
    return rows.select_related("conversion", "item")


def user_totals(
    organization_id: UUID, environment: str, *, client_id: UUID, user_id: str
) -> list[dict[str, Any]]:
    """A user's sums by currency: queued, paid, and what the user owes."""
    rows = user_rewards(organization_id, environment, client_id=client_id, user_id=user_id)
    found = (
        rows.order_by("currency")
        .values("currency")
        .annotate(
            queued_minor=Sum("amount_minor", filter=Q(status__in=(Status.QUEUED, Status.FAILED)), default=0),
            paid_minor=Sum("amount_minor", filter=Q(status=Status.PAID), default=0),
        )
    )
    totals = list(found)
    debts = balances_of(
        [debt_of(row["currency"], client_id, user_id) for row in totals],
        organization_id=organization_id,
        environment=environment,
    )
    return [row | {"debt_minor": debts[debt_of(row["currency"], client_id, user_id)]} for row in totals]
