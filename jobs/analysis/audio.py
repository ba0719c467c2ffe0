"""Recordings as samples, and the formats they come in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobs.analysis.errors import AnalysisError

if TYPE_CHECKING:
    import numpy

SAMPLE_RATE = 16_000
MAX_BYTES = 60_000_000
MAX_SECONDS = 2 * 3600


@dataclass(frozen=True, slots=True)
class Recording:
    """Decoded audio: `channels` holds 1 or 2 float32 arrays at 16 kHz in [-1, 1]."""

    channels: list[numpy.ndarray]
    source_rate: int
    container: str

    @property
    def duration_s(self) -> float:
        return len(self.channels[0]) / SAMPLE_RATE


def container_of(content: bytes) -> str:
    """The container by its magic bytes, as the decoder names it; the sender's word counts for nothing.

    Raises AnalysisError (unsupported_format): playlists, session descriptions and text are none.
    """
    head = content[:16]
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return "wav"
    if head[:4] == b"OggS":
        return "ogg"
    if head[:4] == b"fLaC":
        return "flac"
    if head[4:8] == b"ftyp":
        return "mov"
    if head[:4] == b"\x1aE\xdf\xa3":
        return "matroska"
    if head[:5] == b"#!AMR":
        return "amr"
    if head[:3] == b"ID3" or (len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 in (0xE2, 0xE4, 0xE6)):
        return "mp3"
    raise AnalysisError("unsupported_format", "Send wav, mp3, m4a, ogg, opus, webm, flac or amr audio.")
