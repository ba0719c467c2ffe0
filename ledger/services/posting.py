"""The ledger's one writer."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import orjson
from django.db import connection
from uuid_utils.compat import uuid7

from config.statements import Call, TenantStatement
from ledger.exceptions import AnotherTransaction, Unbalanced
from ledger.models import AccountKey, Posting


class Line(NamedTuple):
    """One posting: debits are positive, credits negative."""

    account: AccountKey
    amount_minor: int


class Entry(NamedTuple):
    """A transaction to be posted. The same `idempotency_key` posts once."""

    kind: str
    idempotency_key: str
    lines: Sequence[Line]
    source_type: str = ""
    source_id: UUID | None = None
    description: str = ""


_ONCE = "ON CONFLICT (organization_id, environment, idempotency_key) DO NOTHING"
# One statement for all: accounts are opened where they are missing, and what was posted before stays away.
_POST = """
WITH entry AS (
  SELECT * FROM json_to_recordset(%(entries)s::json) AS e (
    id uuid, kind text, idempotency_key text, source_type text, source_id uuid, description text)
), line AS (
  SELECT * FROM json_to_recordset(%(lines)s::json) AS l (
    transaction_id uuid, account_id uuid, kind text, currency text, client_id uuid, user_id text,
    amount bigint)
), opened AS (
  INSERT INTO ledger_account
    (id, organization_id, environment, created_at, updated_at, kind, currency, client_id, user_id)
  SELECT DISTINCT account_id, %(organization)s::uuid, %(environment)s, now(), now(), kind, currency,
    client_id, user_id
  FROM line WHERE (SELECT known.id FROM ledger_account known WHERE known.id = line.account_id) IS NULL
  ORDER BY account_id
  ON CONFLICT DO NOTHING
), made AS (
  INSERT INTO ledger_transaction (id, organization_id, environment, created_at, updated_at, kind,
    idempotency_key, source_type, source_id, description)
  SELECT id, %(organization)s::uuid, %(environment)s, now(), now(), kind, idempotency_key, source_type,
    source_id, description
  FROM entry
  ON CONFLICT (organization_id, environment, idempotency_key) DO NOTHING RETURNING id
), posted AS (
  INSERT INTO ledger_posting
    (organization_id, environment, transaction_id, account_id, amount_minor, created_at)
  SELECT %(organization)s::uuid, %(environment)s, l.transaction_id, l.account_id, l.amount, now()
  FROM line l JOIN made ON made.id = l.transaction_id
)
SELECT id::text FROM made
"""
# As one call of a message (config/statements.py). A key that is known already is refused by its constraint.
_POST_CALL = TenantStatement(
    (_POST % {"entries": "$1", "lines": "$2", "organization": "$3", "environment": "$4"}).replace(_ONCE, ""),
    types=["text", "text", "uuid", "text"],
    generic=True,
)
_SAME = """
SELECT t.id FROM ledger_transaction t
WHERE t.organization_id = %s AND t.environment = %s AND t.idempotency_key = %s
"""


def transactions_post(*, organization_id: UUID, environment: str, entries: Sequence[Entry]) -> list[UUID]:
    """Post transactions in the caller's database transaction, by one statement; answers their ids in order.

    Lines of one account are joined, and lines of nothing left out. A key that is known already posts nothing:
    where its transaction has the same lines its id is answered, else AnotherTransaction (409) is raised.
    Raises Unbalanced (422) where a currency does not sum to zero; the database would refuse it at the commit,
    too, and whatever would turn a payee's account to the wrong side (django.db.IntegrityError).
    """
    ids = [uuid7() for _ in entries]
    joined = [_joined(entry.lines) for entry in entries]
    given, lines = _documents(organization_id, environment, ids, entries, joined)
    with connection.cursor() as cursor:
        cursor.execute(
            _POST,
            {
                "entries": given,
                "lines": lines,
                "organization": organization_id,
                "environment": environment,
            },
        )
        made = {UUID(found) for (found,) in cursor.fetchall()}
    if len(made) == len(ids):
        return ids
    return [
        identity if identity in made else _known(organization_id, environment, entry, by_account)
        for identity, entry, by_account in zip(ids, entries, joined, strict=True)
    ]


def transaction_post(*, organization_id: UUID, environment: str, entry: Entry) -> UUID:
    """`transactions_post` of one."""
    [identity] = transactions_post(organization_id=organization_id, environment=environment, entries=[entry])
    return identity


def posting_call(
    *, organization_id: UUID, environment: str, entries: Sequence[Entry]
) -> tuple[list[UUID], Call]:
    """Transactions that are new, as one call of the message that writes what they are for; and their ids.

    Their keys must be new: the message is refused otherwise (django.db.IntegrityError), as for whatever the
    database would refuse at the commit. Raises Unbalanced (422).
    """
    ids = [uuid7() for _ in entries]
    joined = [_joined(entry.lines) for entry in entries]
    documents = _documents(organization_id, environment, ids, entries, joined)
    return ids, Call(_POST_CALL, [*documents, str(organization_id), environment])


def _documents(
    organization_id: UUID,
    environment: str,
    ids: Sequence[UUID],
    entries: Sequence[Entry],
    joined: Sequence[Mapping[AccountKey, int]],
) -> tuple[str, str]:
    """Transactions and their lines as the statement reads them."""
    given = [
        {
            "id": str(identity),
            "kind": entry.kind,
            "idempotency_key": entry.idempotency_key,
            "source_type": entry.source_type,
            "source_id": entry.source_id and str(entry.source_id),
            "description": entry.description[:255],
        }
        for identity, entry in zip(ids, entries, strict=True)
    ]
    lines = [
        {
            "transaction_id": str(identity),
            "account_id": str(account.id_in(organization_id, environment)),
            "kind": account.kind,
            "currency": account.currency,
            "client_id": account.client_id and str(account.client_id),
            "user_id": account.user_id,
            "amount": amount,
        }
        for identity, by_account in zip(ids, joined, strict=True)
        for account, amount in by_account.items()
    ]
    return orjson.dumps(given).decode(), orjson.dumps(lines).decode()


def _joined(lines: Sequence[Line]) -> dict[AccountKey, int]:
    by_account: dict[AccountKey, int] = {}
    by_currency: dict[str, int] = {}
    for account, amount in lines:
        by_account[account] = by_account.get(account, 0) + amount
        by_currency[account.currency] = by_currency.get(account.currency, 0) + amount
    found = {account: amount for account, amount in by_account.items() if amount}
    if any(by_currency.values()) or not found:
        raise Unbalanced
    return found


def _known(organization_id: UUID, environment: str, entry: Entry, by_account: dict[AccountKey, int]) -> UUID:
    with connection.cursor() as cursor:
        cursor.execute(_SAME, [organization_id, environment, entry.idempotency_key])
        [identity] = cursor.fetchone()
    before = dict(Posting.objects.filter(transaction_id=identity).values_list("account_id", "amount_minor"))
    wanted = {account.id_in(organization_id, environment): amount for account, amount in by_account.items()}
    if before != wanted:
        raise AnotherTransaction(idempotencyKey=entry.idempotency_key)
    return identity
