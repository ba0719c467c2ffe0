"""The product's web process, except that a request may ask it to die between its commit and its answer."""

import os
import signal
from typing import Any

from config.wsgi import application as product


def application(environ: dict[str, Any], start_response: Any) -> Any:
    answer = product(environ, start_response)
    if environ.get("HTTP_X_TEST_DIE_BEFORE_ANSWERING"):
        os.kill(os.getpid(), signal.SIGKILL)
    return answer
