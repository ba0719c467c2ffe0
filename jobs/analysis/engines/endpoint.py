"""An OpenAI-compatible endpoint: `POST …/audio/transcriptions`, by whoever serves it.

The recording leaves this machine. Long ones are sent in pieces that end in a pause, below the 25 MB that such
endpoints take.
"""

import io
import math
import wave
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any

import orjson

from config.outbound.errors import OutboundError
from config.outbound.sync import fetch, multipart
from jobs.analysis.audio import SAMPLE_RATE
from jobs.analysis.engines.base import Heard, Word
from jobs.analysis.errors import AnalysisError, EngineTrouble
from jobs.analysis.models import library
from jobs.analysis.settings import AnalysisSettings
from jobs.analysis.voice import speech_spans

_PIECE_S = 600
_TIMEOUT_S = 600
_MAX_ANSWER_BYTES = 20_000_000
# Endpoints name languages; contract and checklists use codes.
_CODES = {
    "english": "en", "hebrew": "he", "arabic": "ar", "russian": "ru", "french": "fr", "german": "de",
    "spanish": "es", "italian": "it", "portuguese": "pt", "dutch": "nl", "polish": "pl", "ukrainian": "uk",
    "turkish": "tr", "romanian": "ro", "amharic": "am", "chinese": "zh", "japanese": "ja", "hindi": "hi",
}  # fmt: skip
_BUSY = {408, 409, 425, 429}


class EndpointEngine:
    """Words with times as the endpoint's `verbose_json` gives them; its segments' confidence is theirs."""

    def __init__(self, settings: AnalysisSettings) -> None:
        self._url = settings.endpoint_url.rstrip("/") + "/audio/transcriptions"
        self._key, self._model = settings.endpoint_key, settings.endpoint_model

    def transcribe(self, samples: Any, *, language: str | None, progress: Callable[[float], None]) -> Heard:
        words: list[Word] = []
        for start, end in _pieces(samples):
            answer = self._ask(samples[start:end], language)
            named = str(answer.get("language") or "").lower()
            language = language or _CODES.get(named, named[:8])
            found = list(_words(answer, offset_s=start / SAMPLE_RATE))
            if not found and str(answer.get("text") or "").strip():
                message = "The transcription endpoint answers words without times."
                raise AnalysisError("engine_refused", message)
            words += found
            progress(end / SAMPLE_RATE)
        # it does not say how sure it is of the language
        return Heard(words, language or "", 1.0 if language else 0.0)

    def _ask(self, samples: Any, language: str | None) -> Mapping[str, Any]:
        fields = [
            ("model", self._model),
            ("response_format", "verbose_json"),
            ("timestamp_granularities[]", "word"),
            ("timestamp_granularities[]", "segment"),
        ]
        if language:
            fields.append(("language", language))
        body, content_type = multipart(fields, file=("call.wav", _wav(samples), "audio/wav"))
        headers = {"Content-Type": content_type}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        try:
            response = fetch(
                self._url,
                method="POST",
                body=body,
                headers=headers,
                timeout_s=_TIMEOUT_S,
                max_bytes=_MAX_ANSWER_BYTES,
            )
        except OutboundError as error:
            message = f"The transcription endpoint did not answer: {error.message}"
            raise EngineTrouble("engine_unavailable", message) from error
        if response.status in _BUSY or response.status >= 500:
            message = f"The transcription endpoint answered {response.status}."
            raise EngineTrouble("engine_unavailable", message)
        answer = _object(response.body) if response.status == 200 else None
        if answer is None:
            message = f"The transcription endpoint answered {response.status}, and no transcript."
            raise AnalysisError("engine_refused", message)
        return answer


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return answer if isinstance(answer, dict) else None


def _words(answer: Mapping[str, Any], *, offset_s: float) -> Iterator[Word]:
    segments = [one for one in answer.get("segments") or () if isinstance(one, dict)]
    for one in answer.get("words") or ():
        try:
            text, start, end = str(one["word"]).strip(), float(one["start"]), float(one["end"])
        except (KeyError, TypeError, ValueError) as error:
            raise AnalysisError("engine_refused", "The endpoint's words have no times.") from error
        if text:
            sure = _confidence(segments, (start + end) / 2)
            yield Word(text, round(start + offset_s, 2), round(end + offset_s, 2), round(sure, 3))


def _confidence(segments: list[dict[str, Any]], at_s: float) -> float:
    """The mean likelihood of a token in the segment around; 1 where the endpoint does not tell."""
    for one in segments:
        likelihood = one.get("avg_logprob")
        if isinstance(likelihood, int | float) and one.get("start", 0) <= at_s <= one.get("end", 0):
            return min(1.0, math.exp(likelihood))
    return 1.0


def _pieces(samples: Any) -> Iterator[tuple[int, int]]:
    """Stretches of at most ten minutes, parted in pauses where there are any."""
    most = _PIECE_S * SAMPLE_RATE
    pauses: list[int] = []
    if len(samples) > most:
        spans = speech_spans(samples)
        pauses = [round((before[1] + after[0]) / 2 * SAMPLE_RATE) for before, after in pairwise(spans)]
    start = 0
    while len(samples) - start > most:
        end = max((pause for pause in pauses if start < pause <= start + most), default=start + most)
        yield start, end
        start = end
    yield start, len(samples)


def _wav(samples: Any) -> bytes:
    numpy = library("numpy")
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((numpy.clip(samples, -1, 1) * 32767).astype(numpy.int16).tobytes())
    return target.getvalue()
