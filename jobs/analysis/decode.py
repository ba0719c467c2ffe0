"""Bytes to samples, in a child process with limits."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from jobs.analysis.audio import MAX_BYTES, MAX_SECONDS, SAMPLE_RATE, Recording, container_of
from jobs.analysis.errors import AnalysisError
from jobs.analysis.models import library

_MEMORY_MB = 3000
_CPU_S = 300
_WALL_S = 400
_MESSAGES = {
    "too_long": "The recording is longer than 2 hours.",
    "too_large": "The recording is larger than 60 MB.",
    "no_audio": "The file holds no audio.",
    "empty_audio": "The recording is empty.",
    "corrupt_audio": "The recording is damaged and cannot be decoded.",
    "decode_timeout": "Decoding the recording took too long.",
    "decode_memory": "Decoding the recording took too much memory.",
}


def decode(content: bytes) -> Recording:
    """Decode to 16 kHz. Raises AnalysisError: unsupported_format or a key of the messages above."""
    if not content:
        raise _error("empty_audio")
    if len(content) > MAX_BYTES:
        raise _error("too_large")
    container = container_of(content)
    numpy = library("numpy")
    head, body = _run(content, container)
    if "error" in head:
        raise _error(str(head["error"]))
    channels, count = int(head["channels"]), int(head["samples"])
    if count < SAMPLE_RATE // 20:
        raise _error("empty_audio")
    if len(body) != channels * count * 2:
        raise _error("corrupt_audio")
    planes = numpy.frombuffer(body, numpy.int16).reshape(channels, count)
    scaled = [plane.astype(numpy.float32) / 32768 for plane in planes]
    return Recording(scaled, int(head["rate"]), container)


def _run(content: bytes, container: str) -> tuple[dict[str, Any], bytes]:
    limits = (str(MAX_SECONDS), str(_MEMORY_MB), str(_CPU_S))
    try:
        child = subprocess.run(  # noqa: S603 (our own module)
            [sys.executable, "-m", "jobs.analysis.decoder_process", container, *limits],
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_WALL_S,
            check=False,
            cwd=Path(__file__).resolve().parents[2],
            # numerical libraries would start threads, and threads reserve memory
            env={"PATH": os.defpath, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )
    except subprocess.TimeoutExpired:
        raise _error("decode_timeout") from None
    line, _, body = child.stdout.partition(b"\n")
    if not line:
        # killed: by its CPU limit (SIGXCPU, SIGKILL) or by its memory limit
        raise _error("decode_timeout" if child.returncode in (-24, -9) else "decode_memory")
    return json.loads(line), body


def _error(code: str) -> AnalysisError:
    return AnalysisError(code, _MESSAGES[code])
