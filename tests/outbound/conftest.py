"""A hostile server, and a resolver and a network that lie."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Any

import pytest

from tests.outbound.hostile import HostileServer


@pytest.fixture
def server() -> Iterator[HostileServer]:
    server = HostileServer()
    yield server
    server.close()


@pytest.fixture
def resolving(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Let the system's resolver know these names alone; from the second look-up on, what `then` says."""
    real = socket.getaddrinfo

    def install(names: dict[str, list[str]], then: dict[str, list[str]] | None = None) -> list[str]:
        asked: list[str] = []

        def getaddrinfo(host: str, port: int, *arguments: Any) -> list[Any]:
            try:
                ip_address(host.partition("%")[0])
            except ValueError:
                known = then if then and host in asked else names
                asked.append(host)
                if host not in known:
                    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known") from None
                return [info for address in known[host] for info in _info(address, port)]
            return real(host, port, *arguments)

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        return asked

    return install


def _info(address: str, port: int) -> list[Any]:
    if ":" in address:
        return [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))]
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that were dialled; none of them answers."""
    addresses: list[str] = []

    def connect(self: socket.socket, address: Any) -> None:
        addresses.append(address[0])
        raise ConnectionRefusedError

    async def sock_connect(self: Any, sock: socket.socket, address: Any) -> None:
        connect(sock, address)

    monkeypatch.setattr(asyncio.selector_events.BaseSelectorEventLoop, "sock_connect", sock_connect)
    monkeypatch.setattr(socket.socket, "connect", connect)
    return addresses
