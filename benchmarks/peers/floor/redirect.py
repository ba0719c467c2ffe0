"""What the server itself costs of a redirect: always to FLOOR_LOCATION, and no work."""

import os

HEADERS = [
    ("Location", os.environ["FLOOR_LOCATION"]),
    ("Content-Length", "0"),
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Robots-Tag", "noindex, nofollow"),
]


def application(environ, start_response):
    if environ["PATH_INFO"] == "/livez":  # whoever starts us asks there, and would follow a redirect
        start_response("204 No Content", [])
        return [b""]
    start_response("302 Found", HEADERS)
    return [b""]
