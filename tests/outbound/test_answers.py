"""What a hostile answer can cost: every one ends soon, with a code, and takes little memory."""

import asyncio
import time
import tracemalloc

import pytest

from config.outbound.asynchronous import KEPT_BYTES, OutboundClient
from tests.outbound.hostile import MEGABYTE, bomb, goes_on, head, ok, resets, says, stops
from tests.outbound.sending import both, fetched, outcome, posted

CHUNKED = head("Transfer-Encoding: chunked")
CONNECTION, PROTOCOL = "connection_failed", "protocol_error"
LONG_HEADER = b"X: " + b"y" * 4000 + b"\r\n"
# each with what fetch makes of it, and what a delivery does
BROKEN = {
    "closed without a word": (says(b""), CONNECTION, CONNECTION),
    "reset without a word": (resets(b""), CONNECTION, CONNECTION),
    "not HTTP": (says(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), PROTOCOL, PROTOCOL),
    "no status": (says(b"HTTP/1.1 \r\n\r\n"), PROTOCOL, PROTOCOL),
    "closed within the headers": (says(b"HTTP/1.1 200 OK\r\nX: "), 200, CONNECTION),
    "a header line of 1 MB": (says(head("X: " + "y" * MEGABYTE)), PROTOCOL, PROTOCOL),
    "a header name of 1 MB": (says(head("y" * MEGABYTE + ": x")), PROTOCOL, PROTOCOL),
    "a status line of 1 MB": (says(head(status="200 " + "y" * MEGABYTE)), PROTOCOL, PROTOCOL),
    "10,000 headers": (says(head(*["X: y"] * 10_000)), PROTOCOL, PROTOCOL),
    "endless headers": (goes_on(b"HTTP/1.1 200 OK\r\n", LONG_HEADER), PROTOCOL, PROTOCOL),
    "an endless header line": (goes_on(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 4096), PROTOCOL, PROTOCOL),
    "body shorter than said": (says(head("Content-Length: 99") + b"ok"), PROTOCOL, PROTOCOL),
    "body cut by a reset": (resets(head("Content-Length: 99") + b"ok"), PROTOCOL, PROTOCOL),
    "chunks cut short": (says(CHUNKED + b"5\r\nhe"), PROTOCOL, PROTOCOL),
    "a chunk that is none": (says(CHUNKED + b"zz\r\nhello\r\n0\r\n\r\n"), PROTOCOL, PROTOCOL),
    "broken gzip": (says(ok(b"\x1f\x8bnonsense", "Content-Encoding: gzip")), PROTOCOL, 200),
    "broken br": (says(ok(b"nonsense", "Content-Encoding: br")), PROTOCOL, 200),
}


@pytest.mark.parametrize(("behaviour", "sync", "asynchronous"), BROKEN.values(), ids=BROKEN)
@both
def test_a_broken_answer_is_named(send, server, behaviour, sync, asynchronous):
    server.behaviour = behaviour
    started = time.monotonic()
    assert outcome(send, server.url) == (sync if send is fetched else asynchronous)
    assert time.monotonic() - started < 4, "ended by itself, not by the deadline"
    assert server.said < 20 * MEGABYTE


