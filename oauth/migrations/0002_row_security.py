from django.db import migrations

from config.row_security import TenantForeignKey, TenantTable

_TABLES = (
    "oauth_application",
    "oauth_clientsecret",
    "oauth_authorization",
    "oauth_grant",
    "oauth_accesstoken",
    "oauth_refreshtoken",
)
_APPLICATION, _AUTHORIZATION = "oauth_application", "oauth_authorization"


def _cascade(table: str, column: str, target: str) -> TenantForeignKey:
    # a client that is deleted takes all of it along
    return TenantForeignKey(table, column, target, on_delete="CASCADE")


class Migration(migrations.Migration):
    """Forced row-level security, and foreign keys that carry the tenant."""

    dependencies = [("oauth", "0001_initial"), ("partners", "0009_api_client_version")]

    operations = [
        *(TenantTable(table) for table in _TABLES),
        _cascade("oauth_application", "api_client_id", "partners_apiclient"),
        *(_cascade(table, "application_id", _APPLICATION) for table in _TABLES[1:]),
        *(_cascade(table, "authorization_id", _AUTHORIZATION) for table in _TABLES[3:]),
    ]
