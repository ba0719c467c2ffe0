"""The totals of lists, kept by triggers: always what COUNT would say."""

from concurrent.futures import ThreadPoolExecutor

from django.db import connection, transaction

from config import tenancy
from leads.models import Lead
from tests.conftest import owner_connection


def totals(partner):
    return {
        status: partner.leads(**({"status": status} if status else {})).json()["pagination"]["total"]
        for status in ("", "new", "qualified", "rejected")
    }


def test_totals_follow_creation_change_and_deletion(partner):
    ids = [partner.lead_post(email=f"{n}@a.example").json()["id"] for n in range(4)]
    assert totals(partner) == {"": 4, "new": 4, "qualified": 0, "rejected": 0}
    with tenancy.operator():
        Lead.objects.filter(id__in=ids[:2]).update(status="qualified")
        Lead.objects.filter(id=ids[2]).update(status="rejected")
    assert totals(partner) == {"": 4, "new": 1, "qualified": 2, "rejected": 1}
    with tenancy.operator():
        Lead.objects.filter(id__in=ids[1:3]).delete()
    assert totals(partner) == {"": 2, "new": 1, "qualified": 1, "rejected": 0}


def test_what_was_rolled_back_is_not_counted(partner):
    partner.lead_post()
    with tenancy.operator(), transaction.atomic():
        Lead.objects.all().delete()
        transaction.set_rollback(True)
    with tenancy.operator(), transaction.atomic():
        Lead.objects.update(status="qualified")
        transaction.set_rollback(True)
    assert totals(partner) == {"": 1, "new": 1, "qualified": 0, "rejected": 0}


def test_another_tenants_rows_are_not_counted(partner, other_partner):
    partner.lead_post()
    assert totals(other_partner)[""] == 0


def test_a_total_is_known_beyond_the_last_page_too(partner):
    partner.lead_post()
    beyond = partner.leads(page=9).json()
    assert (beyond["data"], beyond["pagination"]["total"]) == ([], 1)
    assert beyond["pagination"]["nextCursor"] is None


def test_concurrent_writers_neither_lose_a_row_nor_wait_for_one_another(partner):
    """A writer that has not committed holds nobody up."""

    def post(number):
        try:
            return partner.lead_post(email=f"{number}@a.example").status_code
        finally:
            connection.close()

    with owner_connection() as other:
        other.autocommit = False
        other.execute("SET LOCAL lock_timeout = '2s'")
        other.execute(
            "INSERT INTO leads_lead (id, organization_id, environment, name, email, phone, email_normalized,"
            " phone_normalized, source, notes, status, created_at, updated_at)"
            " SELECT uuidv7(), %s, 'sandbox', 'x', '', '', 'x', '', '', '', 'new', now(), now()"
            " FROM generate_series(1, 5)",
            [partner.organization_id],
        )
        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(post, range(40), timeout=30)) == {201}
        assert totals(partner)[""] == 40
        other.commit()
    assert totals(partner)[""] == 45
