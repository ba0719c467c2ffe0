"""People and their programs, for tests of governance."""

import json
from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.test import Client

from credentials.services.tokens import token_issue
from partners.models import Organization, User
from partners.services.organizations import member_add
from tests.factories import ACTOR, make_super_admin, make_user


class Caller:
    """A person's program, with an access token."""

    def __init__(self, user: User) -> None:
        self.user = user
        token = token_issue(user=user, label="test", valid_for=timedelta(minutes=5))
        self._client = Client(headers={"Authorization": f"Bearer {token}"})

    def __call__(self, method: str, path: str, body: Any = None, **query: Any) -> HttpResponse:
        if method == "get":
            return self._client.get(path, query)
        return getattr(self._client, method)(path, json.dumps(body), content_type="application/json")


def make_member(role: str, *organizations: Organization, **given: Any) -> User:
    """A person with this role in each of the organizations; "super" for a super-admin."""
    if role == "super":
        return make_super_admin(**given).user
    user = make_user(**given).user
    for organization in organizations:
        member_add(organization=organization, user=user, role=role, actor=ACTOR)
    return user


def browser(user: User) -> Client:
    """A person's dashboard session."""
    client = Client()
    client.force_login(user)
    return client
