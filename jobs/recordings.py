"""Recordings at rest: sealed, in the storage named "recordings" (files, or S3 by configuration)."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import storages

from config.encryption import seal, unseal

_UUID_LENGTH = 36


def recording_save(*, call_id: UUID, content: bytes) -> str:
    """Seal and store a call's audio; answers its name in the storage."""
    sealed = seal(content, purpose=f"recording:{call_id}")
    return storages["recordings"].save(f"{str(call_id)[-2:]}/{call_id}.sealed", ContentFile(sealed))


def recording_read(*, call_id: UUID, name: str) -> bytes:
    """The audio of a call. Raises FileNotFoundError when it was erased, ValueError when it was changed."""
    with storages["recordings"].open(name) as file:
        return unseal(file.read(), purpose=f"recording:{call_id}")


def recording_delete(*, name: str) -> None:
    """Erase a recording; one that is gone already is no error."""
    storages["recordings"].delete(name)


def recordings_stored() -> Iterator[list[tuple[UUID, str]]]:
    """What is stored, folder by folder: each file's call and name. Files of other names are passed over."""
    storage = storages["recordings"]
    try:
        folders, _ = storage.listdir("")
    except FileNotFoundError:  # nothing was stored yet
        return
    for folder in folders:
        _, files = storage.listdir(folder)
        yield [(call_id, f"{folder}/{file}") for file in files if (call_id := _call_of(file))]


def recording_stored_at(*, name: str) -> datetime:
    return storages["recordings"].get_modified_time(name)


def _call_of(file: str) -> UUID | None:
    try:
        return UUID(file[:_UUID_LENGTH])
    except ValueError:
        return None
