"""Files that browsers send in: kept in memory, since a temporary file would be audio in the clear."""

from io import BytesIO

from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile

from jobs.audio_input import MAX_AUDIO_BYTES


class RecordingUploadHandler(FileUploadHandler):
    """Takes one file; beyond `max_bytes` it keeps one byte, which tells that there were more."""

    max_bytes = MAX_AUDIO_BYTES
    _taken = False

    def new_file(self, *args: object, **kwargs: object) -> None:
        super().new_file(*args, **kwargs)  # type: ignore[arg-type]
        if self._taken:
            raise SkipFile
        self._taken = True
        self._content = bytearray()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        room = self.max_bytes + 1 - len(self._content)
        self._content += raw_data[:room]

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        return InMemoryUploadedFile(
            BytesIO(self._content),
            self.field_name,
            self.file_name or "recording",
            self.content_type or "",
            len(self._content),
            self.charset,
            self.content_type_extra,
        )
