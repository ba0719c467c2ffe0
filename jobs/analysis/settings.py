"""What the pipeline is told from outside."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class AnalysisSettings:
    """`cache_dir`: where the joined weights lie; `model_dir`: a faster-whisper folder to use instead."""

    cache_dir: Path
    model_dir: str = ""
    threads: int = 2
