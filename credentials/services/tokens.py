"""Access tokens of people."""

from datetime import timedelta

from django.utils import timezone

from credentials.models import AccessToken
from credentials.secrets import secret_hash, token_generate
from partners.models import User

LIFETIME = timedelta(minutes=15)


def token_issue(*, user: User, label: str, valid_for: timedelta) -> str:
    """A new access token, shown once; stored as a keyed hash."""
    token = token_generate()
    AccessToken.objects.create(
        user=user, label=label, hash=secret_hash(token), expires_at=timezone.now() + valid_for
    )
    return token
