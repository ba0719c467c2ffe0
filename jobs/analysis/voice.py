"""Where somebody speaks: Silero voice activity, in seconds."""

from typing import Any

from jobs.analysis.audio import SAMPLE_RATE
from jobs.analysis.models import library

Span = tuple[float, float]


def speech_spans(samples: Any) -> list[Span]:
    """The stretches with a voice, parted by pauses of 0.4 s and more."""
    vad = library("faster_whisper.vad")
    options = vad.VadOptions(min_silence_duration_ms=400, speech_pad_ms=60, threshold=0.5)
    found = vad.get_speech_timestamps(samples, options)
    return [(span["start"] / SAMPLE_RATE, span["end"] / SAMPLE_RATE) for span in found]


def total(spans: list[Span]) -> float:
    """Seconds in all."""
    return sum(end - start for start, end in spans)


def overlap(first: list[Span], second: list[Span]) -> float:
    """Seconds in which both are active."""
    return sum(max(0.0, min(a[1], b[1]) - max(a[0], b[0])) for a in first for b in second)
