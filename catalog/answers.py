"""Answers made of the catalogue, kept in this process while the catalogue stays as it is.

An answer's bytes hang on the catalogue's number (versions.py), on whose catalogue it is, on the key's
allow-lists and on the query, and on nothing else: keys with the same reach share it. Kept ones cost no SQL.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone

from catalog.selectors import next_turn
from catalog.versions import version_kept, version_load
from config import tenancy
from config.api.renderers import dumps

# The contract's five minutes.
MAX_AGE_S = 300
# How many answers a process keeps: at 100 offers each, 30 MB.
_ROOM = 512
_JSON = "application/json"
# The headers that say who asks.
VARY = "Authorization, X-API-Secret, x-api-key, x-partner-api-key"


@dataclass(frozen=True, slots=True)
class Reach:
    """What of which catalogue may be seen; empty allow-lists leave nothing out."""

    organization: str
    environment: str
    offer_ids: Collection[UUID] = frozenset()
    brand_ids: Collection[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class _Answer:
    number: str
    # by time.monotonic(): when an offer next starts or ends
    until: float
    body: bytes
    etag: str


_kept: dict[tuple[Any, ...], _Answer] = {}
_keeping = threading.Lock()


def catalog_answer(
    request: Any,
    reach: Reach,
    query: tuple[str, ...],
    make: Callable[[datetime], Any],
    *,
    public: bool = False,
) -> HttpResponse:
    """The 200 (or 304) for a GET that `make` answers, from what is kept or made now.

    `make` is called in the reach's tenant context with the present moment and answers the body's data; what
    it raises is not kept. `query` says which answer it is. A `public` one may be kept by caches between us
    and the caller. A change of the catalogue is in the next answer; callers' own copies live five minutes.
    """
    key = (reach.organization, reach.environment, reach.offer_ids, reach.brand_ids, *query)
    known = version_kept(reach.organization, reach.environment)
    answer = _kept.get(key) if known.number else None
    if answer is None or answer.number != known.number or answer.until <= time.monotonic():
        answer = _made(key, reach, known.number, known.is_known, make)
    max_age_s = int(max(0, min(MAX_AGE_S, answer.until - time.monotonic())))
    headers = {
        "Cache-Control": f"{'public' if public else 'private'}, max-age={max_age_s}",
        "ETag": answer.etag,
        "Vary": VARY,
    }
    if _is_held(request.META.get("HTTP_IF_NONE_MATCH", ""), answer.etag):
        return HttpResponse(status=304, headers=headers)
    return HttpResponse(answer.body, content_type=_JSON, headers=headers)


def answers_forget() -> None:
    """Drop what this process keeps."""
    _kept.clear()


def _made(
    key: tuple[Any, ...], reach: Reach, number: str, is_known: bool, make: Callable[[datetime], Any]
) -> _Answer:
    now, at = timezone.now(), time.monotonic()
    with tenancy.tenant(reach.organization, reach.environment):
        # the number first: what is read after it is as new, or newer
        if not is_known:
            number = version_load(reach.organization, reach.environment)
        body = dumps(make(now))
        turn = next_turn(reach.organization, reach.environment, after=now)
    until = inf if turn is None else at + (turn - now).total_seconds()
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    answer = _Answer(number, until, body, etag)
    if number:
        with _keeping:
            while len(_kept) >= _ROOM:
                del _kept[next(iter(_kept))]
            _kept[key] = answer
    return answer


def _is_held(condition: str, etag: str) -> bool:
    """`If-None-Match` (RFC 9110, 13.1.2): a list of tags, weakly compared, or `*`."""
    if not condition:
        return False
    return condition == "*" or etag in (tag.strip().removeprefix("W/") for tag in condition.split(","))
