"""All stages in order."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jobs.analysis.content import Content, find_roles, understand
from jobs.analysis.decode import decode
from jobs.analysis.engines import engine_of
from jobs.analysis.engines.base import TranscriptionEngine
from jobs.analysis.errors import AnalysisCanceled
from jobs.analysis.phrases import CallType
from jobs.analysis.score import Score, score_call
from jobs.analysis.settings import AnalysisSettings
from jobs.analysis.speakers import find_speakers
from jobs.analysis.tone import Tone, measure_tone, tone_of
from jobs.analysis.transcript import Transcript, transcribe, transcript_of, with_roles

Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class AnalysisResult:
    """What every stage found."""

    transcript: Transcript
    tone: Tone
    content: Content
    score: Score
    role_confidence: float

    def to_results(self) -> dict[str, Any]:
        """A job's `results` (contract B)."""
        return {
            "transcript": self.transcript.to_dict(),
            "tone_analysis": self.tone.to_dict() | {"role_confidence": self.role_confidence},
            "content_analysis": self.content.to_dict() | {"score": self.score.to_dict()},
            "overall_score": self.score.overall,
        }


def analyse(
    audio: bytes,
    *,
    call_type: CallType,
    settings: AnalysisSettings,
    progress: Progress,
    cancelled: Callable[[], bool] = lambda: False,
    unmasked: bool = False,
    engine: TranscriptionEngine | None = None,
) -> AnalysisResult:
    """Analyse one recording; personal data is masked in what is found, unless `unmasked`.

    `progress` is told the stage and 0 to 100 as it goes. Raises AnalysisError for audio that cannot be
    analysed, and AnalysisCanceled at the next step once `cancelled` says so.
    """

    def step(stage: str, percent: int) -> None:
        if cancelled():
            raise AnalysisCanceled
        progress(stage, percent)

    step("decode", 3)
    recording = decode(audio)
    step("voice", 8)
    speakers = find_speakers(recording)
    step("transcript", 12)
    transcript = transcribe(
        speakers,
        engine=engine or engine_of(settings),
        progress=lambda share: step("transcript", 12 + round(68 * min(share, 1.0))),
        unmasked=unmasked,
    )
    step("speakers", 82)
    roles, role_confidence = find_roles(transcript, first_is_agent=speakers.separate)
    transcript = with_roles(transcript, roles)
    step("tone", 85)
    tone = measure_tone(speakers, transcript, roles)
    step("content", 92)
    content = understand(transcript, call_type=call_type)
    step("score", 98)
    score = score_call(transcript, tone, content, call_type=call_type, role_confidence=role_confidence)
    return AnalysisResult(transcript, tone, content, score, role_confidence)


def judge_again(results: dict[str, Any], *, call_type: CallType) -> AnalysisResult:
    """Content and score of an analysis that is there already, by another checklist; nothing is transcribed.

    Raises KeyError and TypeError for results that are no analysis.
    """
    transcript = transcript_of(results["transcript"])
    measured = dict(results["tone_analysis"])
    role_confidence = float(measured.pop("role_confidence"))
    tone = tone_of(measured)
    content = understand(transcript, call_type=call_type)
    score = score_call(transcript, tone, content, call_type=call_type, role_confidence=role_confidence)
    return AnalysisResult(transcript, tone, content, score, role_confidence)
