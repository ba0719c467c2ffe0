"""One error body for every surface (contract 0.2)."""

from typing import Any

import orjson
import structlog
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpResponse
from rest_framework import exceptions as drf
from rest_framework.response import Response
from rest_framework.views import set_rollback

from config.api.exceptions import DomainError, NotFound, ServiceUnavailable

log = structlog.get_logger(__name__)

_CODES = {
    400: "VALIDATION_ERROR",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    429: "RATE_LIMIT_EXCEEDED",
}


def error_body(error: DomainError, *, request_id: str) -> dict[str, Any]:
    """The contract's body for a refusal."""
    body: dict[str, Any] = {
        "error": error.code,
        "message": error.message,
        "details": error.details,
        "requestId": request_id,
    }
    if "retryAfter" in error.details:
        body["retryAfter"] = error.details["retryAfter"]
    return body


def error_response(error: DomainError, *, request_id: str) -> HttpResponse:
    """The refusal as a response that needs no DRF renderer."""
    response = HttpResponse(
        orjson.dumps(error_body(error, request_id=request_id)),
        status=error.status,
        content_type="application/json",
        headers=error.headers,
    )
    response["X-Error-Code"] = error.code
    return response


def as_domain_error(exc: Exception) -> DomainError | None:
    """The refusal that an exception stands for; None for a fault of ours."""
    if isinstance(exc, DomainError):
        return exc
    if isinstance(exc, Http404 | ObjectDoesNotExist):
        return NotFound()
    if isinstance(exc, OperationalError | InterfaceError):
        log.warning("store_unavailable", error=str(exc))
        return ServiceUnavailable(retryAfter=1)
    if isinstance(exc, PermissionDenied):
        exc = drf.PermissionDenied()
    if isinstance(exc, drf.ValidationError):
        return _validation(exc)
    if isinstance(exc, drf.APIException):
        error = DomainError(str(exc.detail))
        error.status = exc.status_code
        error.code = _CODES.get(exc.status_code, "INTERNAL_SERVER_ERROR")
        if isinstance(exc, drf.MethodNotAllowed):
            error.message = "The method is not allowed here."
        return error
    return None


def _validation(exc: drf.ValidationError) -> DomainError:
    error = DomainError("The request is not valid.")
    error.status, error.code = 400, "VALIDATION_ERROR"
    detail = exc.detail if isinstance(exc.detail, dict) else {"nonFieldErrors": exc.detail}
    fields = {
        ("nonFieldErrors" if name == "non_field_errors" else str(name)): _messages(value)
        for name, value in detail.items()
    }
    error.details = {**fields, "retryable": False}
    return error


def _messages(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _messages(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_messages(inner) if isinstance(inner, dict | list) else str(inner) for inner in value]
    return [str(value)]


def internal_error() -> DomainError:
    """500 without a word about what broke; the log has it."""
    error = DomainError("Something went wrong on our side.")
    error.status, error.code = 500, "INTERNAL_SERVER_ERROR"
    error.details = {"retryable": True}
    return error


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's hook: every exception of an API view becomes the contract's body."""
    error = as_domain_error(exc)
    request = context["request"]
    if error is None:
        log.exception("unhandled_error", path=request.path, exc_info=exc)
        error = internal_error()
    set_rollback()
    response = Response(
        error_body(error, request_id=getattr(request, "request_id", "")),
        status=error.status,
        headers=error.headers,
    )
    response["X-Error-Code"] = error.code
    if error.status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="Partner Hub"'
    if isinstance(exc, drf.MethodNotAllowed) and context.get("view"):
        response["Allow"] = ", ".join(context["view"].allowed_methods)
    return response
