"""How well intents and checklist items are found in sentences that say them in other words.

`labelled/*.tsv`: half, label and sentence, written for this. Thresholds and examples were tuned on the half
"tune" alone; "held" is only reported.
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from jobs.analysis.content import meanings_of

LANGUAGES = {"en": "English", "he": "Hebrew"}
HALVES = ("tune", "held")
KINDS = ("intent", "checklist")
_KINDS = {"intent": "intents", "checklist": "checklist"}


class Labelled(NamedTuple):
    """A sentence and what it says: `intent:billing`, `checklist:greeting` or `none`."""

    half: str
    label: str
    text: str


@dataclass(slots=True)
class Found:
    """True and false positives, and what was missed."""

    right: int = 0
    wrong: int = 0
    missed: int = 0
    errors: list[str] = field(default_factory=list)

    @property
    def precision(self) -> float:
        return self.right / max(1, self.right + self.wrong)

    @property
    def recall(self) -> float:
        return self.right / max(1, self.right + self.missed)

    @property
    def f1(self) -> float:
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def sentences(language: str) -> list[Labelled]:
    """The labelled sentences of a language."""
    with (Path(__file__).parent / "labelled" / f"{language}.tsv").open(encoding="utf-8") as file:
        return [Labelled(*row) for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]


def found_in(labelled: Iterable[Labelled], kind: str) -> Found:
    """What the content stage finds of one kind (`intent`, `checklist`) in each sentence by itself."""
    found = Found()
    for one in labelled:
        meant = {one.label.partition(":")[2]} if one.label.startswith(kind) else set()
        heard = set(meanings_of(one.text, _KINDS[kind]))
        found.right += len(heard & meant)
        found.wrong += len(heard - meant)
        found.missed += len(meant - heard)
        if heard != meant:
            found.errors.append(f"{one.text}  is {one.label}, heard {', '.join(sorted(heard)) or 'nothing'}")
    return found


def content_table() -> list[str]:
    """Markdown lines: precision, recall and F1 of both kinds by language and half."""
    lines = [
        "| language | half | sentences | intents P | R | F1 | checklist P | R | F1 |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for code, language in LANGUAGES.items():
        labelled = sentences(code)
        for half in HALVES:
            of_half = [one for one in labelled if one.half == half]
            cells = [language, half, str(len(of_half))]
            for kind in KINDS:
                found = found_in(of_half, kind)
                cells += [f"{found.precision:.2f}", f"{found.recall:.2f}", f"{found.f1:.2f}"]
            lines.append(f"| {' | '.join(cells)} |")
    return lines
