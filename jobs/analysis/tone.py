"""How it sounds: talk ratio, pace, pitch, loudness, pauses, and who talks over whom."""

from dataclasses import asdict, dataclass
from typing import Any

from jobs.analysis.audio import SAMPLE_RATE
from jobs.analysis.models import library, pitch_detector
from jobs.analysis.speakers import Speakers, Voice
from jobs.analysis.transcript import Transcript
from jobs.analysis.voice import Span, overlap, total

LONG_SILENCE_S = 3.0
_BUCKET_S = 30
_FRAME = 400
# Somebody who starts while the other has been speaking, and goes on speaking, interrupts.
_INTERRUPTION_MARGIN_S = 0.3


@dataclass(frozen=True, slots=True)
class VoiceTone:
    """One speaker: seconds of speech, words a minute, pitch in Hz and semitones, loudness in dB."""

    talk_s: float
    words_per_minute: float
    pitch_median_hz: float | None
    pitch_spread_semitones: float | None
    loudness_db: float
    loudness_range_db: float


@dataclass(frozen=True, slots=True)
class Tone:
    """The sound of a call. Overlap and interruptions are None where both voices share one channel."""

    duration_s: float
    method: str
    speakers: dict[str, VoiceTone]
    agent_talk_ratio: float | None
    overlap_s: float | None
    interruptions: dict[str, list[float]] | None
    long_silences: list[Span]
    over_time: list[dict[str, float]]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def measure_tone(speakers: Speakers, transcript: Transcript, roles: dict[str, str]) -> Tone:
    """Measure each voice and how they share the call."""
    duration = len(speakers.mix) / SAMPLE_RATE
    by_role = {roles.get(voice.label, "unknown"): voice for voice in speakers.voices}
    tones = {role: _voice_tone(voice, transcript) for role, voice in by_role.items()}
    agent, customer = by_role.get("agent"), by_role.get("customer")
    ratio = overlapped = interruptions = None
    if agent and customer:
        talk = total(agent.spans) + total(customer.spans)
        ratio = round(total(agent.spans) / talk, 3) if talk else None
        if speakers.separate:
            overlapped = round(overlap(agent.spans, customer.spans), 2)
            interruptions = {
                "agent": _interruptions(agent.spans, customer.spans),
                "customer": _interruptions(customer.spans, agent.spans),
            }
    return Tone(
        duration_s=round(duration, 2),
        method=speakers.method,
        speakers=tones,
        agent_talk_ratio=ratio,
        overlap_s=overlapped,
        interruptions=interruptions,
        long_silences=_silences(sorted(span for v in speakers.voices for span in v.spans)),
        over_time=_over_time(duration, by_role),
    )


def tone_of(stored: dict[str, Any]) -> Tone:
    """A tone as `to_dict` wrote it."""
    speakers = {role: VoiceTone(**voice) for role, voice in stored["speakers"].items()}
    silences = [(start, end) for start, end in stored["long_silences"]]
    return Tone(**(stored | {"speakers": speakers, "long_silences": silences}))


def _voice_tone(voice: Voice, transcript: Transcript) -> VoiceTone:
    numpy = library("numpy")
    spoken = total(voice.spans)
    pieces = [voice.samples[int(start * SAMPLE_RATE) : int(end * SAMPLE_RATE)] for start, end in voice.spans]
    heard = numpy.concatenate(pieces)
    words = sum(len(s.words) for s in transcript.segments if s.speaker == voice.label)
    pitch = pitch_detector().detect(heard, SAMPLE_RATE, 65, 400)
    voiced = pitch.pitch_hz[pitch.confidence > 0.5]
    median = float(numpy.median(voiced)) if len(voiced) else None
    spread = float((12 * numpy.log2(voiced / median)).std()) if median else None
    frames = heard[: len(heard) // _FRAME * _FRAME].reshape(-1, _FRAME)
    level = 20 * numpy.log10(numpy.sqrt((frames**2).mean(1)) + 1e-6)
    quiet, usual, loud = (float(x) for x in numpy.percentile(level, (20, 75, 95)))
    return VoiceTone(
        talk_s=round(spoken, 2),
        words_per_minute=round(60 * words / spoken, 1),
        pitch_median_hz=None if median is None else round(median, 1),
        pitch_spread_semitones=None if spread is None else round(spread, 2),
        loudness_db=round(usual, 1),
        loudness_range_db=round(loud - quiet, 1),
    )


def _interruptions(who: list[Span], whom: list[Span]) -> list[float]:
    margin = _INTERRUPTION_MARGIN_S
    return [
        round(start, 2)
        for start, end in who
        if any(begin + margin < start < finish - margin < end for begin, finish in whom)
    ]


def _silences(spans: list[Span]) -> list[Span]:
    found, last = [], None
    for start, end in spans:
        if last is not None and start - last > LONG_SILENCE_S:
            found.append((round(last, 2), round(start, 2)))
        last = end if last is None else max(last, end)
    return found


def _over_time(duration: float, by_role: dict[str, Voice]) -> list[dict[str, float]]:
    buckets = []
    for start in range(0, int(duration) + 1, _BUCKET_S):
        window = [(float(start), min(float(start + _BUCKET_S), duration))]
        talk = {f"{role}_talk_s": round(overlap(v.spans, window), 2) for role, v in by_role.items()}
        buckets.append({"start": float(start), **talk})
    return buckets
