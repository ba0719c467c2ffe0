"""The id by which a request is found again: in its answer, in the logs, in the audit trail."""

import re
from typing import Any

from uuid_utils import uuid7

_SANE = re.compile(r"[A-Za-z0-9._:\-]{8,128}")


def request_id_of(meta: dict[str, Any]) -> str:
    """The caller's own `X-Request-Id` where it is a sane token, else a new one."""
    incoming = meta.get("HTTP_X_REQUEST_ID", "")
    return incoming if _SANE.fullmatch(incoming) else str(uuid7())
