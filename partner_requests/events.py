"""What partner requests announce."""

from credentials.scopes import Scope
from partner_requests.serializers import PartnerRequestOut, PartnerRequestRow
from webhooks.registry import event_type

REQUEST_COMPLETED = event_type(
    "request.completed",
    summary="A request was completed.",
    scope=Scope.REQUESTS_READ,
    payload=PartnerRequestOut,
)
REQUEST_FAILED = event_type(
    "request.failed",
    summary="A request failed.",
    scope=Scope.REQUESTS_READ,
    payload=PartnerRequestOut,
)
REQUEST_SLA_BREACHED = event_type(
    "request.sla_breached",
    summary="A request was not settled within its target time.",
    scope=Scope.REQUESTS_READ,
    payload=PartnerRequestRow,
)
