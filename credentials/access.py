"""Contract D: who calls, as a person or with a key, and which API clients they reach."""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from config import tenancy
from config.api.exceptions import Forbidden, NotFound, Unauthorized, ValidationFailed
from credentials.authentication import TokenHolder
from credentials.idempotency import idempotency_begin, idempotency_begin_for_person, idempotency_store
from credentials.permissions import scope_check
from credentials.scopes import Scope
from credentials.services.authority import CLIENT_KEY, ORGANIZATION_KEY
from credentials.snapshots import Snapshot
from credentials.views.idempotent import WRITES, PersonalViewSet, Replay
from partners.models import GOVERNORS, READERS, ApiClient, Membership, Organization, User
from partners.services.audit import Actor


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls in an organization: a person in their role, or a key.

    `environment` is a key's own and "any" for people; `client_id` is the one client that a key reaches, and
    None where every client of the organization is reached.
    """

    actor: Actor
    organization_id: UUID
    environment: str
    client_id: UUID | None = None
    # Whether they may change clients, and so see what only writers should: webhook secrets.
    may_write: bool = False


def client_for(request: Request, client_id: UUID, scope: str) -> tuple[Caller, ApiClient]:
    """The caller and the client they name, if they reach it.

    A key needs `scope`, and reaches its own client, or with `organization_wide` all of its organization's in
    its environment. People reach their organizations' clients: members to read, owners and managers to write,
    super-admins everywhere. Raises Unauthorized (401), NotFound or ApiClient.DoesNotExist (404) for what they
    do not reach, and Forbidden (403) without the scope or the role.
    """
    credential = request.auth
    if isinstance(credential, Snapshot):
        if scope not in credential.scopes:
            raise Forbidden(
                f"The key lacks the scope {scope}.", reason="missing_scope", requiredScope=str(scope)
            )
        caller = key_caller(request, credential)
        if caller.client_id not in (None, client_id):
            raise NotFound
        with tenancy.tenant(caller.organization_id, caller.environment):
            return caller, ApiClient.objects.get(id=client_id)
    if not isinstance(credential, TokenHolder):
        raise Unauthorized
    with tenancy.operator():
        client = ApiClient.objects.get(id=client_id)
        role = role_in(credential.user, client.organization_id)
    if not role:
        raise NotFound
    return person_caller(request, client.organization_id, role), client


def organization_for(request: Request, named: Any) -> Caller:
    """The caller in the organization called `named`, or in the person's or the key's only one.

    Raises ValidationFailed (400) when a person must name it, NotFound (404) for one they have no part in,
    Forbidden (403) for a role that may not, and for a key of another organization (tenant_mismatch).
    """
    credential = request.auth
    if isinstance(credential, Snapshot):
        if named and str(named).lower() != credential.organization:
            raise Forbidden("The key belongs to another organization.", reason="tenant_mismatch")
        return key_caller(request, credential)
    if not isinstance(credential, TokenHolder):
        raise Unauthorized
    organization, role = person_in(credential.user, named)
    return person_caller(request, organization.id, role)


def person_in(user: User, named: Any) -> tuple[Organization, str]:
    """The organization called `named` (None: the person's only one) and their role in it.

    Super-admins are owners everywhere. Raises ValidationFailed (400) and NotFound (404).
    """
    named = str(named or "").lower()
    with tenancy.operator():
        if user.is_superuser:
            owner = str(Membership.Role.OWNER)
            found = [(organization, owner) for organization in _named(Organization.objects.all(), named)[:2]]
        else:
            mine = Membership.objects.select_related("organization").filter(user=user)
            found = [(m.organization, m.role) for m in mine if not named or str(m.organization_id) == named]
    if named and not found:
        raise NotFound("There is no such organization.")
    if len(found) != 1:
        raise ValidationFailed(organizationId=["Name the organization."])
    return found[0]


def key_caller(request: Any, key: Snapshot) -> Caller:
    """A key as the caller: it hands out no scope that it does not hold."""
    role = ORGANIZATION_KEY if key.organization_wide else CLIENT_KEY
    return Caller(
        _actor(request, key.key_id, role, key.scopes),
        key.organization_id,
        key.environment,
        None if key.organization_wide else key.client_id,
        may_write=Scope.CLIENTS_WRITE in key.scopes,
    )


def person_caller(
    request: Any,
    organization_id: UUID,
    role: str,
    *,
    environment: str = tenancy.ANY_ENVIRONMENT,
    readers: tuple[str, ...] = READERS,
) -> Caller:
    """The person of a request as the caller: `readers` to read, owners and managers to write.

    Raises Forbidden (403) for a role that may not.
    """
    if role not in (GOVERNORS if request.method in WRITES else readers):
        raise Forbidden("Your role does not allow this.", reason="missing_scope")
    actor = _actor(request, request.credential.user.email, role)
    return Caller(actor, organization_id, environment, may_write=role in GOVERNORS)


def _actor(request: Any, name: str, role: str, scopes: frozenset[str] = frozenset()) -> Actor:
    return Actor(name, request.client_address, request.request_id, role, scopes)


def role_in(user: User, organization_id: UUID) -> str:
    """A person's role in an organization, "" for none. Needs the operator context."""
    if user.is_superuser:
        return Membership.Role.OWNER
    roles = Membership.objects.filter(user=user, organization_id=organization_id)
    return roles.values_list("role", flat=True).first() or ""


def _named(rows: Any, named: Any) -> Any:
    if not named:
        return rows
    try:
        return rows.filter(id=UUID(str(named)))
    except ValueError:
        return rows.none()


class KeyOrPerson(BasePermission):
    """Admit keys with the action's scope, and everybody's access tokens: their role is asked for later."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if view.action is None:
            raise MethodNotAllowed(request.method or "")
        if not isinstance(request.auth, TokenHolder):
            scope_check(request.auth, view)
        return view.action in view.scopes


class ClientApiViewSet(PersonalViewSet):
    """An endpoint of contract D. `scopes` maps each action to the Scope that a key needs for it.

    One transaction holds check, effect and answer. `client()` or `organization()` sets `caller`, and opens
    the tenant's context for the rest of it. An answer of 400 or more rolls everything back; a write that
    carries an Idempotency-Key is done once.
    """

    permission_classes = (KeyOrPerson,)
    scopes: ClassVar[dict[str, str]] = {}
    http_method_names = ("get", "head", "post", "put", "delete")
    lookup_value_converter = "uuid"
    caller: Caller
    _contexts: ExitStack

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with transaction.atomic(), ExitStack() as self._contexts:
            response = super(PersonalViewSet, self).dispatch(request, *args, **kwargs)
            if isinstance(response, Response):
                response.render()
            if response.status_code >= 400:
                transaction.set_rollback(True)
            elif self._guard and not self._guard.replay:
                idempotency_store(self._guard, response)
        return response

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super(PersonalViewSet, self).initial(request, *args, **kwargs)
        credential = request.auth
        if isinstance(credential, Snapshot):
            self._enter(credential.organization_id, credential.environment)
            if request.method in WRITES:
                # these answers show secrets, which not every key of the client may know
                self._guard = idempotency_begin(
                    request._request, credential=credential, required=False, secret=True
                )
        elif request.method in WRITES:
            self._guard = idempotency_begin_for_person(request._request, user=credential.user)
        if self._guard and self._guard.replay:
            raise Replay

    def client(self, client_id: UUID) -> ApiClient:
        """The client that the call names; `caller` is set from here on. Raises as `client_for` does."""
        self.caller, client = client_for(self.request, client_id, self.scopes[self.action])
        if isinstance(self.request.auth, TokenHolder):
            self._enter(client.organization_id, client.environment)
        return client

    def organization(self, named: Any = None) -> Caller:
        """The caller, in the organization that the call names. Raises as `organization_for` does."""
        self.caller = organization_for(self.request, named or self.request.query_params.get("organizationId"))
        if isinstance(self.request.auth, TokenHolder):
            self._enter(self.caller.organization_id, self.caller.environment)
        return self.caller

    def validated(self, serializer_class: type[BaseSerializer], data: Any = None, **given: Any) -> Any:
        """The request's body (or `data`) as the serializer's clean values. Raises ValidationError (400)."""
        serializer = serializer_class(data=self.request.data if data is None else data, **given)
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data

    def _enter(self, organization_id: UUID, environment: str) -> None:
        self._contexts.enter_context(tenancy.tenant(organization_id, environment))
