"""Sign-in policy on top of django-allauth."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class InvitedOnlyAdapter(DefaultAccountAdapter):
    """Accounts are made by super-admins and owners; nobody signs up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
