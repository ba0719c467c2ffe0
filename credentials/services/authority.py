"""Nobody hands out more than they may hold themselves (docs/api/partner-v1.md, Who may do what)."""

from collections.abc import Iterable

from config.api.exceptions import Forbidden
from credentials.scopes import PARTNER_SCOPES, Scope
from partners.models import Membership
from partners.services.audit import Actor

# The roles of keys: one that reaches its own client, and one that reaches the whole organization.
CLIENT_KEY, ORGANIZATION_KEY = "client-key", "organization-key"
_EVERYTHING = frozenset(map(str, Scope))
_GRANTABLE = {
    "": _EVERYTHING,  # the hub's own commands
    Membership.Role.OWNER: _EVERYTHING,
    # keys that make clients or keys could mint what a manager may not
    Membership.Role.MANAGER: frozenset(map(str, PARTNER_SCOPES)),
}


def grantable_scopes(actor: Actor) -> frozenset[str]:
    """The scopes of the widest key that the actor may mint, change, rotate or resume."""
    if actor.role in (CLIENT_KEY, ORGANIZATION_KEY):
        return actor.scopes
    return _GRANTABLE.get(actor.role, frozenset())


def authority_check(actor: Actor, scopes: Iterable[str]) -> None:
    """Refuse an act that would hand out a key of these scopes. Raises Forbidden (403)."""
    beyond = sorted(set(scopes) - grantable_scopes(actor))
    if beyond or not grantable_scopes(actor):
        raise Forbidden(
            "Your role may not hand out a key of these scopes.", reason="missing_scope", scopes=beyond
        )


def authority_check_narrowing(actor: Actor) -> None:
    """Refuse suspending and revoking by somebody who governs nothing. Raises Forbidden (403).

    Taking away needs no authority over what is taken away: a manager may stop any key.
    """
    if not grantable_scopes(actor):
        raise Forbidden("Your role does not allow this.", reason="missing_scope")


def authority_check_organization(actor: Actor, message: str) -> None:
    """Refuse a client's own key what is the organization's to decide. Raises Forbidden (403)."""
    if actor.role == CLIENT_KEY:
        raise Forbidden(message, reason="missing_scope")
