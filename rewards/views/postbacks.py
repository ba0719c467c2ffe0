"""`GET|POST /postbacks/{network}`: what a network reports, by its secret and from its addresses."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError

from config.api.exceptions import DomainError, Forbidden, Unauthorized, ValidationFailed
from config.api.parsers import parse_strict
from config.api.renderers import dumps
from credentials.limits import ADMITTED, ANONYMOUS, Limits, refusal, request_admit
from rewards.postback_doors import door_find
from rewards.postbacks import postback_read, secret_given
from rewards.services.conversions import postback_apply


class MethodNotAllowed(DomainError):
    """405: neither GET nor POST."""

    status, code = 405, "METHOD_NOT_ALLOWED"
    message = "Send GET or POST."


class PostbackDoorPolicy:
    """How the governing middleware treats the door (credentials/authentication.py)."""

    is_public = True
    public_counter = "postbacks"
    public_limits = Limits(settings.POSTBACKS_PER_MINUTE, burst=max(1, settings.POSTBACKS_PER_MINUTE // 10))
    max_body_bytes = 20_000


def postback(request: HttpRequest, network: str) -> HttpResponse:
    """Take in a postback; 200 also for one that is known already, so that the network stops repeating it.

    Raises Unauthorized (401) for an unknown network or a wrong secret, which count against the address as any
    guess does, Forbidden (403, ip_not_allowed), ValidationFailed (400).
    """
    if request.method not in ("GET", "POST"):
        raise MethodNotAllowed
    parameters = _parameters(request)
    door = door_find(network, secret_given(parameters, request.headers.get("X-Postback-Secret", "")))
    address = getattr(request, "client_address", "")
    if door is None:
        verdict = request_admit(subject=f"address:{address}", limits=ANONYMOUS, version="")
        if verdict.outcome != ADMITTED:
            raise refusal(verdict)
        raise Unauthorized("The network is unknown, or its secret is wrong.")
    if not door.admits_address(address):
        raise Forbidden("Postbacks of this network do not come from here.", reason="ip_not_allowed")
    outcome = postback_apply(network=door.network, terms=door.terms, postback=postback_read(parameters))
    answer = {
        "conversion_id": str(outcome.conversion_id),
        "result": outcome.result,
        "status": outcome.status,
    }
    return HttpResponse(dumps(answer), content_type="application/json")


postback.cls = PostbackDoorPolicy  # type: ignore[attr-defined]


def _parameters(request: HttpRequest) -> Mapping[str, str]:
    """Query and body together, the body first; a form, or a JSON object of texts and numbers."""
    given: dict[str, str] = {name: str(value) for name, value in request.GET.items()}
    if request.method == "POST" and request.body:
        if request.content_type == "application/json":
            given |= _texts(parse_strict(request.body))
        else:
            try:
                given |= {name: str(value) for name, value in request.POST.items()}
            except (MultiPartParserError, ValueError) as error:
                raise ValidationFailed(nonFieldErrors=["The form is not valid."]) from error
    if any("\x00" in value for value in given.values()):
        raise ValidationFailed(nonFieldErrors=["Send no NUL characters."])
    return given


def _texts(body: Any) -> dict[str, str]:
    if not isinstance(body, dict):
        raise ValidationFailed(nonFieldErrors=["Send a JSON object."])
    return {
        name: str(value)
        for name, value in body.items()
        if isinstance(value, str | int | float) and not isinstance(value, bool)
    }
