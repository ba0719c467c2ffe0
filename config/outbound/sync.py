"""Fetching from another machine, for code that waits: requests, held to our policy, deadline and
size.
"""

import http.client
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.filepost import encode_multipart_formdata

from config.outbound.errors import OutboundError
from config.outbound.policy import AddressInfo, resolve, url_check
from config.outbound.trust import tls_context

USER_AGENT = "PartnerHub/1"
_CHUNK_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class OutboundResponse:
    """An answer: `body` is decompressed, header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def fetch(
    url: str,
    *,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout_s: float,
    max_bytes: int,
) -> OutboundResponse:
    """Send one request; the answer may have any status but a redirect, which is refused.

    `timeout_s` bounds the whole exchange from the name's look-up to the body's last byte, `max_bytes` the
    body after decompression. No proxy, netrc or cookie is used. Raises OutboundError.
    """
    try:
        url_check(url)
    except ValueError as error:
        raise OutboundError("invalid_url", str(error)) from error
    with _deadline(timeout_s) as deadline, _session(deadline) as session:
        try:
            response = session.request(
                method,
                url,
                data=body,
                headers=headers,
                allow_redirects=False,
                stream=True,
                timeout=timeout_s,
            )
            with response:
                answer = _read(response, max_bytes)
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            if deadline.expired:
                raise OutboundError("timeout", _late(timeout_s)) from error
            raise _translated(error) from error
        if deadline.expired:  # a body without a length ends quietly when its socket is shut
            raise OutboundError("timeout", _late(timeout_s))
    return answer


def multipart(fields: Sequence[tuple[str, str]], **files: tuple[str, bytes, str]) -> tuple[bytes, str]:
    """A form as `multipart/form-data`: its body and Content-Type; files are (name, content, media type)."""
    return encode_multipart_formdata([*fields, *files.items()])


def _read(response: requests.Response, max_bytes: int) -> OutboundResponse:
    if response.is_redirect:
        raise OutboundError("redirect_refused", "The address answered with a redirect.")
    too_large = OutboundError("too_large", f"The answer is larger than {max_bytes} bytes.")
    length = response.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > max_bytes:
        raise too_large
    body = bytearray()
    for chunk in response.iter_content(_CHUNK_BYTES):
        body += chunk
        if len(body) > max_bytes:
            raise too_large
    headers = {name.lower(): value for name, value in response.headers.items()}
    return OutboundResponse(response.status_code, headers, bytes(body))


class _Deadline:
    """Dials for one exchange, and shuts its sockets when its time is over; what then reads or writes them
    fails.
    """

    def __init__(self, timeout_s: float) -> None:
        self.expired = False
        self._ends_at = time.monotonic() + timeout_s
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []

    def dial(self, host: str, port: int) -> socket.socket:
        """A connection to the first of the host's addresses that takes one. Raises OutboundError, OSError."""
        addresses = self._resolve(host, port)
        failure = OSError("no address")
        for tried, (family, kind, protocol, _, address) in enumerate(addresses):
            opened = socket.socket(family, kind, protocol)
            try:
                opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                opened.settimeout(self._left_s() / (len(addresses) - tried))
                opened.connect(address)
            except OSError as error:
                opened.close()
                failure = error
                continue
            opened.settimeout(self._left_s())
            self._watch(opened)
            return opened
        raise failure

    def expire(self) -> None:
        with self._lock:
            self.expired = True
            self._shut()

    def close(self) -> None:
        with self._lock:
            for watched in self._sockets:
                watched.close()
            self._sockets.clear()

    def _left_s(self) -> float:
        left_s = self._ends_at - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        return left_s

    def _resolve(self, host: str, port: int) -> Sequence[AddressInfo]:
        # the system's resolver knows no deadline: at ours its thread is left behind
        thread = ThreadPoolExecutor(1, thread_name_prefix="outbound-dns")
        try:
            return thread.submit(resolve, host, port).result(self._left_s())
        finally:
            thread.shutdown(wait=False)

    def _watch(self, opened: socket.socket) -> None:
        with self._lock:
            # a duplicate: wrapping a socket in TLS detaches the original from its connection
            self._sockets.append(opened.dup())
            if self.expired:
                self._shut()

    def _shut(self) -> None:
        for watched in self._sockets:
            try:
                watched.shutdown(socket.SHUT_RDWR)
            except OSError:  # the other side closed it first
                continue


@contextmanager
def _deadline(timeout_s: float) -> Iterator[_Deadline]:
    deadline = _Deadline(timeout_s)
    timer = threading.Timer(timeout_s, deadline.expire)
    timer.daemon = True
    timer.start()
    try:
        yield deadline
    finally:
        timer.cancel()
        deadline.close()


class _Adapter(HTTPAdapter):
    """requests' adapter, whose connections are dialled by us and verified as the hub's others are."""

    def __init__(self, deadline: _Deadline) -> None:
        self._deadline = deadline
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=tls_context(), **kwargs)
        self.poolmanager.pool_classes_by_scheme = _pools(self._deadline)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Nothing to add: the context verifies."""


def _pools(deadline: _Deadline) -> dict[str, type[HTTPConnectionPool]]:
    """urllib3 makes every connection by `_new_conn`; the certificate is checked against the host, as ever."""

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return deadline.dial(self._dns_host, self.port)

    class Encrypted(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return deadline.dial(self._dns_host, self.port)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class EncryptedPool(HTTPSConnectionPool):
        ConnectionCls = Encrypted

    return {"http": PlainPool, "https": EncryptedPool}


@contextmanager
def _session(deadline: _Deadline) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.headers["User-Agent"] = USER_AGENT
        adapter = _Adapter(deadline)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        yield session


def _translated(error: Exception) -> OutboundError:
    causes = list(_causes(error))
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return OutboundError("dns_failed", "The host's name does not resolve.")
    if isinstance(error, requests.exceptions.SSLError):
        return OutboundError("tls_failed", "The host's certificate or TLS was refused.")
    if any(isinstance(cause, TimeoutError) for cause in causes):
        return OutboundError("timeout", "The host did not answer in time.")
    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema)):
        return OutboundError("invalid_url", "The URL is not valid.")
    if isinstance(error, (requests.exceptions.InvalidHeader, UnicodeError)):
        return OutboundError("invalid_header", "A header's name or value is not valid.")
    broken = (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError)
    spoken = any(
        isinstance(cause, http.client.HTTPException) and not isinstance(cause, OSError) for cause in causes
    )
    if (
        isinstance(error, (requests.ConnectionError, OSError))
        and not spoken
        and not isinstance(error, broken)
    ):
        return OutboundError("connection_failed", "The connection failed.")
    return OutboundError("protocol_error", "The answer is not valid HTTP.")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and all it wraps: by cause, context, or (urllib3) as argument or `reason`."""
    seen: set[int] = set()
    todo: list[object] = [error]
    while todo:
        found = todo.pop()
        if isinstance(found, BaseException) and id(found) not in seen:
            seen.add(id(found))
            yield found
            todo += [
                found.__cause__,
                found.__context__,
                getattr(found, "reason", None),
                *found.args,
            ]


def _late(timeout_s: float) -> str:
    return f"The exchange took longer than {timeout_s:g} s."
