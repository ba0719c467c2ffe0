"""Refusals of the ledger."""

from config.api.exceptions import BusinessRule, Conflict


class AnotherTransaction(Conflict):
    """409: the idempotency key belongs to a transaction with other postings."""

    message = "This key belongs to another transaction."


class Unbalanced(BusinessRule):
    """422: the postings of a transaction do not sum to zero in each currency."""

    message = "The postings do not sum to zero."

    def __init__(self) -> None:
        super().__init__(reason="unbalanced")
