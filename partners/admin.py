"""Ops' view of organizations, people, clients, companies and the audit trail."""

from django.contrib import admin
from django.http import HttpRequest

from config.admin_site import ReadOnlyAdmin
from partners.models import Agent, ApiClient, AuditEntry, Company, Membership, Organization, User


class MembershipInline(admin.TabularInline):
    model = Membership
    extra = 0
    can_delete = False
    readonly_fields = ("user", "role", "created_at")

    def has_add_permission(self, request: HttpRequest, obj: Organization | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Organization | None = None) -> bool:
        return True


@admin.register(Organization)
class OrganizationAdmin(ReadOnlyAdmin):
    list_display = ("name", "slug", "status", "region", "created_at")
    list_filter = ("status", "region")
    search_fields = ("name", "slug", "id")
    inlines = (MembershipInline,)


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    list_display = ("email", "full_name", "is_active", "is_staff", "is_superuser", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("email", "full_name")
    exclude = ("password",)


@admin.register(ApiClient)
class ApiClientAdmin(ReadOnlyAdmin):
    list_display = ("name", "organization", "environment", "status", "rate_limit_tier", "created_at")
    list_filter = ("environment", "status", "rate_limit_tier")
    list_select_related = ("organization",)
    search_fields = ("name", "contact_email", "organization__name", "id")
    exclude = ("webhook_secret_sealed", "previous_webhook_secret_sealed")


@admin.register(Company)
class CompanyAdmin(ReadOnlyAdmin):
    list_display = ("name", "industry", "organization", "environment", "created_at")
    list_filter = ("environment",)
    list_select_related = ("organization",)
    search_fields = ("name", "industry", "organization__name", "id")


@admin.register(Agent)
class AgentAdmin(ReadOnlyAdmin):
    list_display = ("name", "email", "company", "environment", "created_at")
    list_filter = ("environment",)
    list_select_related = ("company",)
    search_fields = ("name", "email", "company__name", "id")


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "actor",
        "action",
        "target_label",
        "organization",
        "ip",
        "request_id",
    )
    list_filter = ("action", "created_at")
    list_select_related = ("organization",)
    search_fields = ("actor", "action", "target_label", "target_id", "request_id")
    date_hierarchy = "created_at"
