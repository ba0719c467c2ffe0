"""The WSGI application in front of Django's: what needs no page stack goes past it."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from django.core.handlers.wsgi import WSGIRequest, get_script_name
from django.db import DEFAULT_DB_ALIAS, connections
from django.http import HttpRequest
from django.urls import set_script_prefix

Application = Callable[..., Iterable[bytes]]


class Door(NamedTuple):
    """A way in of its own: the paths that `is_mine` knows are answered from the WSGI environment alone.

    `answer` gives status line, headers and body, and raises nothing. A database connection that it took, it
    has given back: to look whether there is one would cost more than the rest of this.
    """

    is_mine: Callable[[str], bool]
    answer: Callable[[dict[str, Any]], tuple[str, list[tuple[str, str]], bytes]]


class Gateway:
    """Sends paths that `is_api_path` knows to `answer`, those of `doors` to them, the rest to `pages`.

    `pages` is Django's application.

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
        doors: tuple[Door, ...] = (),
    ) -> None:
        self._pages, self._is_api_path, self._answer, self._doors = pages, is_api_path, answer, doors

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        for door in self._doors:
            if door.is_mine(path):
                status, headers, body = door.answer(environ)
                start_response(status, headers)
                return [body]
        if not self._is_api_path(path):
            return self._pages(environ, start_response)
        set_script_prefix(get_script_name(environ))
        try:
            response = self._answer(WSGIRequest(environ))
        finally:
            ours = connections[DEFAULT_DB_ALIAS]
            if ours.connection is not None:
                ours.close()
        headers = [*response.items(), *response.governed_headers]
        start_response(f"{response.status_code} {response.reason_phrase}", headers)
        return [response.content]
