"""Public addresses of smart links: the redirect where Django's own handler serves, and QR codes."""

import io

import segno
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET

from rewards.door import link_answer
from rewards.serializers.links import link_address
from rewards.targets import targets

_MEDIA_TYPES = {"svg": "image/svg+xml", "png": "image/png"}
_A_DAY_S = 86_400
_SCALE, _MOST_SCALE = 8, 40


@csrf_exempt
def link_follow(request: HttpRequest, code: str) -> HttpResponse:
    """The redirect, as rewards/door.py answers it in front of this handler."""
    status, headers, body = link_answer(request.META)
    number, _, reason = status.partition(" ")
    response = HttpResponse(body, status=int(number), reason=reason)
    del response["Content-Type"]
    for name, value in headers:
        response[name] = value
    return response


@require_GET
def link_qr(request: HttpRequest, code: str, kind: str) -> HttpResponse:
    """A link's short address as a QR code, SVG or PNG, of `scale` (1 to 40) pixels a module.

    404 for an unknown one.
    """
    if kind not in _MEDIA_TYPES or targets.find(code) is None:
        raise Http404
    asked = request.GET.get("scale", "")
    scale = (
        min(max(int(asked), 1), _MOST_SCALE)
        if asked.isascii() and asked.isdigit() and len(asked) < 4
        else _SCALE
    )
    image = io.BytesIO()
    # light modules are drawn, so that it can be read on a dark page too
    segno.make(link_address(code), error="m", micro=False).save(
        image, kind=kind, scale=scale, border=4, dark="#000", light="#fff"
    )
    response = HttpResponse(image.getvalue(), content_type=_MEDIA_TYPES[kind])
    response["Cache-Control"] = f"public, max-age={_A_DAY_S}"
    response["Content-Disposition"] = f'inline; filename="{code}.{kind}"'
    return response
