"""A transcript as subtitles: SubRip (.srt) and WebVTT (https://www.w3.org/TR/webvtt1/)."""

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# What a viewer can read at once (BBC subtitle guidelines, in round numbers).
_LINE_CHARACTERS = 42
_CUE_CHARACTERS = 2 * _LINE_CHARACTERS
_CUE_S = 6.0
_PAUSE_S = 1.0


@dataclass(frozen=True, slots=True)
class Cue:
    """Words shown together, and who says them; times in seconds."""

    start: float
    end: float
    who: str
    words: tuple[str, ...]

    @property
    def lines(self) -> list[str]:
        """The words in lines of at most 42 characters; a longer word has a line of its own."""
        lines = [""]
        for word in self.words:
            joined = f"{lines[-1]} {word}".strip()
            if lines[-1] and len(joined) > _LINE_CHARACTERS:
                lines.append(word)
            else:
                lines[-1] = joined
        return lines


def srt(results: Mapping[str, Any]) -> str:
    """The results' transcript as SubRip; "" when nobody speaks."""
    parts = [
        f"{number}\n{_time(cue.start, ',')} --> {_time(cue.end, ',')}\n{_said(cue)}\n"
        for number, cue in enumerate(_cues(results), start=1)
    ]
    return "\n".join(parts)


def vtt(results: Mapping[str, Any]) -> str:
    """The results' transcript as WebVTT, each cue in its speaker's voice."""
    parts = ["WEBVTT\n"]
    for cue in _cues(results):
        text = html.escape("\n".join(cue.lines), quote=False)
        parts.append(f"{_time(cue.start, '.')} --> {_time(cue.end, '.')}\n<v {html.escape(cue.who)}>{text}\n")
    return "\n".join(parts)


def _cues(results: Mapping[str, Any]) -> Iterator[Cue]:
    for segment in (results.get("transcript") or {}).get("segments", ()):
        who = segment["role"] if segment["role"] != "unknown" else segment["speaker"]
        words: list[dict[str, Any]] = []
        for word in segment["words"]:
            if words and not _fits(words, word):
                yield _cue(who, words)
                words = []
            words.append(word)
        if words:
            yield _cue(who, words)


def _fits(words: list[dict[str, Any]], word: dict[str, Any]) -> bool:
    length = sum(len(one["word"]) + 1 for one in words) + len(word["word"])
    return (
        length <= _CUE_CHARACTERS
        and word["end"] - words[0]["start"] <= _CUE_S
        and word["start"] - words[-1]["end"] <= _PAUSE_S
    )


def _cue(who: str, words: list[dict[str, Any]]) -> Cue:
    start = float(words[0]["start"])
    # players refuse a cue without a length
    end = max(float(words[-1]["end"]), start + 0.1)
    return Cue(start, end, who, tuple(word["word"] for word in words))


def _said(cue: Cue) -> str:
    return f"{cue.who.capitalize()}: " + "\n".join(cue.lines)


def _time(seconds: float, mark: str) -> str:
    thousandths = round(seconds * 1000)
    minutes, rest = divmod(thousandths, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}{mark}{rest % 1000:03}"
