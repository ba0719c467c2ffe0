"""Foreign keys point down; every tenant table is under forced row-level security."""

from django.apps import apps
from django.db import connection, transaction

from config import tenancy
from partners.models import Organization, TenantModel
from tests.conftest import owner_connection
from tests.factories import make_key, make_organization
from tests.partner import Partner

RANK = {
    "partners": 0,
    "credentials": 1,
    "oauth": 2,
    "webhooks": 2,
    "jobs": 3,
    "catalog": 4,
    "leads": 5,
    "rewards": 5,
    "pipeline": 6,
    "storefronts": 6,
}


def test_foreign_keys_point_downwards():
    """A string ForeignKey is no import, so import-linter cannot see it."""
    for model in apps.get_models():
        source = model._meta.app_label
        for field in model._meta.get_fields():
            if source in RANK and field.is_relation and field.concrete:
                target = field.related_model._meta.app_label
                if target != source and target in RANK:
                    assert RANK[target] < RANK[source], f"{model.__name__}.{field.name}"


def tenant_tables():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity FROM pg_class c"
            " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organization_id'"
            " WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace"
        )
        return dict(cursor.fetchall()) | {"partners_organization": True}


def test_every_table_with_an_organization_forces_row_level_security():
    tables = tenant_tables()
    assert len(tables) > 12
    assert [name for name, forced in tables.items() if not forced] == []


def test_every_tenant_model_refers_to_its_neighbours_with_the_tenant_in_the_key():
    """PostgreSQL checks foreign keys past the policies, so the key itself must carry the tenant."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.relname, a.attname, array_length(k.conkey, 1) FROM pg_constraint k"
            " JOIN pg_class t ON t.oid = k.conrelid"
            " JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY (k.conkey)"
            " WHERE k.contype = 'f'"
        )
        composite = {(table, column) for table, column, width in cursor.fetchall() if width >= 2}
    for model in apps.get_models():
        if not issubclass(model, TenantModel):
            continue
        for field in model._meta.concrete_fields:
            target = field.related_model
            if target and issubclass(target, TenantModel):
                assert (model._meta.db_table, field.column) in composite, f"{model.__name__}.{field.name}"


def filled_tables():
    """Rows of two tenants in every table a first day of use fills."""
    partner = Partner(make_key(make_organization()))
    partner.lead_post("once")
    company = partner.post("/companies/create", {"name": "Northwind"}).json()
    agent = {"name": "Sarah", "email": "sarah@n.example"}
    partner.post(f"/companies/{company['id']}/agents/create", agent)
    call = {"audio_file": "UklGRg==", "company_id": company["id"]}
    assert partner.post("/calls/analyze", call).status_code == 202
    with owner_connection() as owner:
        return [
            name for name in tenant_tables() if owner.execute(f'SELECT 1 FROM "{name}" LIMIT 1').fetchone()
        ]


def test_raw_sql_without_a_context_sees_no_row_of_any_tenant_table():
    filled = filled_tables()
    assert {"leads_lead", "partner_api_keys", "async_jobs", "partners_organization"} <= set(filled)
    with connection.cursor() as cursor:
        for table in filled:
            cursor.execute(f'SELECT count(*) FROM "{table}"')
            assert cursor.fetchone() == (0,), table


def test_a_context_ends_with_its_transaction():
    organization = make_organization()
    with tenancy.tenant(organization.id):
        assert Organization.objects.count() == 1
        with tenancy.operator():
            assert Organization.objects.count() >= 1
        assert Organization.objects.get() == organization
    assert Organization.objects.count() == 0


def test_a_context_ends_inside_a_longer_transaction_too():
    make_organization()
    with transaction.atomic():
        with tenancy.operator():
            assert Organization.objects.exists()
        assert not Organization.objects.exists()


def test_a_refused_inner_context_gives_the_outer_one_back():
    organization, other = make_organization(), make_organization()
    with tenancy.tenant(organization.id):
        try:
            with tenancy.tenant(other.id):
                raise ValueError
        except ValueError:
            pass
        assert Organization.objects.get() == organization


def test_a_row_of_another_tenant_cannot_be_written():
    mine, theirs = make_organization(), make_organization()
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege('partners_auditentry', 'DELETE')")
        assert cursor.fetchone() == (False,)
    partner = Partner(make_key(theirs))
    lead = partner.lead_post().json()
    with tenancy.tenant(mine.id, "sandbox"), connection.cursor() as cursor:
        cursor.execute("UPDATE leads_lead SET name = 'taken' WHERE id = %s", [lead["id"]])
        assert cursor.rowcount == 0
