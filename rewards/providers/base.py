"""What a provider of payouts must do."""

from typing import NamedTuple, Protocol


class Order(NamedTuple):
    """One payout to make.

    `key` is its own for ever, and the provider makes one payout of it however
    often it is asked. `account` is the payee's at the provider.
    """

    key: str
    amount_minor: int
    currency: str
    account: str
    description: str


class Sent(NamedTuple):
    """The provider has it: `reference` is its name for the payout."""

    reference: str


class PayoutRefused(Exception):
    """The provider will not make this payout, and has not: the sentence says why."""


class PayoutProvider(Protocol):
    """A provider that is asked for each payout by HTTP.

    Both raise config.outbound.errors.OutboundError while nobody knows what came of it: it is asked again.
    """

    def outcome(self, order: Order) -> Sent | None:
        """What came of an order that may have been sent before; None where the provider has nothing of it."""

    def send(self, order: Order) -> Sent:
        """Make the payout. Raises PayoutRefused."""
