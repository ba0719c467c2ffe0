"""Who may govern: people with an access token or a dashboard session, by their role."""

from typing import Any, ClassVar

from rest_framework.exceptions import MethodNotAllowed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from config.api.exceptions import Forbidden, Unauthorized
from credentials.access import person_in
from credentials.authentication import TokenHolder
from credentials.views.idempotent import PersonalViewSet
from partners.models import Organization, User
from partners.services.audit import Actor


class SignedIn(BasePermission):
    """Admit people whose action the view gives a role to; keys are refused."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if view.action is None:
            raise MethodNotAllowed(request.method or "")
        if not isinstance(request.auth, TokenHolder):
            raise Unauthorized("An access token or a dashboard session is required.")
        return view.action in view.roles


class GovernanceViewSet(PersonalViewSet):
    """An endpoint for people. `roles` maps each action to the roles that may; super-admins may all.

    The organization is named by `organizationId` (query or body), or is the person's only one.
    """

    permission_classes = (SignedIn,)
    roles: ClassVar[dict[str, tuple[str, ...]]] = {}
    admits_session = True
    # The person's, in the organization of this call.
    role = ""
    http_method_names = ("get", "head", "post", "patch", "delete")

    @property
    def user(self) -> User:
        return self.request.auth.user

    def actor(self) -> Actor:
        """The person in their role, as the audit trail names them; after `organization` has told it."""
        request: Any = self.request._request
        assert self.role
        return Actor(self.user.email, request.client_address, request.request_id, self.role)

    def organization(self, named: Any = None) -> Organization:
        """The organization this call is about, for the action's roles.

        Raises ValidationFailed (400) when it must be named, NotFound (404) for one the person has no
        part in, and Forbidden (403) for a role that may not.
        """
        organization, self.role = person_in(
            self.user, named or self.request.query_params.get("organizationId")
        )
        if self.role not in self.roles[self.action]:
            raise Forbidden("Your role does not allow this.", reason="missing_scope")
        return organization
