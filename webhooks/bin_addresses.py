"""Where the hub's request bins receive."""

import re

from django.conf import settings

from webhooks.models import RequestBin

_PATH = "/bins/"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def request_bin_url(request_bin: RequestBin) -> str:
    """A bin's address, under the hub's own."""
    return f"{settings.HUB_URL}{_PATH}{request_bin.token}"


def request_bin_token_of(url: str) -> str:
    """The token of a URL that is a bin of this hub; "" for any other."""
    base = settings.HUB_URL + _PATH
    token = url[len(base) :] if url.startswith(base) else ""
    return token if request_bin_token_is_well_formed(token) else ""


def request_bin_token_is_well_formed(token: str) -> bool:
    """Whether a bin could have this token."""
    return _TOKEN.fullmatch(token) is not None
