"""Keeps out of the logs what an address lets its holder do."""

import re
from typing import Any

# A request bin's token, and the keys of allauth's links.
_IN_PATH = re.compile(r"(/bins/|/accounts/(?:password/reset/key|confirm-email)/)[^/?#\s\"']+")


def mask_paths(logger: Any, method: str, event: dict[str, Any]) -> dict[str, Any]:
    """A structlog processor: the secret part of a path becomes `***`, in whichever field it stands."""
    for name, value in event.items():
        if isinstance(value, str) and "/" in value:
            event[name] = _IN_PATH.sub(r"\1***", value)
    return event
