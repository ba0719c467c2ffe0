"""The decoder, in a process of its own: `python -m jobs.analysis.decoder_process FORMAT MAX_SECONDS MB CPU`.

Gets bytes on standard input and nothing else: a forced container format, no protocols, limits on memory
and CPU time. Answers one JSON line, then the channels' 16-bit samples, one channel after the other.
"""

import io
import json
import resource
import sys
from itertools import chain
from typing import Any

import av
import numpy as np

RATE = 16_000


class TooLongError(Exception):
    """More samples than allowed, whatever the header said."""


def decode(content: bytes, container: str, max_seconds: int) -> tuple[Any, int]:
    """An array (channels, samples) of int16 at 16 kHz, and the source's rate."""
    with av.open(io.BytesIO(content), mode="r", format=container, metadata_errors="ignore") as source:
        stream = source.streams.audio[0]
        rate = stream.codec_context.sample_rate
        channels = min(2, stream.codec_context.channels)
        resampler = av.AudioResampler(format="s16p", layout="stereo" if channels == 2 else "mono", rate=RATE)
        parts: list[Any] = []
        count = 0
        for frame in chain(source.decode(stream), (None,)):
            for piece in resampler.resample(frame):
                count += piece.samples
                if count > max_seconds * RATE:
                    raise TooLongError
                parts.append(piece.to_ndarray())
    return (np.concatenate(parts, axis=1) if parts else np.zeros((channels, 0), np.int16)), rate


def main() -> None:
    container, max_seconds, megabytes, cpu_s = sys.argv[1], *map(int, sys.argv[2:5])
    resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    content = sys.stdin.buffer.read()
    head: dict[str, Any]
    samples = None
    try:
        samples, rate = decode(content, container, max_seconds)
        head = {"rate": rate, "channels": samples.shape[0], "samples": samples.shape[1]}
    except TooLongError:
        head = {"error": "too_long"}
    except MemoryError:
        head = {"error": "decode_memory"}
    except IndexError:
        head = {"error": "no_audio"}
    except (av.FFmpegError, ValueError, OverflowError):
        head = {"error": "corrupt_audio"}
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n")
    if samples is not None:
        for channel in samples:
            sys.stdout.buffer.write(channel.tobytes())


if __name__ == "__main__":
    main()
