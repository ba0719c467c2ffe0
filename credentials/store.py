"""The Redis-compatible store as the governed request uses it: one script, one round trip.

A client object of redis-py costs more than the script it runs, so scripts go over its connections directly:
one a thread, with redis-py's own TLS, sign-in and timeouts. A call can be sent first and its answer be read
later, so that a request waits for both stores at once.
"""

import ctypes
import hashlib
import socket
import struct
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import hiredis
import redis
import structlog
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from credentials.limits_fallback import fallback

log = structlog.get_logger(__name__)

# An answer takes a fraction of a millisecond; a false alarm costs nothing but a slower minute.
_TIMEOUT_S = 0.5
# How long requests go past a store that failed, while one of them asks it again.
_REST_S = 1.0

store = redis.Redis.from_url(
    settings.REDIS_URL,
    socket_timeout=_TIMEOUT_S,
    socket_connect_timeout=_TIMEOUT_S,
    # a connection that was closed while idle is opened again; nobody waits twice for a silent store
    retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
)
_rests_until = 0.0


def _leave_waiting_to_the_kernel(connection: Any) -> None:
    """Give a new connection the kernel's time-outs instead of Python's.

    Python would ask poll() before each send and receive, and let go of the interpreter for it each time.
    """
    seconds, microseconds = divmod(round(_TIMEOUT_S * 1_000_000), 1_000_000)
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        connection._sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", seconds, microseconds))
    connection.on_connect()


_connections = redis.ConnectionPool.from_url(
    settings.REDIS_URL,
    socket_timeout=None,
    socket_connect_timeout=_TIMEOUT_S,
    retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
    redis_connect_func=_leave_waiting_to_the_kernel,
)


# A socket of Python's lets go of the interpreter around each call, and another thread takes it: that costs
# more than the call where there is nothing to wait for. These keep it, and never wait.
_libc: Any = ctypes.PyDLL(None)
_libc.send.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int)
_libc.send.restype = ctypes.c_ssize_t
_libc.recv.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
_libc.recv.restype = ctypes.c_ssize_t
_AT_ONCE = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL
# More than a script's answer has; what does not fit is read as ever.
_ANSWER_BYTES = 1024


class _Thread(threading.local):
    connection: Any = None
    has_answered = False
    is_owed_an_answer = False
    # gives what came for the call that was asked, where it had to be read before its asker wants it
    answered_early: Callable[[], Any] | None = None

    def __init__(self) -> None:
        self.buffer = ctypes.create_string_buffer(_ANSWER_BYTES)


_thread = _Thread()


def store_rests() -> bool:
    """Whether the store has failed and not answered since."""
    return bool(_rests_until)


def store_is_up() -> bool:
    """Whether to ask the store. After a failure one request a second does, and the others go past it."""
    global _rests_until
    if not _rests_until:
        return True
    now = time.monotonic()
    if now < _rests_until:
        return False
    _rests_until = now + _REST_S
    return True


def store_answered() -> None:
    """Note that the store decides again."""
    global _rests_until
    _rests_until = 0.0


def store_failed(error: redis.RedisError) -> None:
    """Note that the store does not answer; the first request after a second asks again."""
    global _rests_until
    _rests_until = time.monotonic() + _REST_S
    fallback.store_is_gone()
    log.warning("limit_store_unavailable", error=str(error))


def value_read(name: str) -> bytes | None:
    """A key's value. Raises redis.RedisError when the store does not answer.

    Where this thread has asked a script, both answers are waited for at once.
    """
    command = _packed("GET", name)
    value: bytes | None = _read_behind(command) if _thread.is_owed_an_answer else _round_trip(command)
    return value


