"""Reads of keys and of the request log."""

from typing import Self

from django.apps import apps
from django.db.models import F, OuterRef, Q, Subquery
from django.utils import timezone

from partners.querysets import TenantQuerySet


class ApiKeyQuerySet(TenantQuerySet):
    """Keys; `state` is the status with expiry taken into account."""

    def in_state(self, state: str) -> Self:
        """Keys that are active (and not expired), suspended, revoked or expired."""
        expired = Q(expires_at__lte=timezone.now())
        if state == "expired":
            return self.filter(expired, status="active")
        if state == "active":
            return self.exclude(expired).filter(status="active")
        return self.filter(status=state)

    def with_last_four(self) -> Self:
        """Annotate `last_four` of the newest secret, and the names that lists show."""
        secrets = apps.get_model("credentials", "ApiKeySecret").objects.filter(api_key=OuterRef("pk"))
        return self.annotate(
            last_four=Subquery(secrets.order_by("-created_at").values("last_four")[:1]),
            organization_name=F("organization__name"),
            company_name=F("company__name"),
        )


class RequestLogQuerySet(TenantQuerySet):
    """Requests of the log."""

    def with_person(self) -> Self:
        """Annotate `person`: the e-mail of who called by access token; None for keys and accounts gone."""
        users = apps.get_model("partners", "User").objects.filter(pk=OuterRef("user_id"))
        return self.annotate(person=Subquery(users.values("email")[:1]))
