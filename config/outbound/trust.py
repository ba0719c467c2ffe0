"""Whose certificates the hub believes: the roots of the system (or of `SSL_CERT_FILE`), and Mozilla's.

Both, so that a bare container without system roots can send, and a company's own root is believed.
"""

import ssl
from functools import cache

import certifi


@cache
def tls_context() -> ssl.SSLContext:
    """TLS 1.2 or later, certificate and host name verified; one for both transports."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    context.set_alpn_protocols(["http/1.1"])
    return context
