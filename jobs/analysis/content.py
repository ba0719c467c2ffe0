"""What is said: clauses matched by meaning against examples, in English and Hebrew."""

import re
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from jobs.analysis.models import embed, library
from jobs.analysis.phrases import CALL_TYPES, CHECKLIST, GENERAL, INTENTS, SENTIMENT, CallType
from jobs.analysis.transcript import Segment, Transcript

# Cosine of multilingual-e5 above which two sentences say the same (docs/analysis.md, how it was chosen).
SAME_MEANING = 0.90
_SENTENCE = re.compile(r"(?<=[.?!])\s+")
# one sentence often holds a greeting and a complaint: they are matched apart
_CLAUSE = re.compile(r"(?:,|;|\bbut\b|\band\b|\bbecause\b|\bso\b)\s+|\s+(?:אבל|כי|ולכן)\s+", re.IGNORECASE)
_MIN_CLAUSE = 8
_SUMMARY_SENTENCES = 3


@dataclass(frozen=True, slots=True)
class Quote:
    """A piece of the call as evidence: who said it, when, and how sure the match is."""

    role: str
    start: float
    text: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Content:
    """What the call is about, what was asked and done, and how the mood went."""

    summary: list[str]
    topics: list[str]
    intents: dict[str, Quote]
    questions: list[Quote]
    checklist: dict[str, Quote | None]
    sentiment: dict[str, float | None]
    sentiment_over_time: list[dict[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Sentence:
    role: str
    start: float
    text: str


def call_type_of(name: str) -> CallType:
    """The call type of this name; the general one for a name nobody defined."""
    return CALL_TYPES.get(name.strip().lower(), GENERAL)


def find_roles(transcript: Transcript, *, first_is_agent: bool) -> tuple[dict[str, str], float]:
    """Which speaker is the agent, and how sure that is (0 to 1).

    Agents greet, introduce themselves, verify and close; customers want something. `first_is_agent`: the
    recorder's custom (left channel), which decides when the words do not.
    """
    labels = list(dict.fromkeys(segment.speaker for segment in transcript.segments))
    if len(labels) < 2:
        return dict.fromkeys(labels, "unknown"), 0.0
    numpy = library("numpy")
    spoken = {label: [s.text for s in transcript.segments if s.speaker == label] for label in labels}
    agentlike = numpy.concatenate([_bank("checklist", name) for name in GENERAL.checklist])
    customerlike = numpy.concatenate([_bank("intents", name) for name in INTENTS])

    def likeness(vectors: Any, bank: Any) -> float:
        return float(numpy.sort((vectors @ bank.T).max(1))[-4:].mean())

    scores = {}
    for label, texts in spoken.items():
        vectors = embed(texts)
        scores[label] = likeness(vectors, agentlike) - likeness(vectors, customerlike)
    ranked = sorted(labels, key=lambda label: -scores[label])
    lead = scores[ranked[0]] - scores[ranked[1]]
    if lead < 0.01 and first_is_agent:
        ranked = sorted(labels, key=lambda label: label not in ("left", "first"))
    confidence = round(min(1.0, 0.5 + 10 * lead), 2)
    return {ranked[0]: "agent", ranked[1]: "customer"}, confidence


def understand(transcript: Transcript, *, call_type: CallType) -> Content:
    """Summary, topics, intents, questions, checklist and sentiment of a transcript with roles."""
    sentences = [_ for segment in transcript.segments for _ in _sentences(segment)]
    clauses = [_Sentence(s.role, s.start, part) for s in sentences for part in _clauses(s.text)]
    if not clauses:
        return Content([], [], {}, [], dict.fromkeys(call_type.checklist), _mood([], []), [])
    vectors = embed([clause.text for clause in clauses])
    agent_or_unknown = [clause.role != "customer" for clause in clauses]
    customer_or_unknown = [clause.role != "agent" for clause in clauses]
    intents = {
        name: quote
        for name in INTENTS
        if (quote := _best(clauses, vectors, customer_or_unknown, _bank("intents", name)))
    }
    checklist = {
        name: _best(clauses, vectors, agent_or_unknown, _bank("checklist", name))
        for name in call_type.checklist
    }
    moods = _sentiments(vectors)
    return Content(
        summary=_summary(sentences),
        topics=sorted(intents, key=lambda name: -intents[name].confidence),
        intents=intents,
        questions=[Quote(s.role, s.start, s.text, 1.0) for s in sentences if s.text.rstrip().endswith("?")][
            :20
        ],
        checklist=checklist,
        sentiment=_mood(clauses, moods),
        sentiment_over_time=[
            {"start": clause.start, "role": clause.role, "sentiment": mood}
            for clause, mood in zip(clauses, moods, strict=True)
        ],
    )


@cache
def _bank(kind: str, name: Any) -> Any:
    banks: dict[str, dict[Any, tuple[str, ...]]] = {
        "checklist": CHECKLIST,
        "intents": INTENTS,
        "sentiment": SENTIMENT,
    }
    return embed(list(banks[kind][name]))


def _sentences(segment: Segment) -> list[_Sentence]:
    parts = [part.strip() for part in _SENTENCE.split(segment.text) if part.strip()]
    found, used = [], 0
    for part in parts:
        index = min(used, len(segment.words) - 1)
        found.append(_Sentence(segment.role, segment.words[index].start, part))
        used += len(part.split())
    return found


def _clauses(sentence: str) -> list[str]:
    parts = [part.strip() for part in _CLAUSE.split(sentence) if part and part.strip()]
    long_enough = [part for part in parts if len(part) >= _MIN_CLAUSE]
    # the whole sentence too: some meanings stand across a comma
    return list(dict.fromkeys([sentence, *long_enough])) if len(sentence) >= 4 else []


def _best(clauses: list[_Sentence], vectors: Any, allowed: list[bool], bank: Any) -> Quote | None:
    likeness = (vectors @ bank.T).max(1)
    candidates = [index for index, fits in enumerate(allowed) if fits]
    if not candidates:
        return None
    index = max(candidates, key=lambda i: likeness[i])
    if likeness[index] < SAME_MEANING:
        return None
    clause = clauses[index]
    return Quote(clause.role, clause.start, clause.text, round(float(likeness[index]), 3))


def _sentiments(vectors: Any) -> list[int]:
    numpy = library("numpy")
    names = sorted(SENTIMENT)
    # the mean of the two likest examples: one lucky match must not decide
    likeness = numpy.stack(
        [numpy.sort(vectors @ _bank("sentiment", name).T, axis=1)[:, -2:].mean(1) for name in names]
    )
    return [names[index] for index in likeness.argmax(0)]


def _mood(clauses: list[_Sentence], moods: list[int]) -> dict[str, float | None]:
    """Mean sentiment of each side, and the customer's at the start and the end (thirds), -1 to 1."""

    def mean(values: list[int]) -> float | None:
        return round(sum(values) / len(values), 2) if values else None

    of = {
        role: [m for c, m in zip(clauses, moods, strict=True) if c.role == role]
        for role in ("agent", "customer")
    }
    third = max(1, len(of["customer"]) // 3)
    return {
        "agent": mean(of["agent"]),
        "customer": mean(of["customer"]),
        "customer_start": mean(of["customer"][:third]),
        "customer_end": mean(of["customer"][-third:]),
    }


def _summary(sentences: list[_Sentence]) -> list[str]:
    """The sentences nearest to what the call is about as a whole, in their order."""
    telling = [s for s in sentences if len(s.text.split()) >= 5] or sentences
    if len(telling) <= _SUMMARY_SENTENCES:
        return [s.text for s in telling]
    vectors = embed([s.text for s in telling])
    nearness = vectors @ vectors.mean(0)
    chosen = sorted(nearness.argsort()[-_SUMMARY_SENTENCES:])
    return [telling[index].text for index in chosen]
