"""Personal data out of transcripts: long digit runs, phone numbers, e-mail addresses."""

import re

_DIGITS_KEPT = 4
_EMAIL = re.compile(r"[\w.+\-]+\s?@\s?[\w\-]+(?:(?:\.|\s\.\s)[\w\-]+)+")
_DOT = r"\s+(?:dot|נקודה)\s+"
_SPOKEN_EMAIL = re.compile(
    rf"\b(?:[\w+\-]+{_DOT})*[\w.+\-]+\s+(?:at|שטרודל)\s+[\w\-]+(?:{_DOT}\w{{2,}}|\.\w{{2,}})+\b",
    re.IGNORECASE,
)
_NUMBER_WORDS = (
    "zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple"
    "|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen"
    "|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
    "|אפס|אחת|אחד|שתיים|שניים|שלוש|שלושה|ארבע|ארבעה|חמש|חמישה|שש|שישה|שבע|שבעה|שמונה|תשע|תשעה"
)
_NUMBER_WORD = rf"\bו?(?:{_NUMBER_WORDS})\b"
_NUMBER = rf"(?:\d+|{_NUMBER_WORD})"
# what speech recognition and people put between the groups of one number
_BETWEEN = (
    r"(?:[\s\-־–.,()/?]|\b(?:dash|hyphen|(?:and )?then|yes|okay|ok|um|uh|"
    r"מקף|ואז|כן|אוקיי)\b)*"
)
_RUN = re.compile(rf"\+?\(?{_NUMBER}(?:{_BETWEEN}{_NUMBER})*\)?", re.IGNORECASE)
_DIGIT = re.compile(rf"\d|{_NUMBER_WORD}", re.IGNORECASE)
_MARK = "█"


def mask(text: str, words: list[str]) -> tuple[str, list[str]]:
    """The text with personal data blotted out, and its words likewise, one for one.

    `text` must be the words joined by single spaces. Of a run of more than four digits, written or
    spoken, and of an address, neither a character nor the length survives.
    """
    hidden = [False] * len(text)
    for pattern in (_EMAIL, _SPOKEN_EMAIL, _RUN):
        for match in pattern.finditer(text):
            if pattern is _RUN and len(_DIGIT.findall(match.group())) <= _DIGITS_KEPT:
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
