"""One question to both transports, and what each of them makes of it."""

import asyncio
from typing import Any

import pytest

from config.outbound.asynchronous import Answer, OutboundClient
from config.outbound.errors import OutboundError
from config.outbound.sync import OutboundResponse, fetch


def fetched(url: str, **given: Any) -> OutboundResponse:
    return fetch(url, **{"timeout_s": 5, "max_bytes": 2**20} | given)


def posted(url: str, **given: Any) -> Answer:
    async def post() -> Answer:
        async with OutboundClient() as client:
            return await client.post(url, **{"body": b"{}", "headers": {}, "timeout_s": 5} | given)

    return asyncio.run(post())


both = pytest.mark.parametrize("send", [fetched, posted], ids=["sync", "async"])


def outcome(send: Any, url: str, **given: Any) -> int | str:
    """The status of the answer, or the code of the refusal."""
    try:
        return send(url, **given).status
    except OutboundError as error:
        return error.code
