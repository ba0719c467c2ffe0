"""Our own view with governing switched off: same query, row-level security and rendering.

Only for the benchmark: DJANGO_SETTINGS_MODULE=benchmarks.ungoverned_settings puts this middleware where the
governing one stands, and BENCH_KEY_ID names the key whose organization every request is taken to be of.
"""

import os
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import resolve

from credentials.snapshots import snapshot_cached, snapshot_load


class UngovernedMiddleware:
    """Answers API paths with their view: no credential, limit, idempotency, header or log row."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._key_id = os.environ["BENCH_KEY_ID"]

    def __call__(self, request: Any) -> HttpResponse:
        if not request.path_info.startswith(settings.API_PREFIXES):
            return self.get_response(request)
        request.credential = snapshot_cached(self._key_id) or snapshot_load(self._key_id)
        match = request.resolver_match = resolve(request.path_info)
        response = match.func(request, *match.args, **match.kwargs)
        if not getattr(response, "is_rendered", True):
            response.render()
        response.headers["Content-Length"] = str(len(response.content))
        return response
