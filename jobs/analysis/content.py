"""What is said: clauses matched by meaning against examples, in English and Hebrew."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from jobs.analysis.models import embed, library
from jobs.analysis.phrase_vectors import vectors_of
from jobs.analysis.phrases import CALL_TYPES, CHECKLIST, GENERAL, INTENTS, SENTIMENT, CallType
from jobs.analysis.transcript import Segment, Transcript

# Cosine above which a clause says what an example says, both less what all speech has in common; chosen on
# one half of evaluation/labelled (docs/analysis.md).
SAME_MEANING = 0.50
# The model sees less likeness between sentences of Hebrew.
SAME_MEANING_HEBREW = 0.45
_HEBREW = re.compile(r"[\u0590-\u05ff]")
# How much less likely than another meaning it may be.
_BEHIND_ANOTHER = 0.03
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
    agentlike = numpy.concatenate([vectors_of("checklist", name) for name in GENERAL.checklist])
    customerlike = numpy.concatenate([vectors_of("intents", name) for name in INTENTS])

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
    texts = [clause.text for clause in clauses]
    vectors = embed(texts)
    intents = _quotes(clauses, _said(texts, vectors, "intents", tuple(INTENTS)), "customer")
    said = _said(texts, vectors, "checklist", call_type.checklist, own=call_type.examples)
    heard = _quotes(clauses, said, "agent")
    checklist = {name: heard.get(name) for name in call_type.checklist}
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


def meanings_of(text: str, kind: str) -> list[str]:
    """Which intents (`kind` "intents") or checklist items ("checklist") a text says, the likest first."""
    parts = [part for sentence in _SENTENCE.split(text) for part in _clauses(sentence)]
    if not parts:
        return []
    best: dict[str, float] = {}
    for meanings in _said(parts, embed(parts), kind, tuple(INTENTS if kind == "intents" else CHECKLIST)):
        for name, likeness in meanings.items():
            best[name] = max(likeness, best.get(name, 0.0))
    return sorted(best, key=lambda name: -best[name])


def _said(
    texts: list[str],
    vectors: Any,
    kind: str,
    names: tuple[str, ...],
    *,
    own: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> list[dict[str, float]]:
    """What each clause says of these, and how much like an example it sounds; `own` are of more names."""
    if not names:
        return [{} for _ in texts]
    numpy = library("numpy")
    ours = _distinct(vectors)
    examples = [
        _distinct(embed(list(own[name]))) if name in own else _distinct_examples(kind, name) for name in names
    ]
    likeness = numpy.stack([(ours @ of_name.T).max(1) for of_name in examples], axis=1)
    neutral = (ours @ _distinct(vectors_of("neutral", "neutral")).T).max(1)
    same = numpy.array([SAME_MEANING_HEBREW if _HEBREW.search(text) else SAME_MEANING for text in texts])
    floor = numpy.maximum(same, numpy.maximum(neutral, likeness.max(1) - _BEHIND_ANOTHER))
    return [
        {name: float(value) for name, value in zip(names, row, strict=True) if value >= least}
        for row, least in zip(likeness, floor, strict=True)
    ]


def _distinct(vectors: Any) -> Any:
    """Vectors without what all of them have in common, which in this model is most of each."""
    numpy = library("numpy")
    left = vectors - _common()
    return left / numpy.linalg.norm(left, axis=1, keepdims=True)


@cache
def _common() -> Any:
    numpy = library("numpy")
    banks = [vectors_of("intents", name) for name in INTENTS]
    banks += [vectors_of("checklist", name) for name in CHECKLIST]
    return numpy.concatenate([*banks, vectors_of("neutral", "neutral")]).mean(0)


@cache
def _distinct_examples(kind: str, name: str) -> Any:
    return _distinct(vectors_of(kind, name))


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


def _quotes(clauses: list[_Sentence], said: list[dict[str, float]], role: str) -> dict[str, Quote]:
    """Of each meaning the clause that says it best; of the other side nobody's clauses count."""
    best: dict[str, Quote] = {}
    for clause, meanings in zip(clauses, said, strict=True):
        if clause.role not in (role, "unknown"):
            continue
        for name, likeness in meanings.items():
            known = best.get(name)
            if known is None or likeness > known.confidence:
                best[name] = Quote(clause.role, clause.start, clause.text, round(likeness, 3))
    return best


def _sentiments(vectors: Any) -> list[int]:
    numpy = library("numpy")
    names = sorted(SENTIMENT)
    # the mean of the two likest examples: one lucky match must not decide
    likeness = numpy.stack(
        [numpy.sort(vectors @ vectors_of("sentiment", name).T, axis=1)[:, -2:].mean(1) for name in names]
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
