"""The request type ONBOARDING: a partner tells who it is."""

from datetime import timedelta
from typing import Any

from partner_requests.models import Onboarding, PartnerRequest
from partner_requests.registry import request_type
from partner_requests.serializers import OnboardingIn


@request_type("ONBOARDING", payload=OnboardingIn, target=timedelta(minutes=15))
def onboard(request: PartnerRequest, data: dict[str, Any]) -> dict[str, Any]:
    """Record the partner's data; a later onboarding replaces an earlier one."""
    onboarding, is_new = Onboarding.objects.update_or_create(
        client_id=request.client_id,
        defaults={
            "organization_id": request.organization_id,
            "environment": request.environment,
            **data,
        },
    )
    return {"onboardingId": str(onboarding.id), "companyName": onboarding.company_name, "isNew": is_new}
