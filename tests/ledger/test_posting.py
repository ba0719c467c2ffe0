"""The books balance, once, whatever the code does; nobody changes them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, connection
from django.utils import timezone

from config import tenancy
from ledger.exceptions import AnotherTransaction, Unbalanced
from ledger.models import Account, AccountKey, Kind, Posting, Transaction
from ledger.selectors import balances_of, statement_lines, statement_page
from ledger.services.posting import Line
from ledger.services.upkeep import book_reconcile, statements_checkpoint
from tests.conftest import owner_connection
from tests.factories import SANDBOX, make_organization
from tests.ledger.conftest import CLIENT, RECEIVABLE, REVENUE, USER, earned


def balances(organization, *keys):
    with tenancy.tenant(organization.id, SANDBOX):
        return list(balances_of(keys, organization_id=organization.id, environment=SANDBOX).values())


def count(organization):
    with tenancy.tenant(organization.id, SANDBOX):
        return Transaction.objects.count(), Posting.objects.count()


def write(organization, lines, to=None):
    """Rows past the service, as a mistake of ours would write them."""
    given = {"organization_id": organization.id, "environment": SANDBOX, "created_at": timezone.now()}
    with tenancy.tenant(organization.id, SANDBOX):
        if to is None:
            to = Transaction.objects.create(kind="adjustment", idempotency_key="x", **given).id
        for account, amount in lines:
            Posting.objects.create(transaction_id=to, account=account, amount_minor=amount, **given)


def test_a_transaction_moves_balances_of_their_natural_sign(organization, post):
    post(earned(1000, user=300), earned(10, user=4))
    assert balances(organization, RECEIVABLE, REVENUE, USER) == [1010, 706, 304]


def test_the_same_key_posts_once_and_answers_the_same_transaction(organization, post):
    entry = earned(1000, user=300)
    assert post(entry) == post(entry)
    assert count(organization) == (1, 3)
    with pytest.raises(AnotherTransaction):
        post(entry._replace(lines=[Line(RECEIVABLE, 5), Line(REVENUE, -5)]))
    assert balances(organization, RECEIVABLE, USER) == [1000, 300]


def test_the_same_key_posted_by_many_at_once_posts_once(organization, post):
    entry = earned(1000, user=300)

    def once(_):
        try:
            return post(entry)
        finally:
            connection.close()

    with ThreadPoolExecutor(12) as pool:
        answers = {tuple(answer) for answer in pool.map(once, range(24))}
    assert len(answers) == 1
    assert balances(organization, RECEIVABLE, USER) == [1000, 300]


def test_many_at_once_lose_nothing_of_a_shared_balance(organization, post):
    def once(_):
        try:
            return [post(earned(7, user=2)) for _ in range(10)]
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(once, range(16)))
    assert balances(organization, RECEIVABLE, REVENUE, USER) == [1120, 800, 320]
    assert book_reconcile(organization_id=organization.id, environment=SANDBOX).differences == []


def test_what_does_not_sum_to_zero_in_each_currency_is_refused(organization, post):
    dollars = AccountKey(Kind.PLATFORM_REVENUE, "USD")
    for lines in ([Line(RECEIVABLE, 5)], [Line(RECEIVABLE, 5), Line(dollars, -5)], []):
        with pytest.raises(Unbalanced):
            post(earned(1)._replace(lines=lines))
    assert count(organization) == (0, 0)


def test_the_database_itself_refuses_it_at_the_commit(organization, post):
    post(earned(1000))
    with tenancy.tenant(organization.id, SANDBOX):
        account = Account.objects.get(kind=Kind.NETWORK_RECEIVABLE)
    with pytest.raises(IntegrityError, match="sum to zero"):
        write(organization, [(account, 5)])
    with pytest.raises(IntegrityError, match="sum to zero"):
        write(organization, [])
    assert count(organization) == (1, 2)


def rows_read(cursor):
    """How often this session read transactions and postings whole, and how many rows of them by index."""
    cursor.execute(
        "SELECT pg_stat_get_xact_numscans(one),"
        " (SELECT sum(pg_stat_get_xact_tuples_returned(indexrelid))::int FROM pg_index WHERE indrelid = one)"
        " FROM unnest(ARRAY['ledger_transaction', 'ledger_posting']::regclass[]) AS one"
    )
    return cursor.fetchall()


def test_what_judges_postings_reads_no_more_as_the_books_grow(organization, post):
    """A session keeps the plans of its triggers, also those that it made while the tables were small."""
    with owner_connection() as owner:
        owner.execute("ANALYZE ledger_transaction, ledger_posting, ledger_account")
    for number in range(30):
        user = USER._replace(user_id=f"user-{number}")
        post(earned(1000)._replace(lines=[Line(RECEIVABLE, 1000), Line(user, -1000)]))
    with tenancy.tenant(organization.id, SANDBOX), connection.cursor() as cursor:
        before = rows_read(cursor)
        post(earned(10, user=4))
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        # for each of three postings its transaction; and these three for their transaction
        assert rows_read(cursor) == [(whole, rows + 3) for whole, rows in before]


def test_no_posting_joins_a_transaction_of_before_even_in_pairs(organization, post):
    [identity] = post(earned(1000))
    with tenancy.tenant(organization.id, SANDBOX):
        account = Account.objects.get(kind=Kind.NETWORK_RECEIVABLE)
    with pytest.raises(IntegrityError, match="sum to zero"):
        write(organization, [(account, 5), (account, -5)], to=identity)
    assert count(organization) == (1, 2)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_posting SET amount_minor = amount_minor * 2",
        "DELETE FROM ledger_posting",
        "UPDATE ledger_transaction SET description = 'other'",
        "DELETE FROM ledger_transaction",
        "TRUNCATE ledger_posting",
        "UPDATE ledger_account SET user_id = 'other'",
        "UPDATE ledger_balance SET balance_minor = 0",
        "DELETE FROM ledger_balance",
        "UPDATE ledger_checkpoint SET balance_minor = 0",
    ],
)
def test_the_application_role_can_neither_change_nor_delete(organization, post, statement):
    post(earned(1000, user=300))
    with (
        pytest.raises(DatabaseError, match="permission denied"),
        tenancy.tenant(organization.id),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert balances(organization, RECEIVABLE, USER) == [1000, 300]


def test_not_even_the_owner_changes_a_posting(organization, post):
    post(earned(1000))
    with owner_connection() as owner, pytest.raises(psycopg.errors.CheckViolation, match="append-only"):
        owner.execute("UPDATE ledger_posting SET amount_minor = 1")


def test_a_users_account_never_turns_to_the_other_side(organization, post):
    post(earned(1000, user=300))
    with pytest.raises(IntegrityError, match="other side"):
        post(earned(0)._replace(lines=[Line(USER, 301), Line(REVENUE, -301)]))
    assert balances(organization, USER, REVENUE) == [300, 700]


def test_another_tenant_sees_nothing_of_it(organization, post):
    post(earned(1000))
    other = make_organization()
    with tenancy.tenant(other.id, SANDBOX):
        assert not Transaction.objects.exists()
        assert not Posting.objects.exists()
        assert not Account.objects.exists()
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM ledger_balance")
            assert cursor.fetchone() == (0,)


def test_a_statement_pages_by_key_with_the_balance_after_each_posting(organization, post):
    amounts = [100, 250, 3, 40, 5000, 7, 81, 9]
    for amount in amounts:
        post(earned(amount))
    checked = []
    with tenancy.tenant(organization.id, SANDBOX):
        account = Account.objects.get(kind=Kind.NETWORK_RECEIVABLE)
    for closes in (False, True):
        if closes:
            assert statements_checkpoint(every=3) == 4  # two of each of the two accounts
        seen, before = [], None
        with tenancy.tenant(organization.id, SANDBOX):
            while True:
                lines, before = statement_page(account, before=before, limit=3)
                seen += lines
                if before is None:
                    break
            assert list(statement_lines(account)) == seen
        checked.append(seen)
        assert [line.amount_minor for line in reversed(seen)] == amounts
        assert [line.balance_minor for line in reversed(seen)] == [
            sum(amounts[: n + 1]) for n in range(len(amounts))
        ]
    assert checked[0] == checked[1]
    assert statements_checkpoint(every=3) == 0


def test_a_statement_of_a_time_keeps_the_running_balance(organization, post):
    post(earned(100))
    since = timezone.now()
    post(earned(20))
    until = timezone.now()
    post(earned(3))
    with tenancy.tenant(organization.id, SANDBOX):
        account = Account.objects.get(kind=Kind.NETWORK_RECEIVABLE)
        [line], more = statement_page(account, since=since, until=until)
        assert (line.amount_minor, line.balance_minor, more) == (20, 120, None)
        assert statement_page(account, since=timezone.now() + timedelta(days=1)) == ([], None)
        assert statement_page(account, until=since - timedelta(days=1)) == ([], None)


def tampered(statement):
    """What only somebody with the owner's login can do, triggers off."""
    with owner_connection() as owner, owner.transaction():
        owner.execute("ALTER TABLE ledger_posting DISABLE TRIGGER USER")
        owner.execute(statement)
        owner.execute("ALTER TABLE ledger_posting ENABLE TRIGGER USER")


