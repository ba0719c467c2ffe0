"""Exchange rates, and the terms an organization shares commissions by. They need the tenant's context."""

from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from uuid import UUID

from rewards.models import ExchangeRate, RewardTerms
from rewards.postbacks import precision

_DIGITS = Decimal("0.0000000001")


def terms_of(organization_id: UUID, environment: str) -> RewardTerms:
    """An organization's terms; the defaults where it has set none."""
    found = RewardTerms.objects.for_organization(organization_id, environment).first()
    return found or RewardTerms(organization_id=organization_id, environment=environment)


def rate_of(
    organization_id: UUID, environment: str, *, source: str, target: str, at: datetime
) -> Decimal | None:
    """What one `source` was in `target` at a moment, also by the rate the other way; None for none known."""
    if source == target:
        return Decimal(1)
    rows = ExchangeRate.objects.for_organization(organization_id, environment).filter(valid_from__lte=at)
    newest = rows.order_by("-valid_from", "-id").values_list("rate", flat=True)
    found = newest.filter(source=source, target=target).first()
    if found is not None:
        return found
    found = newest.filter(source=target, target=source).first()
    return None if found is None else (1 / found).quantize(_DIGITS, rounding=ROUND_HALF_EVEN) or None


def converted(amount_minor: int, rate: Decimal, *, source: str, target: str) -> int:
    """Minor units of `source` as minor units of `target`, rounded half to even."""
    exact = Decimal(amount_minor) * rate * Decimal(10) ** (precision(target) - precision(source))
    return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
