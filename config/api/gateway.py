"""The WSGI application in front of Django's: API requests go past what only pages need."""

from collections.abc import Callable, Iterable
from typing import Any

from django.core.handlers.wsgi import WSGIRequest, get_script_name
from django.db import connection
from django.http import HttpRequest
from django.urls import set_script_prefix

Application = Callable[..., Iterable[bytes]]


class Gateway:
    """Sends paths that `is_api_path` knows to `answer`, and the rest to `pages`, Django's application.

    Django's handler, middleware chain and signals cost more than governing a request. `answer` raises
    nothing; it gives whole bodies, and as `governed_headers` what goes beside the response's own headers.
    What the signals do for pages is done here: the database connection goes back to its pool.
    """

    def __init__(
        self,
        pages: Application,
        *,
        is_api_path: Callable[[str], bool],
        answer: Callable[[HttpRequest], Any],
    ) -> None:
        self._pages, self._is_api_path, self._answer = pages, is_api_path, answer

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if not self._is_api_path(environ.get("PATH_INFO", "")):
            return self._pages(environ, start_response)
        set_script_prefix(get_script_name(environ))
        try:
            response = self._answer(WSGIRequest(environ))
        finally:
            if connection.connection is not None:
                connection.close()
        headers = [*response.items(), *response.governed_headers]
        start_response(f"{response.status_code} {response.reason_phrase}", headers)
        return [response.content]
