"""The decoder, in a process of its own: `python -m jobs.analysis.decoder_process FORMAT MAX_SECONDS MB CPU`.

Gets bytes on standard input and nothing else: a forced container format, no protocols, limits on memory
and CPU time. Answers one JSON line, then the channels' 16-bit samples, one channel after the other.
"""

import io
import json
import resource
import sys
from collections.abc import Iterator
from typing import Any

import av
import numpy as np

RATE = 16_000
# the bytes at hand and nothing they point to
OPTIONS = {"protocol_whitelist": "none"}
# Damaged packets are skipped while they are few: each moves what follows it by some milliseconds.
MAX_DAMAGED_SHARE = 0.05


class TooLongError(Exception):
    """More samples than allowed, whatever the header said."""


def decode(content: bytes, container: str, max_seconds: int) -> tuple[Any, int]:
    """An array (channels, samples) of int16 at 16 kHz, and the source's rate."""
    with av.open(
        io.BytesIO(content), mode="r", format=container, options=OPTIONS, metadata_errors="ignore"
    ) as source:
        stream = source.streams.audio[0]
        rate = stream.codec_context.sample_rate
        channels = min(2, stream.codec_context.channels)
        resampler = av.AudioResampler(format="s16p", layout="stereo" if channels == 2 else "mono", rate=RATE)
        parts: list[Any] = []
        count = 0
        for frame in _frames(source, stream):
            for piece in resampler.resample(frame):
                count += piece.samples
                if count > max_seconds * RATE:
                    raise TooLongError
                parts.append(piece.to_ndarray())
    return (np.concatenate(parts, axis=1) if parts else np.zeros((channels, 0), np.int16)), rate


def _frames(source: Any, stream: Any) -> Iterator[Any]:
    """The stream's frames, then None. Raises av.FFmpegError when too much of it is damaged."""
    whole, damaged, last = 0, 0, None
    for packet in source.demux(stream):
        try:
            yield from packet.decode()
            whole += 1
        except MemoryError:
            raise
        except av.FFmpegError as error:
            damaged, last = damaged + 1, error
    if last and damaged > 1 + MAX_DAMAGED_SHARE * whole:
        raise last
    yield None


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
