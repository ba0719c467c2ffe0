"""Sending to many machines at once: an aiohttp session that dials only checked addresses."""

import asyncio
import socket
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from config.outbound.errors import Code, OutboundError
from config.outbound.policy import address_check, resolve, url_check
from config.outbound.trust import tls_context

KEPT_BYTES = 16_384
# A look-up that hangs holds its thread for as long as the system's resolver waits: so many hanging ones
# leave others their turn.
_RESOLVER_THREADS = 256
_URLS = 4_096


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver said: of headers and body the first 16 KB each, never decompressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    latency_ms: float


class _NotAllowed(OSError):
    """An address that may not be dialled; an OSError, as aiohttp expects of a dial."""


class _CheckedResolver(AbstractResolver):
    """The system's resolver in threads of its own; a name with any address not allowed has none."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_RESOLVER_THREADS, thread_name_prefix="outbound-dns")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._threads, resolve, host, port, family)
        except OutboundError as error:
            raise _NotAllowed(error.message) from error
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=found_family,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for found_family, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _socket(address_info: Any) -> socket.socket:
    """The socket of one dial; the last check, and the only one of an address that stands in the URL."""
    family, kind, protocol, _, address = address_info
    try:
        address_check(str(address[0]))
    except OutboundError as error:
        raise _NotAllowed(error.message) from error
    return socket.socket(family, kind, protocol)


class OutboundClient:
    """Posts to any number of hosts from one event loop; connections are kept while it is open.

    No proxy, cookie or netrc is used, no redirect followed, nothing decompressed.
    """

    def __init__(self) -> None:
        self._url = lru_cache(maxsize=_URLS)(_checked_url)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,
                resolver=_CheckedResolver(),
                socket_factory=_socket,
                ssl=tls_context(),
                ttl_dns_cache=10,
                # shorter than the common servers keep theirs (gunicorn 2 s, Node 5 s): a request
                # that meets a closing connection is lost
                keepalive_timeout=1.5,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            auto_decompress=False,
            trust_env=False,
            headers={"Accept": "*/*", "Accept-Encoding": "identity"},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def post(self, url: str, *, body: bytes, headers: Mapping[str, str], timeout_s: float) -> Answer:
        """Send `body`; any status is an answer. `timeout_s` bounds everything, the body's end
        included.

        Raises OutboundError.
        """
        checked_url = self._url(url)
        started = time.perf_counter()
        try:
            async with (
                asyncio.timeout(timeout_s),
                self._session.post(
                    checked_url, data=body, headers=headers, allow_redirects=False
                ) as response,
            ):
                kept = await _read(response)
        except TimeoutError as error:
            message = f"The exchange took longer than {timeout_s:g} s."
            raise OutboundError("timeout", message) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _translated(error) from error
        latency_ms = (time.perf_counter() - started) * 1000
        return Answer(response.status, _kept_headers(response.headers), kept, latency_ms)


def _checked_url(url: str) -> URL:
    try:
        url_check(url)
    except ValueError as error:
        raise OutboundError("invalid_url", str(error)) from error
    try:
        return URL(url)
    except ValueError as error:
        raise OutboundError("invalid_url", "The URL is not valid.") from error


def _kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The first 16 KB of headers; bytes that are no UTF-8, which aiohttp smuggles, are replaced."""
    kept: dict[str, str] = {}
    left = KEPT_BYTES
    for name, value in headers.items():
        left -= len(name) + len(value)
        if left < 0:
            break
        if not value.isascii():
            value = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        kept[name.lower()] = value
    return kept


async def _read(response: aiohttp.ClientResponse) -> bytes:
    kept = bytearray()
    while not response.content.at_eof() and len(kept) < KEPT_BYTES:
        kept += await response.content.read(KEPT_BYTES - len(kept))
    if not response.content.at_eof():
        response.close()  # the rest is not worth a connection
    return bytes(kept)


def _translated(error: Exception) -> OutboundError:
    if isinstance(refused := getattr(error, "os_error", error), _NotAllowed):
        return OutboundError("address_not_allowed", str(refused))
    kinds: tuple[tuple[type[Exception], Code, str], ...] = (
        (aiohttp.ClientConnectorDNSError, "dns_failed", "The host's name does not resolve."),
        (aiohttp.ClientSSLError, "tls_failed", "The host's certificate or TLS was refused."),
        (aiohttp.ClientPayloadError, "protocol_error", "The answer's body is not valid HTTP."),
        (aiohttp.ClientResponseError, "protocol_error", "The answer is not valid HTTP."),
        (aiohttp.InvalidURL, "invalid_url", "The URL is not valid."),
        (aiohttp.ClientError, "connection_failed", "The connection failed."),
        (OSError, "connection_failed", "The connection failed."),
    )
    for kind, code, message in kinds:
        if isinstance(error, kind):
            return OutboundError(code, message)
    return OutboundError("invalid_header", "A header's name or value is not valid.")
