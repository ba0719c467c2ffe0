"""What leads announce."""

from credentials.scopes import Scope
from leads.serializers import LeadOut
from webhooks.registry import event_type

LEAD_CREATED = event_type(
    "lead.created",
    summary="A lead came in, through the API or the dashboard.",
    scope=Scope.LEADS_READ,
    payload=LeadOut,
)
