"""The governed request: everything that happens to an API request around its view."""

import re
import time
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, ResolverMatch, resolve

from config.api.client_address import client_address
from config.api.errors import as_domain_error, error_response, internal_error
from config.api.exceptions import DomainError, NotFound, ServiceUnavailable
from config.api.request_id import request_id_of
from credentials.authentication import TokenHolder, read_ahead, request_authenticate
from credentials.exceptions import PayloadTooLarge
from credentials.limits import limit_headers
from credentials.request_signing import signature_check
from credentials.snapshots import Snapshot
from credentials.usage import NO_PERSON, NOBODY, spool

log = structlog.get_logger(__name__)

_PARAMETER = re.compile(r"<(?:[^:>]+:)?([^>]+)>")
_PREFIXES, _PATHS = settings.API_PREFIXES, settings.API_PATHS
_BODILESS = frozenset({"GET", "HEAD"})
_STANDING_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("x-partner-api-version", "v1"),
    ("x-partner-api-deprecation-policy", "/docs/api/partner-v1.md"),
)


class GovernedRequestMiddleware:
    """Answers API paths here, past the page stack, wherever Django's own handler serves.

    Under a WSGI server config.api.gateway calls `governed_answer` before Django's handler begins.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not is_api_path(request.path_info):
            return self.get_response(request)
        response = governed_answer(request)
        for name, value in response.governed_headers:
            response.headers[name] = value
        return response


def is_api_path(path: str) -> bool:
    """Whether a path lies under settings.API_PREFIXES, or is one of settings.API_PATHS."""
    return path.startswith(_PREFIXES) or path in _PATHS


def governed_answer(request: Any) -> Any:
    """The answer to an API request: credential, limit, view, headers, usage row. Raises nothing.

    Every error has the contract's body, and every answer its headers as `governed_headers`: pairs that go
    beside the response's own.
    """
    path = request.path_info
    started = time.perf_counter()
    request.request_id = request_id_of(request.META)
    request.credential = request.limits = request.verdict = None
    address = request.client_address = client_address(request.META)
    length = _content_length(request)
    endpoint = ""
    structlog.contextvars.bind_contextvars(request_id=request.request_id)
    try:
        if not settings.PARTNER_API_ENABLED:
            raise ServiceUnavailable("The partner API is switched off.")
        match = request.resolver_match = _resolve(path)
        endpoint = endpoint_name(match.route) if match else ""
        response = _answered_ahead(request, match, address) if match and not length else None
        if response is None:
            request_authenticate(request, address=address, view=_class_of(match))
            if match is None:
                raise NotFound
            _check_size(length, match.func)
            if length or request.method not in _BODILESS:
                _ = request.body  # before anybody takes the stream: signatures and idempotency need it raw
            if isinstance(request.credential, Snapshot) and request.credential.signing_mode != "none":
                signature_check(request, request.credential)
            response = match.func(request, *match.args, **match.kwargs)
        if not getattr(response, "is_rendered", True):
            response.render()
    except Exception as exc:  # noqa: BLE001 (the last door: nothing may answer HTML or a trace)
        response = error_response(_error(exc, request), request_id=request.request_id)
    finally:
        structlog.contextvars.unbind_contextvars("request_id")
    _finish(request, response, started=started, endpoint=endpoint, length=length)
    return response


def _answered_ahead(request: Any, match: ResolverMatch, address: str) -> Any:
    """The answer of a read that waits for both stores at once; None where it must be asked in order.

    What was read is shown to nobody unless the limit store admits the request and calls the key current.
    """
    view, actions = _class_of(match), getattr(match.func, "actions", None)
    if not actions or request.method != "GET":
        return None
    if actions.get("get") not in getattr(view, "opens_no_transaction", ()):
        return None
    is_current = read_ahead(request, address=address)
    if is_current is None:
        return None
    response, failed = None, None
    try:
        response = match.func(request, *match.args, **match.kwargs)
    except Exception as exc:  # noqa: BLE001 (raised below, unless the key may not even hear of it)
        failed = exc
    finally:
        current = is_current()
    if failed is not None and current:
        raise failed
    return response if current else None


def _finish(request: Any, response: Any, *, started: float, endpoint: str, length: int) -> None:
    body, headers = response.content, response.headers
    code = headers.pop("X-Error-Code", ("", ""))[1]
    added = [*_STANDING_HEADERS, ("X-Request-Id", request.request_id)]
    if response.status_code != 304:  # whose length would be the 200's
        added.append(("Content-Length", str(len(body))))
    if request.verdict is not None:
        added += limit_headers(request.verdict, request.limits)
    if "Cache-Control" not in headers:
        added.append(("Cache-Control", "no-store"))
    if response.status_code == 401 and "WWW-Authenticate" not in headers:
        added.append(("WWW-Authenticate", 'Bearer realm="Partner Hub"'))
    response.governed_headers = added
    key = request.credential
    spool.append(
        caller=key.log_columns if isinstance(key, Snapshot) else NOBODY,
        method=(request.method or "")[:10],
        endpoint=endpoint[:200],
        path=request.path_info[:500].replace("\x00", ""),
        status=response.status_code,
        error_code=code,
        milliseconds=(time.perf_counter() - started) * 1000,
        request_id=request.request_id,
        address=request.client_address,
        request_bytes=length,
        response_bytes=len(body),
        person=str(key.user.pk) if isinstance(key, TokenHolder) else NO_PERSON,
    )


def _resolve(path: str) -> ResolverMatch | None:
    """The route of a path; None for an unknown one, which only callers with a credential are told."""
    try:
        return _found(path)
    except Resolver404:
        return None


# The routes of a process do not change, and to look for one costs as much as a small answer.
_found = lru_cache(maxsize=2_000)(resolve)


def _class_of(match: ResolverMatch | None) -> Any:
    return getattr(match.func, "cls", None) if match else None


@cache
def endpoint_name(route: str) -> str:
    """A route as the log and the charts name it: `/api/partner/v1/jobs/{job_id}/status`."""
    return "/" + _PARAMETER.sub(r"{\1}", route)


def _content_length(request: HttpRequest) -> int:
    try:
        return max(0, int(request.META.get("CONTENT_LENGTH") or 0))
    except ValueError:
        return 0


def _check_size(length: int, view: Any) -> None:
    allowed = getattr(getattr(view, "cls", None), "max_body_bytes", None) or settings.API_MAX_BODY_BYTES
    if length > allowed:
        raise PayloadTooLarge(maxBytes=allowed)


def _error(exc: Exception, request: Any) -> DomainError:
    if isinstance(exc, RequestDataTooBig):
        return PayloadTooLarge()
    error = as_domain_error(exc)
    if error is None:
        log.exception("unhandled_error", path=request.path_info, request_id=request.request_id)
        error = internal_error()
    return error