SLOW = {
    "nothing said": stops(b""),
    "half a status line": stops(b"HTTP/1.1 2"),
    "headers without an end": stops(b"HTTP/1.1 200 OK\r\nX: y\r\n"),
    "a body without its rest": stops(head("Content-Length: 99") + b"ok"),
    "a chunk without its rest": stops(CHUNKED + b"5\r\nhe"),
    "a letter at a time": goes_on(b"", b"H", 0.1),
    "a header at a time": goes_on(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", 0.1),
    "a byte of the body at a time": goes_on(head("Content-Length: 9999"), b".", 0.1),
    "a byte at a time to the end": goes_on(head(), b".", 0.1),
    "a chunk at a time": goes_on(CHUNKED, b"1\r\n.\r\n", 0.1),
    "an interim answer at a time": goes_on(b"", head(status="100 Continue"), 0.1),
}


@pytest.mark.parametrize("behaviour", SLOW.values(), ids=SLOW)
@both
def test_one_deadline_holds_for_all_of_it(send, server, behaviour):
    server.behaviour = behaviour
    started = time.monotonic()
    assert outcome(send, server.url, timeout_s=0.6) in {"timeout", "protocol_error"}
    assert time.monotonic() - started < 2


def peak_of(work):
    """What `work` answers, and how much more memory it held at once, in bytes."""
    tracemalloc.start()
    try:
        return work(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


ENDLESS = {
    "1 GB announced": goes_on(head(f"Content-Length: {2**30}"), bytes(MEGABYTE)),
    "no end announced": goes_on(head(), bytes(MEGABYTE)),
    "chunks": goes_on(CHUNKED, b"100000\r\n" + bytes(MEGABYTE) + b"\r\n"),
    "small chunks": goes_on(CHUNKED, b"1\r\nx\r\n" * 10_000),
    "a chunk's extension": goes_on(CHUNKED + b"5;", b"x" * 65_536),
    "interim answers": goes_on(b"", head(status="100 Continue") * 1000),
    "trailers": goes_on(CHUNKED + b"5\r\nhello\r\n0\r\n", b"X: y\r\n" * 1000),
}


@pytest.mark.parametrize("behaviour", ENDLESS.values(), ids=ENDLESS)
@both
def test_what_never_ends_takes_little_memory(send, server, behaviour):
    server.behaviour = behaviour
    ended, peak = peak_of(lambda: outcome(send, server.url, timeout_s=1))
    assert ended in {200, "too_large", "protocol_error", "timeout"}
    assert peak < 16 * MEGABYTE


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "gzip, gzip", ", ".join(["gzip"] * 20)])
def test_fetch_stops_a_bomb_by_what_it_unpacks_to(server, coding):
    answer = bomb(coding)
    assert len(answer) < MEGABYTE
    server.behaviour = says(answer)
    ended, peak = peak_of(lambda: outcome(fetched, server.url))
    assert ended in {"too_large", "protocol_error"}
    assert peak < 16 * MEGABYTE


def test_fetch_unpacks_what_is_small_enough(server):
    server.behaviour = says(bomb("gzip"))
    assert fetched(server.url, max_bytes=64 * MEGABYTE).body == bytes(64 * MEGABYTE)


def test_a_delivery_unpacks_nothing(server):
    answer = bomb("gzip")
    server.behaviour = says(answer)
    assert posted(server.url).body == answer.partition(b"\r\n\r\n")[2][:KEPT_BYTES]


def test_fetch_stops_at_its_size(server):
    server.behaviour = says(ok(b"x" * 1000))
    assert outcome(fetched, server.url, max_bytes=999) == "too_large"
    assert len(fetched(server.url, max_bytes=1000).body) == 1000


@both
def test_a_body_longer_than_said_is_cut(send, server):
    server.behaviour = says(head("Content-Length: 2") + b"ok" + ok(b"smuggled"))
    assert send(server.url).body == b"ok"


@both
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(send, server, status):
    server.behaviour = says(ok(b"", f"Location: {server.url}inside", status=f"{status} Moved"))
    assert outcome(send, server.url) == ("redirect_refused" if send is fetched else status)
    assert len(server.requests) == 1


@both
def test_an_answer_of_any_status_comes_back(send, server):
    server.behaviour = says(ok(b"later", "X-Trace: 7", status="503 No"))
    answer = send(server.url)
    assert (answer.status, answer.body, answer.headers["x-trace"]) == (503, b"later", "7")


@both
def test_headers_of_any_bytes_are_text(send, server):
    server.behaviour = says(ok().replace(b"\r\n\r\n", b"\r\nX-Odd: caf\xe9 \xff\r\n\r\n", 1))
    assert send(server.url).headers["x-odd"].encode().decode().startswith("caf")


def test_of_the_headers_the_first_16_kb_are_kept(server):
    server.behaviour = says(ok(b"", *(f"X-{number}: {'y' * 4000}" for number in range(8))))
    assert 8_000 < sum(map(len, posted(server.url).headers.values())) <= KEPT_BYTES


def test_no_cookie_is_kept_for_the_next_request(server, resolving):
    resolving({"partner.localhost": ["127.0.0.1"]})  # a jar takes no cookies from bare addresses anyway
    url = f"http://partner.localhost:{server.port}/"
    server.behaviour = says(ok(b"", "Set-Cookie: tenant=one; Path=/", "Connection: close"))

    async def twice():
        async with OutboundClient() as client:
            for _ in range(2):
                await client.post(url, body=b"{}", headers={}, timeout_s=5)

    asyncio.run(twice())
    fetched(url)
    fetched(url)
    assert [b"cookie" in request.lower() for request in server.requests] == [False] * 4


@both
@pytest.mark.parametrize(
    "headers",
    [{"X-A": "b\r\nX-Injected: 1"}, {"X-A": "b\nX"}, {"X-A\r\nX-Injected": "1"}],
)
def test_a_header_that_would_make_two_is_refused(send, server, headers):
    assert outcome(send, server.url, headers=headers) == "invalid_header"
    assert server.requests == []
