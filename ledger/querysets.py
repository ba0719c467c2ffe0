"""Reads of the ledger's rows."""

from typing import Self

from partners.querysets import TenantQuerySet


class AccountQuerySet(TenantQuerySet):
    def of_payee(self, client_id: object, user_id: str) -> Self:
        """The accounts of a user of a client, or with "" of the client itself."""
        return self.filter(client_id=client_id, user_id=user_id)
