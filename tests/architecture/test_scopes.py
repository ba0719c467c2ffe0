"""Every routed API action declares a scope; the whole API stands under the governed prefixes."""

import pytest
from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver

from credentials.access import ClientApiViewSet
from credentials.permissions import ANY_KEY
from credentials.scopes import Scope
from credentials.views.governance import GovernanceViewSet
from credentials.views.tokens import TokenViewSet
from credentials.viewsets import PartnerViewSet
from partners.models import Membership


def routes(patterns, prefix="/"):
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, prefix + str(pattern.pattern))
        elif isinstance(pattern, URLPattern):
            yield prefix + str(pattern.pattern), pattern.callback


def api_actions():
    for route, callback in routes(get_resolver().url_patterns):
        for verb, action in getattr(callback, "actions", {}).items():
            yield pytest.param(route, callback.cls, action, id=f"{verb} {route}")


@pytest.mark.parametrize(("route", "view", "action"), list(api_actions()))
def test_every_routed_action_is_governed_and_declares_who_may(route, view, action):
    assert route.startswith(settings.API_PREFIXES) or route in settings.API_PATHS
    if issubclass(view, GovernanceViewSet):
        assert set(view.roles[action]) <= set(Membership.Role)
    elif view is not TokenViewSet:
        assert issubclass(view, (PartnerViewSet, ClientApiViewSet))
        assert view.scopes[action] is ANY_KEY or view.scopes[action] in Scope


def test_there_are_actions_to_look_at():
    assert len(list(api_actions())) >= 8
