"""Fetching from another machine, for code that waits: requests, held to our policy, deadline and
size.
"""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests
from ssrfguard import BlockedAddressError, SSRFGuardError
from ssrfguard.requests import SafeAdapter
from urllib3.exceptions import HTTPError, NameResolutionError

from config.outbound.errors import OutboundError
from config.outbound.policy import outbound_policy, url_check

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

    `timeout_s` bounds the whole exchange from the connection to the body's last byte (the name's
    look-up is bounded by the system's resolver), `max_bytes` the body after decompression.
    No proxy or netrc of the environment is used. Raises OutboundError.
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
                # ssrfguard tries up to four addresses, each with the whole connect timeout
                timeout=(timeout_s / 4, timeout_s),
            )
            with response:
                answer = _read(response, max_bytes)
        except (requests.RequestException, HTTPError, SSRFGuardError, OSError) as error:
            if deadline.expired:
                raise OutboundError("timeout", _late(timeout_s)) from error
            raise _translated(error) from error
        if deadline.expired:  # a body without a length ends quietly when its socket is shut
            raise OutboundError("timeout", _late(timeout_s))
    return answer


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
    """Shuts the sockets of one exchange when its time is over; what then reads or writes them
    fails.
    """

    def __init__(self) -> None:
        self.expired = False
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []

    def watch(self, opened: socket.socket) -> None:
        with self._lock:
            # a duplicate: wrapping a socket in TLS detaches the original from its connection
            self._sockets.append(opened.dup())
            if self.expired:
                self._shut()

    def expire(self) -> None:
        with self._lock:
            self.expired = True
            self._shut()

    def close(self) -> None:
        with self._lock:
            for watched in self._sockets:
                watched.close()
            self._sockets.clear()

    def _shut(self) -> None:
        for watched in self._sockets:
            try:
                watched.shutdown(socket.SHUT_RDWR)
            except OSError:  # the other side closed it first
                continue


@contextmanager
def _deadline(timeout_s: float) -> Iterator[_Deadline]:
    deadline = _Deadline()
    timer = threading.Timer(timeout_s, deadline.expire)
    timer.daemon = True
    timer.start()
    try:
        yield deadline
    finally:
        timer.cancel()
        deadline.close()


class _WatchedAdapter(SafeAdapter):
    """ssrfguard's adapter, which dials only addresses it has checked, with its sockets watched."""

    def __init__(self, deadline: _Deadline) -> None:
        self._deadline = deadline
        super().__init__(policy=outbound_policy(), max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        pools = self.poolmanager.pool_classes_by_scheme
        self.poolmanager.pool_classes_by_scheme = {
            scheme: _watched(pool, self._deadline) for scheme, pool in pools.items()
        }


def _watched(pool: Any, deadline: _Deadline) -> Any:
    class Connection(pool.ConnectionCls):
        def _new_conn(self) -> socket.socket:
            opened = super()._new_conn()
            deadline.watch(opened)
            return opened

    return type(f"Watched{pool.__name__}", (pool,), {"ConnectionCls": Connection})


@contextmanager
def _session(deadline: _Deadline) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.headers["User-Agent"] = USER_AGENT
        adapter = _WatchedAdapter(deadline)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        yield session


def _translated(error: BaseException) -> OutboundError:
    causes = list(_causes(error))
    if any(isinstance(cause, BlockedAddressError) for cause in causes):
        return OutboundError("address_not_allowed", "The host does not lead to a public address.")
    if any(isinstance(cause, SSRFGuardError) for cause in causes):
        return OutboundError("invalid_url", "The URL is not allowed.")
    if any(isinstance(cause, (socket.gaierror, NameResolutionError)) for cause in causes):
        return OutboundError("dns_failed", "The host's name does not resolve.")
    if isinstance(error, requests.exceptions.SSLError):
        return OutboundError("tls_failed", "The host's certificate or TLS was refused.")
    if isinstance(error, (requests.Timeout, TimeoutError)):
        return OutboundError("timeout", "The host did not answer in time.")
    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema)):
        return OutboundError("invalid_url", "The URL is not valid.")
    if isinstance(error, (requests.ConnectionError, OSError)) and not isinstance(
        error, (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError)
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
