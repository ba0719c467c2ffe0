"""What leads announce."""

from credentials.scopes import Scope
from leads.serializers import LeadOut
from webhooks.registry import EventType, event_type


def _declared(name: str, summary: str) -> EventType:
    return event_type(name, summary=summary, scope=Scope.LEADS_READ, payload=LeadOut)


LEAD_CREATED = _declared("lead.created", "A lead came in, through the API or the dashboard.")
LEAD_UPDATED = _declared("lead.updated", "A lead was changed, or merged (`mergedInto`).")
LEAD_QUALIFIED = _declared("lead.qualified", "A lead was found worth following up.")
LEAD_CONVERTED = _declared("lead.converted", "A lead became a customer.")
LEAD_REJECTED = _declared("lead.rejected", "A lead was turned down.")
