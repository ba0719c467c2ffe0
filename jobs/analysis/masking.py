"""Personal data out of transcripts: long digit runs, phone numbers, e-mail addresses."""

import re

_DIGITS_KEPT = 4
_EMAIL = re.compile(r"[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+")
# digits with the spaces, dashes, dots and commas that speech recognition puts between them
_RUN = re.compile(r"\+?\(?\d(?:[\s\-.,()/]*\d)*\)?")
_SPOKEN_EMAIL = re.compile(r"\b[\w.+\-]+\s+(?:at|שטרודל)\s+[\w\-]+\s+(?:dot|נקודה)\s+\w{2,}\b", re.IGNORECASE)
_NUMBER_WORDS = [
    "zero",
    "oh",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "double",
    "triple",
    "אפס",
    "אחת",
    "אחד",
    "שתיים",
    "שניים",
    "שלוש",
    "שלושה",
    "ארבע",
    "ארבעה",
    "חמש",
    "חמישה",
    "שש",
    "שישה",
    "שבע",
    "שבעה",
    "שמונה",
    "תשע",
    "תשעה",
]
_SPOKEN_RUN = re.compile(
    rf"\b(?:{'|'.join(_NUMBER_WORDS)})(?:[\s,.\-]+(?:{'|'.join(_NUMBER_WORDS)})){{5,}}\b",
    re.IGNORECASE,
)
_MARK = "█"


def mask(text: str, words: list[str]) -> tuple[str, list[str]]:
    """The text with personal data blotted out, and its words likewise, one for one.

    `text` must be the words joined by single spaces. Of a run of more than four digits, and of an
    address, neither a character nor the length survives.
    """
    hidden = [False] * len(text)
    for pattern in (_EMAIL, _SPOKEN_EMAIL, _SPOKEN_RUN, _RUN):
        for match in pattern.finditer(text):
            digits = sum(character.isdigit() for character in match.group())
            if pattern is _RUN and digits <= _DIGITS_KEPT:
                continue
            for index in range(*match.span()):
                hidden[index] = True
    parts, start = [], 0
    for word in words:
        covered = hidden[start : start + len(word)]
        parts.append(_blot(word, covered))
        start += len(word) + 1
    return " ".join(parts), parts


def _blot(word: str, covered: list[bool]) -> str:
    if not any(covered):
        return word
    first = covered.index(True)
    last = len(covered) - 1 - covered[::-1].index(True)
    return word[:first] + _MARK * 3 + word[last + 1 :]
