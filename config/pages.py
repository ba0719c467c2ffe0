"""What every dashboard page shows around its content."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from partners.models import User
from partners.pages import reach_of


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context of the dashboard's frame: navigation of what this person may open, and warnings."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or not request.path.startswith("/dashboard"):
        return {}
    reach = reach_of(request)
    organization = reach.organization if reach else None
    entries = [("dashboard-home", _("Overview"), "home")]
    if user.is_superuser:
        entries += [
            ("partner-api-list", _("API keys"), "key"),
            ("dashboard-usage", _("Usage"), "chart"),
            ("dashboard-requests", _("Requests"), "list"),
            ("dashboard-partner-requests", _("Partner requests"), "check"),
            ("dashboard-leads", _("Leads"), "person"),
            ("dashboard-bookings", _("Bookings"), "calendar"),
            ("dashboard-rentals", _("Rentals"), "box"),
            ("dashboard-campaigns", _("Campaigns"), "megaphone"),
            ("dashboard-invoices", _("Invoices"), "receipt"),
            ("dashboard-conversions", _("Conversions"), "coins"),
            ("dashboard-ledger", _("Ledger"), "scale"),
            ("dashboard-calls", _("Calls"), "phone"),
            ("dashboard-jobs", _("Jobs"), "cpu"),
            ("dashboard-webhooks", _("Webhooks"), "send"),
            ("organization-list", _("Organizations"), "building"),
            ("dashboard-monitoring", _("Monitoring"), "pulse"),
            ("dashboard-audit", _("Audit trail"), "shield"),
        ]
    elif organization:
        entries += [
            ("keys-list", _("API keys"), "key"),
            ("dashboard-usage", _("Usage"), "chart"),
            ("dashboard-requests", _("Requests"), "list"),
            ("dashboard-partner-requests", _("Partner requests"), "check"),
            ("dashboard-leads", _("Leads"), "person"),
            ("dashboard-bookings", _("Bookings"), "calendar"),
            ("dashboard-rentals", _("Rentals"), "box"),
            ("dashboard-campaigns", _("Campaigns"), "megaphone"),
            ("dashboard-invoices", _("Invoices"), "receipt"),
            ("dashboard-conversions", _("Conversions"), "coins"),
            ("dashboard-ledger", _("Ledger"), "scale"),
            ("dashboard-calls", _("Calls"), "phone"),
            ("dashboard-webhooks", _("Webhooks"), "send"),
            ("organization-detail", _("Organization"), "building"),
            ("dashboard-monitoring", _("Monitoring"), "pulse"),
            ("dashboard-audit", _("Audit trail"), "shield"),
        ]
    nav = []
    for name, label, icon in entries:
        here = [organization.pk] if organization and name == "organization-detail" else None
        url = reverse(name, args=here)
        active = request.path == url if name == "dashboard-home" else request.path.startswith(url)
        nav.append({"label": label, "url": url, "icon": icon, "active": active})
    return {"nav": nav, "hub_reach": reach, "hub_warnings": _warnings(user), "hub_version": settings.VERSION}


def _warnings(user: User) -> list[str]:
    """What is not as it should be on a host that others reach; what only its operators can mend, for them."""
    warnings = []
    if not settings.PARTNER_API_ENABLED:
        warnings.append(_("The partner API is switched off: every partner endpoint answers 503."))
    if user.is_superuser and settings.OUTBOUND_ALLOW_LOOPBACK:
        warnings.append(
            _("Development: webhooks and audio may be on this machine (OUTBOUND_ALLOW_LOOPBACK).")
        )
    if user.is_superuser and not settings.SECOND_FACTOR_REQUIRED:
        warnings.append(_("Development: super-admins may sign in without a second factor."))
    return warnings
