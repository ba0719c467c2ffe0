"""How a commission is divided: platform, partner, end user."""

from typing import NamedTuple

from catalog.models import WHOLE
from ledger.splitting import split


class Parts(NamedTuple):
    """Minor units of one currency, none negative."""

    platform: int = 0
    partner: int = 0
    user: int = 0

    @property
    def total(self) -> int:
        return sum(self)


def parts_of(
    commission_minor: int,
    *,
    share: int | None,
    flat_reward_minor: int | None,
    platform_share: int,
    has_partner: bool = True,
    has_user: bool = True,
) -> Parts:
    """The parts of a commission; they always sum to it.

    The user gets `share` of it (hundredths of a percent) or the flat reward, at most all there is. Of the
    rest the platform keeps its share of the whole, as far as the rest goes, and the partner gets what is
    left. Without a user the user's part is the partner's; without a partner all is the platform's.
    """
    if not has_partner:
        return Parts(platform=commission_minor)
    if share is not None:
        platform = min(platform_share, WHOLE - share)
        parts = Parts(*split(commission_minor, [platform, WHOLE - share - platform, share]))
    else:
        user = min(flat_reward_minor or 0, commission_minor)
        kept = split(commission_minor, [platform_share, WHOLE - platform_share])[0]
        platform = min(kept, commission_minor - user)
        parts = Parts(platform, commission_minor - user - platform, user)
    return parts if has_user else Parts(parts.platform, parts.partner + parts.user, 0)
