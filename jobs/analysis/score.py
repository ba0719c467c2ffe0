"""The overall score, 0 to 10: a weighted mean of components that each show their evidence.

The formula is documented in docs/analysis.md. A component that cannot be known (dynamics of a mono call)
is left out and the others' weights are scaled up; where none that weighs anything is left, there is no score.
"""

from dataclasses import asdict, dataclass
from typing import Any

from jobs.analysis.content import Content
from jobs.analysis.phrases import CallType
from jobs.analysis.tone import Tone
from jobs.analysis.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Component:
    """One part of the score: 0 to 10, its weight, and why."""

    score: float
    weight: float
    evidence: list[str]


@dataclass(frozen=True, slots=True)
class Score:
    """`overall` is None when there is nothing to judge; `low_confidence` says what to doubt."""

    overall: float | None
    components: dict[str, Component]
    low_confidence: list[str]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def score_call(
    transcript: Transcript,
    tone: Tone,
    content: Content,
    *,
    call_type: CallType,
    role_confidence: float,
) -> Score:
    """Judge a call by what was said and how it sounded."""
    doubts = list(transcript.low_confidence)
    if not transcript.segments:
        return Score(None, {}, doubts)
    if role_confidence < 0.6 and "one_speaker" not in doubts:
        doubts.append("unclear_roles")
    parts = {
        "protocol": _protocol(content),
        "customer_sentiment": _customer(content),
        "agent_tone": _agent(tone, content),
        "dynamics": _dynamics(tone),
        "outcome": _outcome(content),
    }
    components = {
        name: Component(round(min(10.0, max(0.0, value)), 1), call_type.weights[name], evidence)
        for name, part in parts.items()
        if part is not None
        for value, evidence in (part,)
    }
    weight = sum(component.weight for component in components.values())
    if not weight:
        return Score(None, components, [*doubts, "nothing_that_counts_was_heard"])
    overall = sum(c.score * c.weight for c in components.values()) / weight
    return Score(round(overall, 1), components, doubts)


Part = tuple[float, list[str]]


def _protocol(content: Content) -> Part:
    done = {name: quote for name, quote in content.checklist.items() if quote}
    evidence = [f"{name}: “{q.text}” at {q.start:.1f} s" for name, q in done.items()]
    evidence += [f"{name}: not heard" for name in content.checklist if name not in done]
    return 10 * len(done) / max(1, len(content.checklist)), evidence


def _customer(content: Content) -> Part | None:
    end, mean = content.sentiment["customer_end"], content.sentiment["customer"]
    if end is None or mean is None:
        return None
    # the end counts most, and an angry start is no merit
    return 5 + 5 * (0.6 * end + 0.4 * mean), [f"customer's mood {mean:+.2f}, at the end {end:+.2f}"]


def _agent(tone: Tone, content: Content) -> Part | None:
    mean, voice = content.sentiment["agent"], tone.speakers.get("agent")
    if mean is None or voice is None:
        return None
    value, evidence = 7 + 3 * mean, [f"agent's mood {mean:+.2f}"]
    if abs(voice.words_per_minute - 150) > 60:
        value -= 1.5
        evidence.append(f"pace {voice.words_per_minute:.0f} words a minute")
    if voice.pitch_spread_semitones is not None and voice.pitch_spread_semitones < 1.5:
        value -= 1.5
        evidence.append(f"monotonous: pitch varies {voice.pitch_spread_semitones:.1f} semitones")
    return value, evidence


def _dynamics(tone: Tone) -> Part | None:
    if tone.interruptions is None or tone.agent_talk_ratio is None:
        return None
    minutes = max(tone.duration_s / 60, 0.5)
    cuts = tone.interruptions["agent"]
    silent = sum(end - start for start, end in tone.long_silences)
    lopsided = max(0.0, abs(tone.agent_talk_ratio - 0.5) - 0.25)
    evidence = [f"agent talks {tone.agent_talk_ratio:.0%} of the time"]
    evidence += [f"agent interrupts at {start:.1f} s" for start in cuts]
    evidence += [f"silence from {start:.1f} to {end:.1f} s" for start, end in tone.long_silences]
    return 10 - 3 * len(cuts) / minutes - 20 * silent / max(tone.duration_s, 1) - 10 * lopsided, evidence


def _outcome(content: Content) -> Part:
    solved = content.checklist.get("resolution") or content.checklist.get("commitment")
    escalated = content.intents.get("escalation")
    value, evidence = (10.0 if solved else 2.0), []
    if solved:
        evidence.append(f"resolved: “{solved.text}” at {solved.start:.1f} s")
    if escalated:
        value -= 5
        evidence.append(f"escalation: “{escalated.text}” at {escalated.start:.1f} s")
    return value, evidence or ["no resolution heard"]
