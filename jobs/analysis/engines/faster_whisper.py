"""faster-whisper in this process: the embedded whisper-base, or a model folder of one's own."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from jobs.analysis.engines.base import Heard, Word
from jobs.analysis.models import whisper
from jobs.analysis.settings import AnalysisSettings

_SENTENCE_ENDS = (".", "?", "!")
# The embedded weights are measured in these languages only; in Hebrew they are not usable.
_MEASURED_LANGUAGES = ("en",)
# A word before a pause this long belongs to what follows, if a sentence begins with it.
_PAUSE_S = 1.2


class FasterWhisperEngine:
    """The embedded whisper-base, or another faster-whisper folder."""

    def __init__(self, settings: AnalysisSettings) -> None:
        self._model = whisper(settings)
        self._embedded = not settings.model_dir

    def transcribe(self, samples: Any, *, language: str | None, progress: Callable[[float], None]) -> Heard:
        segments, info = self._model.transcribe(
            samples,
            beam_size=1,
            vad_filter=True,
            vad_parameters={"min_silence_duration_ms": 400},
            word_timestamps=True,
            condition_on_previous_text=False,
            language=language,
        )
        words: list[Word] = []
        for segment in segments:
            # a phrase made up in silence: unlikely words where probably nobody speaks
            if segment.no_speech_prob > 0.6 and segment.avg_logprob < -1.0:
                continue
            for piece in segment.words or ():
                word = Word(
                    piece.word.strip(),
                    round(piece.start, 2),
                    round(piece.end, 2),
                    round(piece.probability, 3),
                )
                if words and not piece.word.startswith(" "):  # "ill" and "-disposed" are one word
                    last = words.pop()
                    word = replace(word, word=last.word + word.word, start=last.start)
                words.append(word)
            progress(segment.end)
        weak = self._embedded and info.language not in _MEASURED_LANGUAGES
        return Heard(
            _rejoined(words),
            info.language,
            float(info.language_probability),
            ("weak_language",) if weak else (),
        )


def _rejoined(words: list[Word]) -> list[Word]:
    """Give a sentence its first word back, where the recogniser timed it before the pause in between."""
    for index in range(1, len(words) - 1):
        before, word, after = words[index - 1 : index + 2]
        begins = before.word[-1:] in _SENTENCE_ENDS and word.word[-1:] not in _SENTENCE_ENDS
        if begins and after.start - word.end > _PAUSE_S:
            start = max(word.end, after.start - (word.end - word.start))
            words[index] = replace(word, start=round(start, 2), end=after.start)
    return words
