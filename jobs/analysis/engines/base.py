"""What every transcription engine takes and answers. Another engine is one class."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Word:
    word: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Heard:
    """What an engine makes of one signal; `doubts` are its own reasons to distrust it."""

    words: list[Word]
    language: str
    language_confidence: float
    doubts: tuple[str, ...] = ()


class TranscriptionEngine(Protocol):
    """Turns one mono signal at 16 kHz into words."""

    def transcribe(self, samples: Any, *, language: str | None, progress: Callable[[float], None]) -> Heard:
        """`progress` is told the seconds of audio that are done."""
