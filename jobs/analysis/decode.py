"""Bytes to samples, in a child process with limits."""

import contextlib
import json
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from threading import Timer
from typing import IO, Any

from jobs.analysis.audio import MAX_BYTES, MAX_SECONDS, SAMPLE_RATE, Recording, container_of
from jobs.analysis.errors import AnalysisError
from jobs.analysis.models import library

# Address space of the child: its libraries reserve some 400 MB, the file and its packets take the rest.
_MEMORY_MB = 1000
_CPU_S = 300
_WALL_S = 400
_MESSAGES = {
    "too_long": "The recording is longer than 2 hours.",
    "too_large": "The recording is larger than 60 MB.",
    "no_audio": "The file holds no audio.",
    "video": "The file is a video: send its sound alone.",
    "empty_audio": "The recording is empty.",
    "corrupt_audio": "The recording is damaged and cannot be decoded.",
    "decode_timeout": "Decoding the recording took too long.",
    "decode_memory": "Decoding the recording took too much memory.",
}
# how a crash of the decoder itself looks
_CRASHES = (-signal.SIGSEGV, -signal.SIGBUS, -signal.SIGILL, -signal.SIGFPE)


def decode(content: bytes) -> Recording:
    """Decode to 16 kHz. Raises AnalysisError: unsupported_format or a key of the messages above."""
    if not content:
        raise _error("empty_audio")
    if len(content) > MAX_BYTES:
        raise _error("too_large")
    container = container_of(content)
    started = time.monotonic()
    with _decoder(container) as child:
        assert child.stdin
        assert child.stdout
        # it reads to the end before it answers; one that is gone already says why by its status
        with contextlib.suppress(BrokenPipeError):
            child.stdin.write(content)
            child.stdin.close()
        channels, count = None, 0
        if head := json.loads(_block(child.stdout) or b"{}"):
            channels, count = _channels(child.stdout, head["channels"])
        end = child.stdout.read()
    if not end:
        raise _error(_cause_of_death(child.returncode, time.monotonic() - started))
    if code := json.loads(end).get("error"):
        raise _error(code)
    if channels is None or count < SAMPLE_RATE // 20:
        raise _error("empty_audio")
    return Recording([channel[:count] for channel in channels], int(head["rate"]), container)


@contextlib.contextmanager
def _decoder(container: str) -> Any:
    """The running child; it is gone at the end, however that comes."""
    limits = (str(MAX_SECONDS), str(_MEMORY_MB), str(_CPU_S))
    with subprocess.Popen(  # noqa: S603 (our own module)
        [sys.executable, "-m", "jobs.analysis.decoder_process", container, *limits],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).resolve().parents[2],
        # numerical libraries would start threads, and threads reserve memory
        env={"PATH": os.defpath, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    ) as child:
        late = Timer(_WALL_S, child.kill)
        late.start()
        try:
            yield child
            child.wait()
        finally:
            late.cancel()
            child.kill()


def _block(pipe: IO[bytes]) -> bytes:
    """The next block; empty at the end of the samples, and when the child is gone."""
    length = pipe.read(4)
    return pipe.read(struct.unpack(">I", length)[0]) if len(length) == 4 else b""


def _channels(pipe: IO[bytes], channels: int) -> tuple[Any, int]:
    """The samples as float32 in [-1, 1], room for the longest recording behind them, and their number.

    Memory that is reserved and never written to takes none.
    """
    numpy = library("numpy")
    samples = numpy.empty((channels, MAX_SECONDS * SAMPLE_RATE), numpy.float32)
    count = 0
    while block := _block(pipe):
        frames = numpy.frombuffer(block, "<i2").reshape(-1, channels).T
        samples[:, count : count + frames.shape[1]] = frames
        count += frames.shape[1]
    samples[:, :count] /= 32768
    return samples, count


def _cause_of_death(status: int, seconds: float) -> str:
    if status == -signal.SIGXCPU or seconds >= _WALL_S:
        return "decode_timeout"
    return "corrupt_audio" if status in _CRASHES else "decode_memory"


def _error(code: str) -> AnalysisError:
    return AnalysisError(code, _MESSAGES[code])
