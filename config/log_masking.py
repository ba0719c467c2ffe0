"""Keeps out of the logs what an address lets its holder do."""

import re
from typing import Any

# A request bin's token, a proposal's and an export's, and the keys of allauth's links.
_IN_PATH = re.compile(
    r"(/bins/|/proposal/|/exports/(?=[0-9a-f]{32}:)|/accounts/(?:password/reset/key|confirm-email)/)"
    r"[^/?#\s\"']+"
)


def mask_paths(logger: Any, method: str, event: dict[str, Any]) -> dict[str, Any]:
    """A structlog processor: the secret part of a path becomes `***`, in whichever field it stands."""
    for name, value in event.items():
        if isinstance(value, str) and "/" in value:
            event[name] = _IN_PATH.sub(r"\1***", value)
    return event
