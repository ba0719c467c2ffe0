"""Transcription engines, chosen by setting."""

from jobs.analysis.engines.base import TranscriptionEngine
from jobs.analysis.engines.endpoint import EndpointEngine
from jobs.analysis.engines.faster_whisper import FasterWhisperEngine
from jobs.analysis.settings import AnalysisSettings


def engine_of(settings: AnalysisSettings) -> TranscriptionEngine:
    """The endpoint where one is set, else faster-whisper. Raises AnalysisError (models_missing, …)."""
    return EndpointEngine(settings) if settings.endpoint_url else FasterWhisperEngine(settings)
