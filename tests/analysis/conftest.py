"""The analysis needs no database; its models load once a session."""

import io
import wave
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings

from jobs.analysis.content import call_type_of
from jobs.analysis.decode import decode
from jobs.analysis.pipeline import analyse
from jobs.analysis.settings import AnalysisSettings

AUDIO = settings.BASE_DIR / "tests" / "data" / "audio"


@pytest.fixture(autouse=True)
def database():
    """Instead of the project's: no table to empty."""


def recording(name: str) -> bytes:
    return (AUDIO / f"{name}.wav").read_bytes()


def run(content: bytes, *, call_type: str = "support", progress=lambda stage, percent: None, **given):
    directory = Path(settings.STATE_DIR) / "models"
    return analyse(
        content,
        call_type=call_type_of(call_type),
        settings=AnalysisSettings(directory),
        progress=progress,
        **given,
    )


def mono(content: bytes) -> bytes:
    """The recording's channels mixed into one, as a wav."""
    samples = sum(decode(content).channels) / 2
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((samples * 32767).astype(np.int16).tobytes())
    return target.getvalue()


@pytest.fixture(scope="session")
def stereo_call():
    """The support call, analysed once, with the progress it reported."""
    seen = []
    result = run(recording("call_good_stereo_8k_ulaw"), progress=lambda *step: seen.append(step))
    return result, seen


@pytest.fixture(scope="session")
def mono_call():
    return run(mono(recording("call_good_stereo_8k_ulaw")))
