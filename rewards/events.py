"""What rewards announce."""

from credentials.scopes import Scope
from rewards.serializers.rewards import RewardOut
from webhooks.registry import EventType, event_type


def _declared(name: str, summary: str) -> EventType:
    return event_type(name, summary=summary, scope=Scope.REWARDS_READ, payload=RewardOut)


REWARD_QUEUED = _declared(
    "reward.queued", "A user has earned a reward; it is paid once its `available_at` is over."
)
REWARD_ADJUSTED = _declared("reward.adjusted", "The amount of a reward that is not paid yet changed.")
REWARD_PAID = _declared("reward.paid", "A reward was paid out.")
REWARD_FAILED = _declared("reward.failed", "A reward's payout failed; a later one pays it.")
REWARD_REVERSED = _declared(
    "reward.reversed",
    "A reward was taken back; with `debt_minor` it had been paid, and later ones pay it.",
)
