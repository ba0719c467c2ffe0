"""Asking a network's API for JSON; what its statuses mean to whoever asked."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from catalog.adapters.base import NetworkBusy, NetworkRefused, NetworkUnavailable
from config.outbound.errors import OutboundError
from config.outbound.retry_after import retry_after_s
from config.outbound.sync import fetch

_TIMEOUT_S = 30
# A thousand campaigns with their texts are about 5 MB.
_MAX_BYTES = 32_000_000
_FINAL = frozenset(
    {"invalid_url", "invalid_header", "address_not_allowed", "redirect_refused", "tls_failed", "too_large"}
)
# Where a rate limit does not say how long.
_WAIT_S = 5.0


def ask(url: str, *, headers: Mapping[str, str]) -> tuple[int, Any]:
    """The status and JSON body of a GET; numbers with a fraction are Decimals.

    Raises NetworkBusy for 429 (and for 503 with `Retry-After`), NetworkUnavailable for silence, other 5xx and
    what is no JSON, NetworkRefused where the hub's own policy or the address stands in the way. Other 4xx are
    the caller's to read.
    """
    try:
        answer = fetch(url, headers=headers, timeout_s=_TIMEOUT_S, max_bytes=_MAX_BYTES)
    except OutboundError as error:
        kind = NetworkRefused if error.code in _FINAL else NetworkUnavailable
        raise kind(error.code, error.message) from error
    wait = answer.headers.get("retry-after", "")
    if answer.status == 429 or (answer.status == 503 and wait):
        raise NetworkBusy(retry_after_s(wait) or _WAIT_S)
    if answer.status >= 500:
        raise NetworkUnavailable("network_down", f"The network answered {answer.status}.")
    try:
        return answer.status, json.loads(answer.body, parse_float=Decimal)
    except ValueError as error:
        if 400 <= answer.status < 500:
            return answer.status, None
        raise NetworkUnavailable("no_json", "The network's answer is no JSON.") from error
