"""Contract D: endpoints of a tenant's rows, for keys by their scope and for people by their role."""

from contextlib import ExitStack
from typing import Any, ClassVar
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.exceptions import MethodNotAllowed

from config import tenancy
from config.api.exceptions import Forbidden, NotFound, Unauthorized, ValidationFailed
from config.tenancy import Environment
from credentials.access import Caller, key_caller, person_caller, person_in, role_in
from credentials.authentication import TokenHolder
from credentials.idempotency import Guard, idempotency_begin_for_person
from credentials.serializers.tenants import TenantNamed
from credentials.viewsets import WRITES, PartnerRequest, PartnerViewSet
from partners.models import READERS, User
from partners.services.audit import Actor

# fields hold no request's state, so one instance validates for every thread
_TENANT = TenantNamed()
_NAMES = frozenset(_TENANT.fields)


class TenantApiViewSet(PartnerViewSet):
    """An endpoint of a tenant's rows: for keys as any, and for people's access tokens.

    A person's call with a row's id in its path is about that row, in its organization and environment. Any
    other is about the organization that `organizationId` names (None: the person's only one), in the
    `environment` it names (None: production). Query or body may name them.

    Owners and managers write, `readers` read; super-admins both, everywhere. What is `made_in`
    ANY_ENVIRONMENT is in that of the row it is made for.
    """

    readers: ClassVar[tuple[str, ...]] = READERS
    made_in: ClassVar[str] = Environment.PRODUCTION
    names_tenant = True
    _person: Caller | None = None
    _contexts: ExitStack | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        action = self.action_map.get((request.method or "").lower())
        is_person = isinstance(getattr(request, "credential", None), TokenHolder)
        if not is_person or action in self.opens_no_transaction:
            return super().dispatch(request, *args, **kwargs)
        with transaction.atomic(), ExitStack() as self._contexts:
            return self.settled(super(PartnerViewSet, self).dispatch(request, *args, **kwargs))

    def admit(self, request: Any) -> None:
        if not isinstance(request.credential, TokenHolder):
            super().admit(request)
            return
        if self.action is None:
            raise MethodNotAllowed(request.method or "")
        if self.action not in self.scopes:
            raise Unauthorized
        self._person = self._person_of(request, request.credential.user)
        if self._contexts is not None:
            tenant = tenancy.tenant(self._person.organization_id, self._person.environment)
            self._contexts.enter_context(tenant)

    def check_tenant(self, request: Any) -> None:
        own = {"organizationId": self.credential.organization_id, "environment": self.credential.environment}
        for name, value in _named(request).items():
            if value != own[name]:
                what = name.removesuffix("Id")
                raise Forbidden(f"The key belongs to another {what}.", reason="tenant_mismatch")

    def guard(self, request: PartnerRequest) -> Guard | None:
        if self._person is None:
            return super().guard(request)
        person: Any = request.auth
        return idempotency_begin_for_person(request._request, user=person.user)

    def validated(self, *args: Any, **given: Any) -> dict[str, Any]:
        # who names the tenant was heard before
        return {
            name: value for name, value in super().validated(*args, **given).items() if name not in _NAMES
        }

    @property
    def actor(self) -> Actor:
        """Who acts, as history and audit trail name them."""
        return (self._person or key_caller(self.request, self.credential)).actor

    @property
    def organization_id(self) -> UUID:
        return self._person.organization_id if self._person else self.credential.organization_id

    @property
    def environment(self) -> str:
        return self._person.environment if self._person else self.credential.environment

    @property
    def client_id(self) -> UUID | None:
        """The key's API client; a person has none."""
        return None if self._person else self.credential.client_id

    @property
    def bound(self) -> UUID | None:
        """The one company that a key is bound to."""
        return None if self._person else self.credential.company_id

    def _person_of(self, request: Any, user: User) -> Caller:
        named = _named(request)
        row_id = next(iter(self.kwargs.values()), None)
        if row_id is not None:
            organization_id, environment, role = self._of_row(row_id, user, named)
        else:
            organization, role = person_in(user, named.get("organizationId"))
            organization_id = organization.id
            usual = self.made_in if request.method in WRITES else Environment.PRODUCTION
            environment = named.get("environment", usual)
        return person_caller(request, organization_id, role, environment=environment, readers=self.readers)

    def _of_row(self, row_id: UUID, user: User, named: dict[str, Any]) -> tuple[UUID, str, str]:
        """The tenant of a row, and the person's role there. One they have no part in is not there (404)."""
        rows: Any = super(PartnerViewSet, self).get_queryset()  # everybody's
        with tenancy.operator():
            tenant = rows.filter(id=row_id).values_list("organization_id", "environment").first()
            role = role_in(user, tenant[0]) if tenant else ""
        if not role:
            raise NotFound
        organization_id, environment = tenant
        found = {"organizationId": organization_id, "environment": environment}
        if any(found[name] != value for name, value in named.items()):
            raise NotFound
        return organization_id, environment, role


def _named(request: Any) -> dict[str, Any]:
    """What query and body say of the tenant: `organizationId`, `environment`, neither, or one.

    Raises ValidationError (400) for what is no tenant's, and ValidationFailed (400) where they differ.
    """
    found = _TENANT.run_validation(request.GET) if not _NAMES.isdisjoint(request.GET) else {}
    if request.method in WRITES and isinstance(request.data, dict):
        said = {name: request.data[name] for name in _NAMES if name in request.data}
        for name, value in _TENANT.run_validation(said).items():
            if found.setdefault(name, value) != value:
                raise ValidationFailed.of({name: ["Query and body name two different ones."]})
    return found
