"""Who speaks when: a voice on each stereo channel, or diarization of a mono call."""

import math
from dataclasses import dataclass
from typing import Any

from jobs.analysis.audio import SAMPLE_RATE, Recording
from jobs.analysis.models import library, pitch_detector
from jobs.analysis.voice import Span, overlap, speech_spans, total

# Two channels that are the same signal are a mono call in a stereo file.
_SAME_SIGNAL = 0.95
_MIN_SPEECH_S = 0.3
# One voice cut in two differs by less than 0.3, two people most often by far more.
_OTHER_VOICE_SEMITONES = 2.0
# In less speech than this, clustering splits one voice in two.
_MIN_DIARIZED_S = 8


@dataclass(frozen=True, slots=True)
class Voice:
    """One speaker: a label, when they speak, and the samples to hear them in."""

    label: str
    spans: list[Span]
    samples: Any


@dataclass(frozen=True, slots=True)
class Speakers:
    """The voices of a call. `separate`: each has a channel of its own, so overlap can be heard."""

    voices: list[Voice]
    separate: bool
    mix: Any

    @property
    def method(self) -> str:
        return "stereo" if self.separate else "diarization"


def find_speakers(recording: Recording) -> Speakers:
    """At most two voices; none when nobody speaks."""
    numpy = library("numpy")
    if len(recording.channels) == 2:
        left, right = recording.channels
        if _correlation(numpy, left, right) < _SAME_SIGNAL:
            voices = [
                Voice(label, speech_spans(samples), samples)
                for label, samples in (("left", left), ("right", right))
            ]
            heard = [voice for voice in voices if total(voice.spans) >= _MIN_SPEECH_S]
            return Speakers(heard, separate=True, mix=(left + right) / 2)
        mix = (left + right) / 2
    else:
        mix = recording.channels[0]
    return Speakers(_diarized(mix), separate=False, mix=mix)


def _correlation(numpy: Any, left: Any, right: Any) -> float:
    power = float(numpy.sqrt((left**2).mean() * (right**2).mean()))
    return float((left * right).mean()) / power if power > 1e-9 else 0.0


def _diarized(mix: Any) -> list[Voice]:
    spoken = speech_spans(mix)
    if total(spoken) < _MIN_SPEECH_S:
        return []
    if total(spoken) < _MIN_DIARIZED_S:
        return [Voice("first", spoken, mix)]
    turns = _turns(mix)
    if len(turns) < 2:
        # a call has two sides: heard as one, they are told apart if their pitch is another
        two = _turns(mix, number=2)
        turns = two if _differ_in_pitch(mix, list(two.values())) else turns
    # a third voice in a call is most often a mishearing of the other two
    longest = sorted(turns.values(), key=total, reverse=True)[:2]
    voices = [spans for spans in longest if overlap(spans, spoken) >= _MIN_SPEECH_S]
    if len(voices) < 2:
        return [Voice("first", spoken, mix)]
    voices.sort(key=lambda spans: spans[0][0])
    return [Voice(label, spans, mix) for label, spans in zip(("first", "second"), voices, strict=True)]


def _turns(mix: Any, *, number: int | None = None) -> dict[str, list[Span]]:
    """Who speaks when, among so many voices, or as many as are heard."""
    found = library("speaker_diarize_lite").diarize(mix, sample_rate=SAMPLE_RATE, num_speakers=number)
    turns: dict[str, list[Span]] = {}
    for turn in found.segments:
        turns.setdefault(str(turn.speaker), []).append((turn.start_s, turn.end_s))
    return turns


def _differ_in_pitch(mix: Any, voices: list[list[Span]]) -> bool:
    numpy = library("numpy")
    medians = []
    for spans in voices:
        heard = numpy.concatenate([mix[int(a * SAMPLE_RATE) : int(b * SAMPLE_RATE)] for a, b in spans])
        pitch = pitch_detector().detect(heard, SAMPLE_RATE, 65, 400)
        voiced = pitch.pitch_hz[pitch.confidence > 0.5]
        if not len(voiced):
            return False
        medians.append(float(numpy.median(voiced)))
    return len(medians) == 2 and abs(12 * math.log2(medians[0] / medians[1])) >= _OTHER_VOICE_SEMITONES
