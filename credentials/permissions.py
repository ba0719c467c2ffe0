"""May they: the scope that a view declares for each action."""

from typing import Any

from rest_framework.exceptions import MethodNotAllowed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from config.api.exceptions import Forbidden, Unauthorized
from credentials.snapshots import Snapshot


class HasScope(BasePermission):
    """Admit a key that holds the scope its view declares for the action.

    A view or action that declares none admits nobody. `ANY_KEY` admits every live key.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        scope_check(request.auth, view)
        return True


def scope_check(credential: Any, view: Any) -> None:
    """Raise Unauthorized (401) without a key, and Forbidden (403) without the action's scope."""
    if view.action is None:
        raise MethodNotAllowed(view.request.method or "")
    if not isinstance(credential, Snapshot):
        raise Unauthorized
    needed = view.scopes.get(view.action)
    if needed is not ANY_KEY and (needed is None or needed not in credential.scopes):
        raise Forbidden(
            f"The key lacks the scope {needed}.", reason="missing_scope", requiredScope=str(needed)
        )


class _AnyKey(str):
    """Marks an action that needs a valid key and no scope."""


ANY_KEY = _AnyKey("any key")
