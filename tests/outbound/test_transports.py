"""Both transports against real servers: what they dial, and what a hostile answer can cost."""

import asyncio
import gzip
import socket
import time

import pytest

from config.outbound.asynchronous import OutboundClient
from config.outbound.errors import OutboundError
from config.outbound.sync import fetch
from tests.webhooks.receiver import status

MEGABYTE = 2**20


def fetched(url, **given):
    return fetch(url, **{"timeout_s": 5, "max_bytes": MEGABYTE} | given)


def posted(url, **given):
    async def post():
        async with OutboundClient() as client:
            return await client.post(url, **{"body": b"{}", "headers": {}, "timeout_s": 5} | given)

    return asyncio.run(post())


both = pytest.mark.parametrize("send", [fetched, posted], ids=["sync", "async"])


def refusal(send, url, **given):
    with pytest.raises(OutboundError) as refused:
        send(url, **given)
    return refused.value.code


@pytest.fixture
def resolving(monkeypatch):
    """Let names resolve to given addresses; of several lists each look-up takes the next."""
    real = socket.getaddrinfo

    def install(**names):
        def getaddrinfo(host, port, *arguments, **keywords):
            name = host.decode() if isinstance(host, bytes) else host
            if name not in names:
                return real(host, port, *arguments, **keywords)
            answers = names[name]
            addresses = answers.pop(0) if len(answers) > 1 else answers[0]
            return [
                (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))
                if ":" in address
                else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
                for address in addresses
            ]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return install


@both
def test_an_answer_of_any_status_comes_back(send, receiver):
    receiver.answers = [status(503, b"later", x_trace="7")]
    answer = send(receiver.url)
    assert (answer.status, answer.body, answer.headers["x-trace"]) == (503, b"later", "7")


@both
@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "017700000001",
        "0177.0.0.1",
        "127.1",
        "0",
        "１２７.0.0.1",
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[::]",
        "10.0.0.1",
        "169.254.169.254",
        "localhost",
        "127.0.0.1",
    ],
)
def test_no_spelling_of_a_host_leads_inside(settings, send, host, receiver):
    settings.OUTBOUND_ALLOW_LOOPBACK = False
    url = f"https://{host}:{receiver.url.split(':')[2]}"
    assert refusal(send, url) in {"invalid_url", "address_not_allowed", "dns_failed"}
    assert receiver.received == []


@both
def test_a_name_that_leads_inside_is_refused(settings, send, resolving):
    resolving(**{"inside.example": [["10.0.0.1"]], "mapped.example": [["::ffff:10.0.0.1"]]})
    assert refusal(send, "https://inside.example/") == "address_not_allowed"
    assert refusal(send, "https://mapped.example/") == "address_not_allowed"


@pytest.fixture
def dialled(monkeypatch):
    """The addresses that were dialled; none of them answers."""
    addresses = []

    def connect(self, address):
        addresses.append(address[0])
        raise ConnectionRefusedError

    async def sock_connect(self, sock, address):
        connect(sock, address)

    monkeypatch.setattr(asyncio.selector_events.BaseSelectorEventLoop, "sock_connect", sock_connect)
    monkeypatch.setattr(socket.socket, "connect", connect)
    return addresses


@both
def test_a_name_with_a_public_and_a_private_address_is_not_dialled(send, resolving, dialled):
    resolving(**{"both.example": [["8.8.8.8", "10.0.0.1"]]})
    assert refusal(send, "https://both.example/") == "address_not_allowed"
    assert dialled == []


@both
def test_a_name_that_changes_between_check_and_dial_gains_nothing(send, resolving, dialled):
    resolving(**{"rebind.example": [["8.8.8.8"], ["127.0.0.1"]]})
    assert refusal(send, "https://rebind.example/") == "connection_failed"
    assert dialled == ["8.8.8.8"]


@both
def test_the_proxy_of_the_environment_is_not_used(monkeypatch, send, receiver):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert send(receiver.url).status == 200


@both
@pytest.mark.parametrize("behaviour", ["hang", "drip", "drip_headers"])
def test_the_deadline_is_one_for_everything(send, receiver, behaviour):
    receiver.answers = [getattr(receiver, behaviour)]
    started = time.monotonic()
    assert refusal(send, receiver.url, timeout_s=0.7) == "timeout"
    assert time.monotonic() - started < 1.5


@both
def test_endless_headers_end_soon(send, receiver):
    receiver.answers = [receiver.endless_headers]
    started = time.monotonic()
    assert refusal(send, receiver.url, timeout_s=3) in {"protocol_error", "connection_failed"}
    assert time.monotonic() - started < 2


@both
def test_what_is_not_http_is_a_protocol_error(send, receiver):
    receiver.answers = [lambda handler: handler.wfile.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")]
    assert refusal(send, receiver.url, timeout_s=2) in {"protocol_error", "connection_failed"}


@both
def test_a_closed_port_is_a_failed_connection(send):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        assert refusal(send, url) == "connection_failed"


@both
def test_plain_text_where_tls_is_asked_is_a_tls_failure(send, receiver):
    receiver.answers = [status(200)]
    assert refusal(send, receiver.url.replace("http:", "https:"), timeout_s=3) == "tls_failed"


@both
def test_an_unknown_name_is_a_dns_failure(send, monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert refusal(send, "https://unknown.example/") == "dns_failed"


def test_fetch_refuses_a_redirect(receiver):
    receiver.answers = [status(302, Location="http://169.254.169.254/"), status(200)]
    assert refusal(fetched, receiver.url) == "redirect_refused"
    assert len(receiver.received) == 1


def test_fetch_stops_at_its_size(receiver):
    receiver.answers = [receiver.gigabyte]
    assert refusal(fetched, receiver.url) == "too_large"
    receiver.answers = [status(200, b"x" * 1000)]
    assert refusal(fetched, receiver.url, max_bytes=999) == "too_large"
    assert len(fetched(receiver.url, max_bytes=1000).body) == 1000


def test_fetch_stops_a_gzip_bomb_by_what_it_unpacks_to(receiver):
    bomb = gzip.compress(bytes(64 * MEGABYTE))
    assert len(bomb) < MEGABYTE
    receiver.answers = [status(200, bomb, Content_Encoding="gzip")]
    assert refusal(fetched, receiver.url) == "too_large"


def test_fetch_notices_a_body_that_was_cut_by_the_deadline(receiver):
    """Without a length, the end of a connection looks like the end of the body."""
    receiver.answers = [receiver.drip]
    assert refusal(fetched, receiver.url, timeout_s=0.5) == "timeout"


def test_a_delivery_unpacks_nothing(receiver):
    bomb = gzip.compress(bytes(64 * MEGABYTE))
    receiver.answers = [status(200, bomb, Content_Encoding="gzip")]
    assert posted(receiver.url).body == bomb[:16_384]


def test_a_delivery_keeps_no_cookie_for_the_next(receiver):
    receiver.answers = [status(200, Set_Cookie="tenant=one; Path=/")]

    # a cookie jar takes no cookies from bare addresses anyway
    url = receiver.url.replace("127.0.0.1", "localhost")

    async def twice():
        async with OutboundClient() as client:
            for _ in range(2):
                await client.post(url, body=b"{}", headers={}, timeout_s=5)

    asyncio.run(twice())
    assert "cookie" not in receiver.received[1].headers
