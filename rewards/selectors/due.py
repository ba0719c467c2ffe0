"""What could be paid out now."""

from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Sum
from django.utils import timezone

from rewards.models import Payee, Reward


def due_of(organization_id: UUID) -> list[dict[str, Any]]:
    """Sums of rewards whose hold is over, by environment and currency; `payable` of them have details."""
    payees = Payee.objects.filter(
        organization_id=OuterRef("organization_id"),
        environment=OuterRef("environment"),
        client_id=OuterRef("client_id"),
        user_id=OuterRef("user_id"),
    )
    rows = Reward.objects.for_organization(organization_id).filter(
        status__in=(Reward.Status.QUEUED, Reward.Status.FAILED), item=None, available_at__lte=timezone.now()
    )
    found = rows.annotate(known=Exists(payees)).order_by("environment", "currency")
    sums: dict[tuple[str, str], dict[str, Any]] = {}
    for row in found.values("environment", "currency", "known").annotate(
        total=Sum("amount_minor"), n=Count("id")
    ):
        key = (row["environment"], row["currency"])
        one = sums.setdefault(
            key,
            {"environment": key[0], "currency": key[1], "total": 0, "payable": 0, "n": 0},
        )
        one["total"] += row["total"]
        one["n"] += row["n"]
        if row["known"]:
            one["payable"] += row["total"]
    return list(sums.values())
