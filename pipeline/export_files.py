"""Exports at rest: sealed piece by piece, so that neither writing nor fetching one holds it whole.

A piece is its length in four bytes and then what `config.encryption.seal` makes of it. What it was sealed for
names the export, its place, and whether it is the last: pieces cannot be swapped, left out or cut off
unnoticed.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from tempfile import TemporaryFile
from typing import IO, NamedTuple
from uuid import UUID

from django.core.files.base import File
from django.core.files.storage import storages

from config.encryption import seal, unseal

_PIECE_BYTES = 256 * 1024
_UUID_LENGTH = 36


class Stored(NamedTuple):
    """A file's name in the storage, and the size of what it holds."""

    name: str
    size_bytes: int


def export_save(export_id: UUID, lines: Iterable[bytes]) -> Stored:
    """Seal and store what `lines` yield. Only sealed text reaches a disk."""
    size = 0
    with TemporaryFile() as file:
        pieces = _pieces(lines)
        piece, number = next(pieces, b""), 0
        while True:
            following = next(pieces, None)
            sealed = seal(piece, purpose=_purpose(export_id, number, is_last=following is None))
            file.write(len(sealed).to_bytes(4, "big") + sealed)
            size += len(piece)
            if following is None:
                break
            piece, number = following, number + 1
        file.seek(0)
        name = storages["exports"].save(f"{str(export_id)[-2:]}/{export_id}.sealed", File(file))
    return Stored(name, size)


def export_read(export_id: UUID, name: str) -> Iterator[bytes]:
    """What an export holds, piece by piece.

    Raises FileNotFoundError when it was removed, ValueError once a piece is not as it was written.
    """
    with storages["exports"].open(name) as file:
        length, number = _length(file), 0
        while length is not None:
            sealed = file.read(length)
            length = _length(file)
            yield unseal(sealed, purpose=_purpose(export_id, number, is_last=length is None))
            number += 1


def export_delete(name: str) -> None:
    """Remove a file; one that is gone already is no error."""
    storages["exports"].delete(name)


def exports_stored() -> Iterator[tuple[UUID, str, datetime]]:
    """The export, name and time of each file that is stored."""
    storage = storages["exports"]
    try:
        folders, _ = storage.listdir("")
    except FileNotFoundError:  # nothing was stored yet
        return
    for folder in folders:
        for file in storage.listdir(folder)[1]:
            try:
                export_id = UUID(file[:_UUID_LENGTH])
            except ValueError:
                continue
            name = f"{folder}/{file}"
            yield export_id, name, storage.get_modified_time(name)


def _pieces(lines: Iterable[bytes]) -> Iterator[bytes]:
    held = bytearray()
    for line in lines:
        held += line
        if len(held) >= _PIECE_BYTES:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


def _length(file: IO[bytes] | File) -> int | None:
    head = file.read(4)
    return int.from_bytes(head, "big") if head else None


def _purpose(export_id: UUID, number: int, *, is_last: bool) -> str:
    return f"export:{export_id}:{number}:{'end' if is_last else 'more'}"
