"""Our own view with governing switched off: same gateway, query, row-level security and rendering.

Only for the benchmark. BENCH_KEY_ID names the key whose organization every request is taken to be of.
"""

import os
from typing import Any

from django.urls import resolve

import config.wsgi
from config.api.gateway import Gateway
from credentials.middleware import is_api_path
from credentials.snapshots import snapshot_cached, snapshot_load

_KEY_ID = os.environ["BENCH_KEY_ID"]


def ungoverned_answer(request: Any) -> Any:
    """The view's answer: no credential, limit, idempotency, header or log row."""
    request.credential = snapshot_cached(_KEY_ID) or snapshot_load(_KEY_ID)
    match = request.resolver_match = resolve(request.path_info)
    response: Any = match.func(request, *match.args, **match.kwargs)
    if not getattr(response, "is_rendered", True):
        response.render()
    response.governed_headers = [("Content-Length", str(len(response.content)))]
    return response


application = Gateway(config.wsgi.pages, is_api_path=is_api_path, answer=ungoverned_answer)
