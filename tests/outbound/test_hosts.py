"""What is dialled: spellings of a host, answers of a name, and the way there."""

import asyncio
import socket
import threading
import time

import pytest

from config.outbound.asynchronous import OutboundClient
from tests.outbound.hostile import ok, says
from tests.outbound.sending import both, outcome
from tests.outbound.test_policy import HOSTILE_ADDRESSES

SPELLINGS = {
    "plain": "127.0.0.1",
    "decimal": "2130706433",
    "hex": "0x7f000001",
    "hex by parts": "0x7f.0.0.1",
    "hex, short": "0x7f.1",
    "octal": "017700000001",
    "octal by parts": "0177.0.0.01",
    "short": "127.1",
    "short, three parts": "127.0.1",
    "zero": "0",
    "overflowing decimal": "4294967297",
    "trailing dot": "127.0.0.1.",
    "full-width digits": "１２７.0.0.1",
    "full-width dots": "127．0．0．1",
    "circled digits": "①②⑦.⓪.⓪.①",
    "ideographic dots": "127。0。0。1",
    "percent-encoded": "%31%32%37.0.0.1",
    "Arabic digits": "١٢٧.0.0.1",
    "localhost": "localhost",
    "localhost, trailing dot": "localhost.",
    "localhost, capitals": "LocalHost",
    "localhost, full-width": "ｌｏｃａｌｈｏｓｔ",
    "below localhost": "hub.localhost",
    "v6": "[::1]",
    "v6 in full": "[0:0:0:0:0:0:0:1]",
    "v6 unspecified": "[::]",
    "IPv4-mapped": "[::ffff:127.0.0.1]",
    "IPv4-mapped, hex": "[::ffff:7f00:1]",
    "IPv4-compatible": "[::127.0.0.1]",
    "NAT64": "[64:ff9b::127.0.0.1]",
    "local NAT64": "[64:ff9b:1::127.0.0.1]",
    "6to4": "[2002:7f00:1::]",
    "zone": "[::1%25lo]",
}


@both
@pytest.mark.parametrize("host", SPELLINGS.values(), ids=SPELLINGS)
def test_no_spelling_of_this_machine_is_dialled(settings, send, host, server):
    settings.OUTBOUND_ALLOW_LOOPBACK = False
    for scheme in ("https", "http"):
        refused = outcome(send, f"{scheme}://{host}:{server.port}/", timeout_s=5)
        assert refused in {"invalid_url", "address_not_allowed", "dns_failed"}
    assert server.requests == []


@both
def test_a_literal_that_is_not_public_is_not_dialled(send, dialled):
    for address in HOSTILE_ADDRESSES.values():
        if address not in ("127.0.0.1", "::1"):
            host = f"[{address.replace('%', '%25')}]" if ":" in address else address
            assert outcome(send, f"https://{host}/") in {"invalid_url", "address_not_allowed"}, address
    assert dialled == []


@both
def test_a_name_that_leads_inside_is_not_dialled(settings, send, resolving, dialled):
    """By address or by CNAME: what is judged is where the name ends."""
    settings.OUTBOUND_ALLOW_LOOPBACK = False
    names = {f"{number}.example": [address] for number, address in enumerate(HOSTILE_ADDRESSES.values())}
    resolving(names)
    for name, addresses in names.items():
        assert outcome(send, f"https://{name}/") == "address_not_allowed", addresses
    assert dialled == []


@both
def test_a_name_with_a_public_and_a_private_address_is_not_dialled(send, resolving, dialled):
    resolving({"both.example": ["8.8.8.8", "10.0.0.1"], "six.example": ["2606:4700::1111", "::1"]})
    assert outcome(send, "https://both.example/") == "address_not_allowed"
    assert dialled == []


@both
def test_a_name_that_changes_between_check_and_dial_gains_nothing(settings, send, resolving, dialled):
    settings.OUTBOUND_ALLOW_LOOPBACK = False
    asked = resolving({"rebind.example": ["8.8.8.8"]}, then={"rebind.example": ["127.0.0.1"]})
    assert outcome(send, "https://rebind.example/") == "connection_failed"
    assert dialled == ["8.8.8.8"]
    assert asked == ["rebind.example"]


def test_a_kept_connection_is_not_asked_for_again(settings, resolving, server):
    """Where it leads was judged when it was dialled; a name that lies by then changes nothing."""
    asked = resolving({"kept.localhost": ["127.0.0.1"]}, then={"kept.localhost": ["10.0.0.1"]})
    server.behaviour = says(ok(b"", "Connection: keep-alive"))
    server.last_words = b"keep-alive"

    async def thrice():
        async with OutboundClient() as client:
            for _ in range(3):
                url = f"http://kept.localhost:{server.port}/"
                assert (await client.post(url, body=b"{}", headers={}, timeout_s=5)).status == 200

    asyncio.run(thrice())
    assert (len(server.requests), asked) == (3, ["kept.localhost"])


@both
def test_a_name_cannot_make_us_knock_at_a_whole_network(send, resolving, dialled):
    resolving({"many.example": [f"8.8.{third}.8" for third in range(200)]})
    assert outcome(send, "https://many.example/") == "connection_failed"
    assert len(set(dialled)) == 4


@both
@pytest.mark.parametrize(
    "name", ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"]
)
def test_the_proxy_of_the_environment_is_not_used(monkeypatch, send, server, name):
    monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert send(server.url).status == 200


@both
def test_the_passwords_of_the_environment_are_not_sent(monkeypatch, tmp_path, send, server):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login hub password secret")
    monkeypatch.setenv("NETRC", str(netrc))
    send(server.url)
    assert b"authorization" not in server.requests[0].lower()


@both
def test_an_unknown_name_is_a_dns_failure(send, resolving):
    resolving({})
    assert outcome(send, "https://unknown.example/") == "dns_failed"


@both
def test_a_closed_port_is_a_failed_connection(send):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert outcome(send, f"http://127.0.0.1:{unused.getsockname()[1]}/") == "connection_failed"


@pytest.fixture
def hanging_names(monkeypatch):
    """Names below `hang.example` are looked up until the test ends."""
    over = threading.Event()
    real = socket.getaddrinfo

    def getaddrinfo(host, *arguments):
        if host.endswith("hang.example"):
            over.wait(30)
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return real(host, *arguments)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield
    over.set()


@both
def test_a_look_up_that_hangs_is_held_to_the_deadline(send, hanging_names):
    started = time.monotonic()
    assert outcome(send, "https://hang.example/", timeout_s=0.4) == "timeout"
    assert time.monotonic() - started < 2


def test_look_ups_that_hang_leave_others_their_turn(hanging_names, server):
    async def all_of_them():
        async with OutboundClient() as client:
            hanging = [
                asyncio.create_task(
                    client.post(f"https://{number}.hang.example/", body=b"", headers={}, timeout_s=20)
                )
                for number in range(200)
            ]
            await asyncio.sleep(0.2)
            url = f"http://localhost:{server.port}/"
            answer = await client.post(url, body=b"{}", headers={}, timeout_s=5)
            for task in hanging:
                task.cancel()
            await asyncio.gather(*hanging, return_exceptions=True)
            return answer.status

    assert asyncio.run(all_of_them()) == 200
