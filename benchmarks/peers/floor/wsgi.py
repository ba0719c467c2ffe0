"""What the server itself costs: the bytes of one answer (the file FLOOR_BODY), and no work."""

import os
from pathlib import Path

BODY = Path(os.environ["FLOOR_BODY"]).read_bytes()
HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))]


def application(environ, start_response):
    start_response("200 OK", HEADERS)
    return [BODY]
