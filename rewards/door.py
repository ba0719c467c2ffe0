"""`/r/CODE`: the redirect, past Django's handler (config/api/gateway.py) or through its view.

Nothing on its way waits for a store: the link is known to the process (rewards/targets.py), and the click is
a line in the process's spool (rewards/clicks.py).
"""

import time
from typing import Any
from urllib.parse import parse_qsl

import structlog
from django.db import Error as DatabaseError
from uuid_utils import uuid7

from config.api.client_address import client_address
from config.spool import copy_field
from rewards.clicks import clicks
from rewards.targets import targets

log = structlog.get_logger(__name__)

PREFIX = "/r/"
Answer = tuple[str, list[tuple[str, str]], bytes]

_STANDING = (
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Robots-Tag", "noindex, nofollow"),
)
_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    "<title>{title}</title><h1>{title}</h1><p>{text}</p></html>\n"
)
_OWN_IDS = ("user_id", "sub_id")
_MOST_QUERY = 2000


def _page(status: str, title: str, text: str, *more: tuple[str, str]) -> Answer:
    body = _PAGE.format(title=title, text=text).encode()
    return (
        status,
        [
            *_STANDING,
            *more,
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Security-Policy", "default-src 'none'"),
            ("Content-Length", str(len(body))),
        ],
        body,
    )


_UNKNOWN = _page("404 Not Found", "Link not found", "This link leads nowhere. Perhaps it was mistyped.")
_OVER = _page("410 Gone", "Offer is over", "This link is no longer active.")
_NOT_ALLOWED = _page(
    "405 Method Not Allowed", "Not allowed", "Links are followed with GET.", ("Allow", "GET, HEAD")
)
_LATER = _page(
    "503 Service Unavailable",
    "Try again",
    "This link cannot be looked up at the moment.",
    ("Retry-After", "2"),
)


def is_link(path: str) -> bool:
    """Whether a path is a smart link's, and nothing below it."""
    return path.startswith(PREFIX) and "/" not in path[len(PREFIX) :]


def link_answer(environ: dict[str, Any]) -> Answer:
    """The answer to a smart link's request: status line, headers, body. Raises nothing.

    302 to the network with a new click's id; 404 for an unknown code, 410 while the link, its campaign, its
    offer or its organization is not active. GET is recorded as a click, HEAD is not.
    """
    method = environ["REQUEST_METHOD"]
    if method not in {"GET", "HEAD"}:
        return _NOT_ALLOWED
    try:
        answer = _follow(environ, is_visit=method == "GET")
    except DatabaseError as error:
        log.warning("link_not_found_out", error=str(error))
        answer = _LATER
    except Exception:
        log.exception("unhandled_error", path=environ["PATH_INFO"])
        answer = _LATER
    return answer if method == "GET" else (*answer[:2], b"")


def _follow(environ: dict[str, Any], *, is_visit: bool) -> Answer:
    target = targets.find(environ["PATH_INFO"][len(PREFIX) :])
    if target is None:
        return _UNKNOWN
    if not target.leads_at(time.time()):
        return _OVER
    click_id = uuid7().hex
    if is_visit:
        query = environ.get("QUERY_STRING", "")
        clicks.append(
            click_id=click_id,
            columns=target.columns,
            own=_own(query, target.own) if query else target.own,
            address=client_address(environ),
            user_agent=environ.get("HTTP_USER_AGENT", ""),
            referrer=environ.get("HTTP_REFERER", ""),
            is_prefetch=_is_prefetch(environ),
        )
    location = click_id.join(target.parts)
    return "302 Found", [("Location", location), ("Content-Length", "0"), *_STANDING], b""


def _is_prefetch(environ: dict[str, Any]) -> bool:
    """Whether a browser only looks ahead: Chrome's and Firefox's headers, and Safari's older one."""
    purpose = environ.get("HTTP_SEC_PURPOSE") or environ.get("HTTP_PURPOSE") or environ.get("HTTP_X_MOZ")
    return purpose is not None and ("prefetch" in purpose or "preview" in purpose)


def _own(query: str, own: str) -> str:
    """The user and sub id of a click: those of the address, or else the link's."""
    if len(query) > _MOST_QUERY:
        return own
    try:
        named = dict(parse_qsl(query, max_num_fields=20))
    except ValueError:
        return own
    given = zip(_OWN_IDS, own.split("\t"), strict=True)
    return "\t".join(
        copy_field(named[name].replace("\0", "")[:120]) if name in named else own for name, own in given
    )