class Script:
    """A Lua script of the store."""

    def __init__(self, text: str) -> None:
        self._text = text.encode()
        self._digest = hashlib.sha1(self._text, usedforsecurity=False).hexdigest()

    def call_of(self, *, keys: tuple[str, ...], arguments: tuple[str | int, ...]) -> bytes:
        """One call in the protocol's bytes, for `run`; the same call may be run many times."""
        return _packed("EVALSHA", self._digest, len(keys), *keys, *arguments)

    def run(self, call: bytes) -> Any:
        """The script's answer. Raises redis.RedisError when the store does not give one."""
        try:
            return _round_trip(call)
        except redis.exceptions.NoScriptError:
            return self._load_and_run(call)

    def ask(self, call: bytes) -> bool:
        """Send a call whose answer this thread reads by `answer`, before any other call.

        False, and nothing sent, where that would mean waiting: for a connection, or for room in it.
        """
        connection = _thread.connection
        if not _thread.has_answered or type(connection._sock) is not socket.socket:
            return False
        _thread.has_answered, _thread.answered_early = False, None
        _thread.is_owed_an_answer = _sent_at_once(call)
        return _thread.is_owed_an_answer

    def answer(self, call: bytes) -> Any:
        """The answer to what this thread has asked; waits for it. Raises as `run`."""
        early, _thread.answered_early = _thread.answered_early, None
        try:
            if early is not None:
                return early()
            return _late_answer(call) if _thread.is_owed_an_answer else _round_trip(call)
        except redis.exceptions.NoScriptError:
            return self._load_and_run(call)

    def _load_and_run(self, call: bytes) -> Any:
        fallback.store_restarted(store)
        _round_trip(_packed("SCRIPT", "LOAD", self._text))
        return _round_trip(call)


def _packed(*parts: str | int | bytes) -> bytes:
    pack: Any = hiredis.pack_command  # its annotation says one part
    return pack(parts)


def _round_trip(command: bytes) -> Any:
    if _thread.is_owed_an_answer:
        raise RuntimeError("This thread has asked and not read the answer.")
    if _thread.connection is None:
        _thread.connection = _connections.make_connection()
    has_answered, _thread.has_answered = _thread.has_answered, False
    try:
        answer = _once(command)
    except redis.ConnectionError:
        if not has_answered:
            raise
        # it was closed while idle, or the store has been restarted
        answer = _once(command)
    _thread.has_answered = True
    return answer


def _late_answer(command: bytes) -> Any:
    _thread.is_owed_an_answer = False
    try:
        _take_what_has_come()
        answer = _response()
    except redis.ConnectionError:
        answer = _once(command)  # as in a round trip
    _thread.has_answered = True
    return answer


def _read_behind(command: bytes) -> Any:
    """As _round_trip, behind a script whose answer comes first. That is kept for its asker, errors too."""
    _thread.is_owed_an_answer = False
    try:
        if not _sent_at_once(command):
            raise redis.ConnectionError("There was no room to send.")
        _take_what_has_come()
        _thread.answered_early = _read_for_another()
        answer = _response()
    except redis.ConnectionError:
        answer = _once(command)  # as in a round trip; the script is asked anew
    except redis.RedisError as error:
        # nobody waits twice for a silent store
        _thread.answered_early = _thread.answered_early or partial(_raise, error)
        raise
    _thread.has_answered = True
    return answer


def _read_for_another() -> Callable[[], Any]:
    try:
        answer = _response()
    except redis.ResponseError as error:
        return partial(_raise, error)
    return lambda: answer


def _raise(error: Exception) -> Any:
    raise error


def _sent_at_once(command: bytes) -> bool:
    """Send without waiting; False, and the connection closed, where there is no room for all of it."""
    connection = _thread.connection
    if _libc.send(connection._sock.fileno(), command, len(command), _AT_ONCE) == len(command):
        return True
    connection.disconnect()  # the store drops the part of a call that it may have got
    return False


def _take_what_has_come() -> None:
    connection = _thread.connection
    size = _libc.recv(connection._sock.fileno(), _thread.buffer, _ANSWER_BYTES, _AT_ONCE)
    if size > 0:
        connection._parser._reader.feed(_thread.buffer, 0, size)


def _response() -> Any:
    try:
        return _thread.connection.read_response()
    except redis.ConnectionError as error:
        if isinstance(error.__context__, BlockingIOError):  # the kernel's time-out
            raise redis.TimeoutError("The store is silent.") from error
        raise


def _once(command: bytes) -> Any:
    _thread.connection.send_packed_command([command], check_health=False)
    return _response()
