"""What the pipeline is told from outside."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class AnalysisSettings:
    """`cache_dir`: where the joined weights lie; `model_dir`: a faster-whisper folder to use instead.

    `endpoint_url`: an OpenAI-compatible endpoint that transcribes instead, with its key and model.
    """

    cache_dir: Path
    model_dir: str = ""
    threads: int = 1
    endpoint_url: str = ""
    endpoint_key: str = ""
    endpoint_model: str = "whisper-1"