@pytest.mark.parametrize(
    ("statement", "check"),
    [
        (
            "UPDATE ledger_balance SET balance_minor = balance_minor - 1 WHERE balance_minor = -304",
            {"balance_differs"},
        ),
        ("DELETE FROM ledger_balance WHERE balance_minor = -304", {"balance_differs"}),
        (
            "UPDATE ledger_posting SET amount_minor = amount_minor + 1 WHERE amount_minor > 0",
            {"balance_differs", "transaction_unbalanced", "checkpoint_differs"},
        ),
        ("UPDATE ledger_checkpoint SET balance_minor = 7", {"checkpoint_differs"}),
        (
            "UPDATE ledger_balance SET balance_minor = 5 WHERE balance_minor = -304",
            {"balance_differs", "wrong_side"},
        ),
    ],
)
def test_reconciliation_finds_what_does_not_agree(organization, post, statement, check):
    post(earned(1000, user=300), earned(10, user=4))
    assert statements_checkpoint(every=1)
    assert book_reconcile(organization_id=organization.id, environment=SANDBOX).differences == []
    tampered(statement)
    found = book_reconcile(organization_id=organization.id, environment=SANDBOX).differences
    assert {difference["check"] for difference in found} == check


def test_an_account_belongs_to_whom_its_kind_says(organization, post):
    for wrong in (AccountKey(Kind.USER_PAYABLE, "EUR", CLIENT), AccountKey(Kind.CASH, "EUR", CLIENT)):
        with pytest.raises(IntegrityError, match="ledger_account_owner"):
            post(earned(0)._replace(lines=[Line(wrong, -5), Line(RECEIVABLE, 5)]))
    assert count(organization) == (0, 0)
