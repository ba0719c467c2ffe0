"""Why a request to another machine got no answer."""

from typing import Literal

Code = Literal[
    "address_not_allowed",
    "dns_failed",
    "timeout",
    "connection_failed",
    "tls_failed",
    "too_large",
    "redirect_refused",
    "invalid_url",
    "invalid_header",
    "protocol_error",
]


class OutboundError(Exception):
    """No usable answer: `code` is stable and for machines, `message` is a sentence for people."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message
