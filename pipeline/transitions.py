"""What may follow what:

for each thing in the pipeline its states, and the steps that lead from one to another.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.exceptions import InvalidTransition


@dataclass(frozen=True, slots=True)
class Machine:
    """`table` maps each state to its steps, and each step to the state behind it.

    Steps in `by_itself` are the sweep's; nobody may ask for them.
    """

    noun: str
    table: Mapping[str, Mapping[str, str]]
    by_itself: frozenset[str] = frozenset()

    def allowed(self, status: str) -> list[str]:
        """The steps that one may ask for."""
        return [step for step in self.table[status] if step not in self.by_itself]

    def after(self, status: str, step: str) -> str:
        """The state that `step` leads to. Raises InvalidTransition (409)."""
        steps = self.table[status]
        if step not in steps:
            raise self.refused(status)
        return steps[step]

    def refused(self, status: str) -> InvalidTransition:
        return InvalidTransition(
            f"The {self.noun} is {status.replace('_', ' ')}.", status=status, allowed=self.allowed(status)
        )


ASSIGNMENTS = Machine(
    "assignment",
    {
        "offered": {"accept": "accepted", "reject": "rejected", "time_out": "timed_out"},
        # an agent may give a lead back
        "accepted": {"reject": "rejected"},
        "rejected": {},
        "timed_out": {},
    },
    frozenset({"time_out"}),
)
QUOTES = Machine(
    "quote",
    {
        "draft": {"update": "draft", "send": "sent"},
        "sent": {"accept": "accepted", "reject": "rejected", "revise": "superseded", "expire": "expired"},
        "accepted": {},
        "rejected": {"revise": "superseded"},
        "expired": {"revise": "superseded"},
        "superseded": {},
    },
    frozenset({"expire"}),
)
PROPOSALS = Machine(
    "proposal",
    {
        "draft": {"update": "draft", "send": "sent"},
        "sent": {"accept": "accepted", "reject": "rejected", "link": "sent", "expire": "expired"},
        "accepted": {},
        "rejected": {},
        "expired": {},
    },
    frozenset({"expire"}),
)
POLICIES = Machine(
    "policy",
    {
        "pending": {"update": "pending", "activate": "active", "cancel": "cancelled", "expire": "expired"},
        "active": {"update": "active", "cancel": "cancelled", "expire": "expired"},
        "cancelled": {},
        "expired": {},
    },
    frozenset({"expire"}),
)
