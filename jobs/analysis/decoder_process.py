"""The decoder, in a process of its own: `python -m jobs.analysis.decoder_process FORMAT MAX_SECONDS MB CPU`.

Gets bytes on standard input and nothing else: a forced container format, no protocols, limits on memory
and CPU time, and no further file or socket. Answers blocks, each after its length in four bytes
(big-endian): a JSON head {"rate", "channels"}, then interleaved 16-bit samples at 16 kHz, then an empty block
and a JSON end, `{}` or {"error": code}. Samples go out as they come, so that hours take no memory here.
"""

import io
import json
import os
import resource
import struct
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

import av
from av.stream import Disposition

RATE = 16_000
# the bytes at hand and nothing they point to
OPTIONS = {"protocol_whitelist": "none"}
# Damaged packets are skipped while they are few: each moves what follows it by some milliseconds.
MAX_DAMAGED_SHARE = 0.05
# ... and beyond so many it is not worth looking whether the rest is better
MAX_DAMAGED = 10_000
# FFmpeg's own AMR decoders refuse the silence frames (DTX) that most telephones write
DECODERS = {"amrnb": "libopencore_amrnb", "amrwb": "libopencore_amrwb"}
_SILENCE = struct.pack(
    "<4sI8sIHHIIHH4sI", b"RIFF", 100, b"WAVEfmt ", 16, 1, 1, 8000, 16000, 2, 16, b"data", 64
)
_SILENCE += bytes(64)


class RefusedError(Exception):
    """What the file holds is not taken; the message is the code."""


def decode(content: bytes, container: str, max_seconds: int, out: BinaryIO) -> None:
    """Write the head and the samples of the first audio stream.

    Raises RefusedError: no_audio; video; too_long, counted on samples, whatever the header says.
    """
    with av.open(
        io.BytesIO(content), mode="r", format=container, options=OPTIONS, metadata_errors="ignore"
    ) as source:
        # a cover picture is no film
        if any(not stream.disposition & Disposition.attached_pic for stream in source.streams.video):
            raise RefusedError("video")
        if not source.streams.audio:
            raise RefusedError("no_audio")
        stream = source.streams.audio[0]
        stream.codec_context.thread_count = 1
        decoder = _decoder(stream.codec_context)
        layout = "stereo" if stream.codec_context.channels > 1 else "mono"
        head = {"rate": stream.codec_context.sample_rate, "channels": 2 if layout == "stereo" else 1}
        _write(out, json.dumps(head).encode())
        count = 0
        for piece in _resampled(_frames(source, stream, decoder), layout):
            count += piece.samples
            if count > max_seconds * RATE:
                raise RefusedError("too_long")
            _write(out, piece.to_ndarray().astype("<i2", copy=False).tobytes())


def _resampled(frames: Iterator[Any], layout: str) -> Iterator[Any]:
    """The frames at 16 kHz; a stream may change its rate or channels midway."""
    resampler: Any = None
    form = None
    for frame in frames:
        present = (frame.format.name, frame.layout.name, frame.sample_rate)
        if present != form:
            if resampler is not None:
                yield from resampler.resample(None)
            resampler, form = av.AudioResampler(format="s16", layout=layout, rate=RATE), present
        yield from resampler.resample(frame)
    if resampler is not None:
        yield from resampler.resample(None)


def _decoder(context: Any) -> Any:
    """The stream's decoder, or the better one there is for its codec."""
    name = DECODERS.get(context.codec.name, "")
    if name not in av.codecs_available:
        return context
    decoder: Any = av.CodecContext.create(name, "r")
    decoder.sample_rate, decoder.layout = context.sample_rate, context.layout
    return decoder


def _frames(source: Any, stream: Any, decoder: Any) -> Iterator[Any]:
    """The stream's frames. Raises av.FFmpegError when too much of it is damaged."""
    whole, damaged, last = 0, 0, None
    for packet in source.demux(stream):
        try:
            # the last packet is empty: it asks for what the decoder still holds
            yield from decoder.decode(packet if packet.size else None)
            whole += 1
        except MemoryError:
            raise
        except av.FFmpegError as error:
            damaged, last = damaged + 1, error
            if damaged > MAX_DAMAGED:
                raise
    if last and damaged > 1 + MAX_DAMAGED_SHARE * whole:
        raise last


def _write(out: BinaryIO, block: bytes) -> None:
    if block:
        out.write(struct.pack(">I", len(block)) + block)


def confine(megabytes: int, cpu_s: int) -> None:
    """Limit this process for good: no file or socket can be opened any more, nothing written or started."""
    resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    if hasattr(resource, "RLIMIT_NPROC"):
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))


def main() -> None:
    container, max_seconds, megabytes, cpu_s = sys.argv[1], *map(int, sys.argv[2:5])
    # what av imports when it first decodes must be there before no file can be opened
    decode(_SILENCE, "wav", 1, io.BytesIO())
    confine(megabytes, cpu_s)
    out = sys.stdout.buffer
    end: dict[str, str] = {}
    try:
        decode(sys.stdin.buffer.read(), container, max_seconds, out)
    except RefusedError as refusal:
        end = {"error": str(refusal)}
    except MemoryError:
        end = {"error": "decode_memory"}
    except (av.FFmpegError, ValueError, OverflowError):
        end = {"error": "corrupt_audio"}
    out.write(struct.pack(">I", 0) + json.dumps(end).encode())
    out.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
