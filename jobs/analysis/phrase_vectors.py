"""The example sentences as vectors: made once, kept beside them, since making them takes a worker 20 seconds.

`python -m evaluation --phrases` makes them anew; a test says when that is due.
"""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jobs.analysis.models import embed, library
from jobs.analysis.phrases import CHECKLIST, INTENTS, NEUTRAL, SENTIMENT

FILE = Path(__file__).with_name("phrase_vectors.npz")
_Key = tuple[str, str | int]


def phrases() -> dict[_Key, tuple[str, ...]]:
    """All example sentences by kind and name."""
    kinds: dict[str, Any] = {
        "checklist": CHECKLIST,
        "intents": INTENTS,
        "sentiment": SENTIMENT,
        "neutral": {"neutral": NEUTRAL},
    }
    return {(kind, name): texts for kind, by_name in kinds.items() for name, texts in by_name.items()}


def digest() -> str:
    """Changes with any of the sentences."""
    return hashlib.sha256(repr(phrases()).encode()).hexdigest()


def vectors_of(kind: str, name: str | int) -> Any:
    """One unit row for each sentence of a kind and name."""
    return _all()[(kind, name)]


def write() -> None:
    """Make the file anew."""
    numpy = library("numpy")
    made = embed([text for texts in phrases().values() for text in texts])
    numpy.savez_compressed(FILE, digest=digest(), vectors=made.astype(numpy.float16))


@cache
def _all() -> dict[_Key, Any]:
    numpy = library("numpy")
    with numpy.load(FILE, allow_pickle=False) as kept:
        if str(kept["digest"]) == digest():
            rows = kept["vectors"].astype(numpy.float32)
        else:
            rows = embed([text for texts in phrases().values() for text in texts])
    rows /= numpy.linalg.norm(rows, axis=1, keepdims=True)
    found, start = {}, 0
    for key, texts in phrases().items():
        found[key] = rows[start : start + len(texts)]
        start += len(texts)
    return found
