"""Every scope, named once. The label is the sentence shown in the docs and the dashboard."""

from django.db import models


class Scope(models.TextChoices):
    """What a credential may do."""

    LEADS_READ = "leads:read", "List and read leads"
    LEADS_WRITE = "leads:write", "Create and change leads"
    ASSIGNMENTS_READ = "assignments:read", "See which leads are offered to which agents"
    ASSIGNMENTS_WRITE = "assignments:write", "Offer leads to agents, and answer for them"
    QUOTES_READ = "quotes:read", "Read quotes"
    QUOTES_WRITE = "quotes:write", "Write, send and settle quotes"
    PROPOSALS_READ = "proposals:read", "Read proposals"
    PROPOSALS_WRITE = "proposals:write", "Write, send and settle proposals"
    POLICIES_READ = "policies:read", "Read policies"
    POLICIES_WRITE = "policies:write", "Issue, change, activate and cancel policies"
    BOOKINGS_READ = "bookings:read", "List and read bookings"
    BOOKINGS_WRITE = "bookings:write", "Create, reschedule and cancel bookings"
    INVENTORY_READ = "inventory:read", "See what is available and when"
    RENTALS_READ = "rentals:read", "Read rental orders"
    RENTALS_WRITE = "rentals:write", "Place and change rental orders"
    INVOICES_READ = "invoices:read", "Read invoices"
    COMPANIES_READ = "companies:read", "List companies"
    COMPANIES_WRITE = "companies:write", "Add companies"
    AGENTS_WRITE = "agents:write", "Add agents to companies"
    CALLS_WRITE = "calls:write", "Send in recorded calls for analysis"
    JOBS_READ = "jobs:read", "Follow jobs and read their results"
    REQUESTS_READ = "requests:read", "Follow requests"
    REQUESTS_WRITE = "requests:write", "Submit requests"
    OFFERS_READ = "offers:read", "Browse the offer catalogue"
    CAMPAIGNS_READ = "campaigns:read", "Read campaigns and their performance"
    CAMPAIGNS_WRITE = "campaigns:write", "Create and change campaigns"
    LINKS_WRITE = "links:write", "Create smart links"
    REWARDS_READ = "rewards:read", "Read rewards and payouts of users"
    CLIENTS_READ = "clients:read", "Read API clients"
    CLIENTS_WRITE = "clients:write", "Create and change API clients"
    KEYS_WRITE = "keys:write", "Issue and revoke API keys"
    WEBHOOKS_READ = "webhooks:read", "Read webhook subscriptions and deliveries"
    WEBHOOKS_WRITE = "webhooks:write", "Create and change webhook subscriptions"
    USAGE_READ = "usage:read", "Read usage figures"


# Whatever a partner's integration may need; managing clients and keys is not among it.
PARTNER_SCOPES: tuple[Scope, ...] = tuple(
    scope for scope in Scope if scope.split(":")[0] not in {"clients", "keys"}
)
