"""Hostile and odd files end with a clear code."""

import io
import struct
import subprocess
import sys

import av
import numpy as np
import pytest

from jobs.analysis import audio, decode
from jobs.analysis.errors import AnalysisError
from tests.analysis.conftest import recording


def refused(content):
    with pytest.raises(AnalysisError) as error:
        decode.decode(content)
    return error.value.code


def encoded(container, codec, seconds=1, rate=16_000):
    """A tone, encoded by the real encoder."""
    target = io.BytesIO()
    with av.open(target, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate)
        stream.layout = "mono"
        samples = (np.sin(np.arange(seconds * rate) / 20) * 8000).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = rate
        for packet in stream.encode(frame) + stream.encode(None):
            output.mux(packet)
    return target.getvalue()


@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    [
        ("wav", "pcm_s16le", 16_000),
        ("wav", "pcm_mulaw", 8_000),
        ("wav", "pcm_alaw", 8_000),
        ("mp3", "libmp3lame", 16_000),
        ("ipod", "aac", 16_000),
        ("ogg", "libopus", 48_000),
        ("webm", "libopus", 48_000),
        ("flac", "flac", 16_000),
    ],
)
def test_every_promised_format_is_decoded(container, codec, rate):
    decoded = decode.decode(encoded(container, codec, rate=rate))
    assert decoded.duration_s == pytest.approx(1, abs=0.1)
    assert abs(decoded.channels[0]).max() > 0.1


def test_stereo_stays_two_channels():
    decoded = decode.decode(recording("call_good_stereo_8k_ulaw"))
    assert (len(decoded.channels), decoded.source_rate) == (2, 8000)


@pytest.mark.parametrize(
    "content",
    [
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=audio 9 RTP/AVP 0\n",
        b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        b"just text, no audio at all",
        b"\x00" * 100,
        b"%PDF-1.4",
    ],
)
def test_playlists_descriptions_and_text_are_unsupported(content):
    assert refused(content) == "unsupported_format"


def test_empty_truncated_and_garbled_files():
    whole = recording("goforward")
    assert refused(b"") == "empty_audio"
    assert refused(whole[:44]) in {"empty_audio", "corrupt_audio"}
    assert refused(b"RIFF\xff\xff\xff\xffWAVEfmt " + b"\xff" * 60) in {"corrupt_audio", "no_audio"}
    assert refused(b"fLaC" + b"\x00" * 400) in {"corrupt_audio", "no_audio"}
    assert refused(b"\x1aE\xdf\xa3" + b"\x01" * 400) in {"corrupt_audio", "no_audio"}


def test_a_truncated_recording_gives_what_it_has():
    whole = recording("librivox_0870")
    assert decode.decode(whole[: len(whole) // 2]).duration_s == pytest.approx(3.5, abs=0.2)


@pytest.mark.parametrize(("container", "codec"), [("mp3", "libmp3lame"), ("flac", "flac")])
def test_a_damaged_end_does_not_lose_the_call(container, codec):
    whole = encoded(container, codec, seconds=5)
    assert decode.decode(whole + bytes(500)).duration_s == pytest.approx(5, abs=0.1)
    assert decode.decode(whole[: len(whole) * 6 // 10]).duration_s > 2


def test_a_file_that_is_mostly_damage_is_refused():
    whole = bytearray(encoded("ipod", "aac", seconds=20))
    for start in range(1000, len(whole) * 6 // 10, 100):
        whole[start : start + 50] = b"\xff" * 50
    assert refused(bytes(whole)) == "corrupt_audio"


def test_a_header_that_claims_hours_decodes_what_is_there():
    lying = bytearray(recording("goforward"))
    lying[40:44] = struct.pack("<I", 0xFFFFFFF0)
    assert decode.decode(bytes(lying)).duration_s == pytest.approx(2.8, abs=0.3)


def test_length_counts_decoded_samples(monkeypatch):
    """Hours of silence fit into a small FLAC."""
    silence = encoded("flac", "flac", seconds=60)
    monkeypatch.setattr(decode, "MAX_SECONDS", 30)
    assert refused(silence) == "too_long"


def test_a_file_beyond_the_limit_is_not_even_decoded(monkeypatch):
    monkeypatch.setattr(decode, "MAX_BYTES", 10)
    assert refused(recording("goforward")) == "too_large"


def test_the_decoder_is_held_by_its_memory_and_time_limits(monkeypatch):
    monkeypatch.setattr(decode, "_MEMORY_MB", 60)
    assert refused(recording("goforward")) == "decode_memory"
    monkeypatch.undo()
    monkeypatch.setattr(decode, "_WALL_S", 0.01)
    assert refused(recording("goforward")) == "decode_timeout"


def test_the_decoder_process_knows_nothing_of_our_settings():
    code = "import jobs.analysis.decoder_process, sys; print('django' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_magic_bytes_decide():
    assert audio.container_of(recording("goforward")) == "wav"
