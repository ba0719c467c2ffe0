"""Speech to text: words with times and confidence, each given to the voice that says it."""

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any

from jobs.analysis.audio import SAMPLE_RATE
from jobs.analysis.engines.base import TranscriptionEngine, Word
from jobs.analysis.masking import mask
from jobs.analysis.speakers import Speakers, Voice
from jobs.analysis.voice import total

# A pause that ends a turn even when nobody else speaks.
_TURN_PAUSE_S = 1.2
_LOW_CONFIDENCE = 0.55
_LOW_LANGUAGE = 0.5


@dataclass(frozen=True, slots=True)
class Segment:
    """What one voice says in one go; `role` is "agent", "customer" or "unknown"."""

    speaker: str
    role: str
    start: float
    end: float
    text: str
    confidence: float
    words: list[Word]


@dataclass(frozen=True, slots=True)
class Transcript:
    """A call in words. `low_confidence` names the reasons to read it with care."""

    language: str
    language_confidence: float
    confidence: float
    low_confidence: list[str]
    segments: list[Segment]

    @property
    def text(self) -> str:
        return " ".join(segment.text for segment in self.segments)

    def to_dict(self) -> dict[str, Any]:
        return {"text": self.text, **asdict(self)}


def transcribe(
    speakers: Speakers,
    *,
    engine: TranscriptionEngine,
    progress: Callable[[float], None],
    unmasked: bool = False,
) -> Transcript:
    """The call's transcript, personal data masked unless `unmasked`; roles are still unknown.

    `progress` is told a share of 0 to 1, with every phrase.
    """
    duration = len(speakers.mix) / SAMPLE_RATE
    if speakers.separate:
        signals: list[tuple[Voice | None, Any]] = [(v, v.samples) for v in speakers.voices]
    else:
        signals = [(None, speakers.mix)] if speakers.voices else []
    # the voice that speaks most decides the language of both
    signals.sort(key=lambda pair: -total(pair[0].spans) if pair[0] else 0)
    language, confidence, words = "", 0.0, []
    engine_doubts: dict[str, None] = {}
    for index, (voice, samples) in enumerate(signals):
        heard = engine.transcribe(
            samples,
            language=language or None,
            progress=lambda done, index=index: progress((index + min(done / duration, 1)) / len(signals)),  # type: ignore[misc]
        )
        if not language:
            language, confidence = heard.language, heard.language_confidence
        engine_doubts |= dict.fromkeys(heard.doubts)
        words += [(voice or _nearest(speakers.voices, word), word) for word in heard.words]
    segments = list(_turns(words))
    if not unmasked:
        segments = masked(segments)
    certainty = _mean([w.confidence for segment in segments for w in segment.words])
    return Transcript(
        language=language,
        language_confidence=round(confidence, 3),
        confidence=round(certainty, 3),
        low_confidence=[*_doubts(duration, speakers, segments, certainty, confidence), *engine_doubts],
        segments=segments,
    )


def transcript_of(stored: dict[str, Any]) -> Transcript:
    """A transcript as `to_dict` wrote it."""
    kept = {name: value for name, value in stored.items() if name != "text"}
    segments = [
        Segment(**(one | {"words": [Word(**word) for word in one["words"]]})) for one in kept["segments"]
    ]
    return Transcript(**(kept | {"segments": segments}))


def with_roles(transcript: Transcript, roles: dict[str, str]) -> Transcript:
    """The transcript with each speaker's role filled in."""
    segments = [replace(s, role=roles.get(s.speaker, "unknown")) for s in transcript.segments]
    return replace(transcript, segments=segments)


def masked(segments: list[Segment]) -> list[Segment]:
    """The segments without personal data, in their text and in their words.

    A number dictated group by group is one number, whatever the other voice says in between: each
    speaker's words are read as a whole.
    """
    spoken: dict[str, list[str]] = {}
    for segment in segments:
        spoken.setdefault(segment.speaker, []).extend(word.word for word in segment.words)
    kept = {speaker: iter(mask(" ".join(words), words)[1]) for speaker, words in spoken.items()}
    found = []
    for segment in segments:
        parts = list(islice(kept[segment.speaker], len(segment.words)))
        words = [replace(word, word=part) for word, part in zip(segment.words, parts, strict=True)]
        found.append(replace(segment, text=" ".join(parts), words=words))
    return found


def _nearest(voices: list[Voice], word: Word) -> Voice:
    middle = (word.start + word.end) / 2

    def distance(voice: Voice) -> float:
        return min((max(start - middle, middle - end, 0.0) for start, end in voice.spans), default=math.inf)

    return min(voices, key=distance)


def _turns(words: list[tuple[Voice, Word]]) -> Iterator[Segment]:
    words = sorted(words, key=lambda pair: pair[1].start)
    turn: list[Word] = []
    label = ""
    for voice, word in words:
        ended = turn and (voice.label != label or word.start - turn[-1].end > _TURN_PAUSE_S)
        if ended:
            yield _segment(label, turn)
            turn = []
        label = voice.label
        turn.append(word)
    if turn:
        yield _segment(label, turn)


def _segment(label: str, words: list[Word]) -> Segment:
    return Segment(
        speaker=label,
        role="unknown",
        start=words[0].start,
        end=words[-1].end,
        text=" ".join(word.word for word in words),
        confidence=round(_mean([word.confidence for word in words]), 3),
        words=words,
    )


def _doubts(
    duration: float, speakers: Speakers, segments: list[Segment], certainty: float, language: float
) -> list[str]:
    doubts = []
    if not segments:
        return ["no_speech"]
    if duration < 10:
        doubts.append("short")
    if sum(total(voice.spans) for voice in speakers.voices) < 0.1 * duration:
        doubts.append("mostly_silent")
    if certainty < _LOW_CONFIDENCE:
        doubts.append("unclear_speech")
    if language < _LOW_LANGUAGE:
        doubts.append("unclear_language")
    if len(speakers.voices) < 2:
        doubts.append("one_speaker")
    return doubts


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0
