"""A script is asked, something else is read behind it, and each gets its own answer."""

import secrets
import signal
import time

import pytest
import redis

from credentials import store as store_module
from credentials.store import Script, value_read
from tests.faults.servers import valkey

COUNT = Script("return redis.call('INCR', KEYS[1])")


@pytest.fixture(scope="module")
def server():
    with valkey() as server:
        yield server


@pytest.fixture
def other(server, monkeypatch):
    """Another client of the store, which this process asks by a connection of its own."""
    kwargs = store_module._connections.connection_kwargs
    pool = redis.ConnectionPool.from_url(
        server.url, **{name: kwargs[name] for name in ("retry", "redis_connect_func")}
    )
    client = redis.Redis.from_url(server.url)
    monkeypatch.setattr(store_module, "_connections", pool)
    monkeypatch.setattr(store_module, "_thread", store_module._Thread())
    monkeypatch.setattr(store_module, "store", client)
    client.set("beside", "here")
    return client


@pytest.fixture
def counter(other):
    """The call that counts one, on a connection that has answered; it has counted once."""
    call = COUNT.call_of(keys=(secrets.token_hex(8),), arguments=())
    assert COUNT.run(call) == 1
    return call


def test_both_answers_come_to_whom_they_belong(counter):
    assert COUNT.ask(counter)
    assert value_read("beside") == b"here"
    assert value_read("missing") is None
    assert COUNT.answer(counter) == 2
    assert COUNT.run(counter) == 3


def test_a_script_that_the_store_has_forgotten_is_loaded_again(counter, other):
    other.script_flush()
    assert COUNT.ask(counter)
    assert value_read("beside") == b"here"
    assert COUNT.answer(counter) == 2


def test_where_the_connection_closes_meanwhile_both_are_asked_anew(counter, other):
    assert COUNT.ask(counter)
    other.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    assert value_read("beside") == b"here"
    assert COUNT.answer(counter) == 3


def test_nobody_waits_twice_for_a_silent_store(counter, server):
    server.signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        assert COUNT.ask(counter)
        with pytest.raises(redis.TimeoutError):
            value_read("beside")
        with pytest.raises(redis.TimeoutError):
            COUNT.answer(counter)
        assert time.monotonic() - began < 0.9
        with pytest.raises(redis.RedisError):
            value_read("beside")
    finally:
        server.signal(signal.SIGCONT)
    assert value_read("beside") == b"here"
