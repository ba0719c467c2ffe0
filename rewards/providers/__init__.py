"""Who carries money to payees: one interface, and a module for each provider."""

from rewards.providers.base import Order, PayoutProvider, PayoutRefused, Sent
from rewards.providers.stripe import StripeTransfers

# Those that are asked for each payout; a bank file is made for a whole batch (bank_file.py).
PROVIDERS: dict[str, type[PayoutProvider]] = {"stripe": StripeTransfers}

__all__ = ["PROVIDERS", "Order", "PayoutProvider", "PayoutRefused", "Sent"]
