from django.db import migrations

from config.row_security import AppendOnly, TenantForeignKey, TenantTable

_TABLES = (
    "rewardterms",
    "exchangerate",
    "conversion",
    "conversionchange",
    "conversiontally",
    "payee",
    "payoutbatch",
    "payoutitem",
    "reward",
)


class Migration(migrations.Migration):
    """Row-level security of conversions, rewards and payouts; what happened to a conversion only grows."""

    dependencies = [("rewards", "0004_conversions_and_payouts")]

    operations = [
        *(TenantTable(f"rewards_{name}") for name in _TABLES),
        TenantForeignKey("rewards_conversion", "network_id", "catalog_affiliatenetwork"),
        TenantForeignKey("rewards_conversion", "campaign_id", "rewards_campaign"),
        TenantForeignKey("rewards_conversion", "offer_id", "catalog_offer"),
        TenantForeignKey(
            "rewards_conversion", "client_id", "partners_apiclient", on_delete="SET NULL (client_id)"
        ),
        TenantForeignKey("rewards_conversionchange", "conversion_id", "rewards_conversion"),
        TenantForeignKey("rewards_conversiontally", "offer_id", "catalog_offer", on_delete="CASCADE"),
        TenantForeignKey("rewards_payoutitem", "batch_id", "rewards_payoutbatch"),
        TenantForeignKey("rewards_payoutitem", "payee_id", "rewards_payee"),
        TenantForeignKey("rewards_reward", "conversion_id", "rewards_conversion"),
        TenantForeignKey("rewards_reward", "item_id", "rewards_payoutitem"),
        AppendOnly("rewards_conversionchange", "rewards_exchangerate"),
    ]
