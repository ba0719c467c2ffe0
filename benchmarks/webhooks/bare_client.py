"""The limit, run in a process of its own (benchmarks/remote.py): posts signed bodies from one event loop.

No database, address check, retry or record; of an answer only the status is read.
"""

import asyncio
import time
import uuid

from webhooks.signing import Signers, signed_headers


class _Connection:
    """A kept connection that writes whole requests and reads whole answers."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def post(self, request: bytes) -> None:
        self._writer.write(request)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        if not answer.startswith(b"HTTP/1.1 200 "):
            raise ConnectionError(answer[:100])
        await self._reader.readexactly(2)


def post(port: int, secret: str, count: int, slots: int, body: str) -> list[str]:
    """Post so many, `slots` at a time; answers their ids. Raises ConnectionError unless all get a 200."""
    ids = [str(uuid.uuid4()) for _ in range(count)]
    left = iter(ids)
    content, signers = body.encode(), Signers((secret,))

    async def slot() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        connection = _Connection(reader, writer)
        for webhook_id in left:
            headers = signed_headers(
                body=content,
                signers=signers,
                webhook_id=webhook_id,
                attempt_number=1,
                timestamp=int(time.time()),
            )
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            head = f"POST /hooks HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(content)}\r\n{lines}\r\n"
            await connection.post(head.encode() + content)
        writer.close()

    async def all_slots() -> None:
        await asyncio.gather(*(slot() for _ in range(slots)))

    asyncio.run(all_slots())
    return ids
