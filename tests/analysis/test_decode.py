"""Hostile and odd files end with a clear code."""

import io
import struct
import subprocess
import sys
import zlib

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


def tone(seconds, rate):
    return (np.sin(np.arange(seconds * rate) / 20) * 8000).astype(np.int16)


def encoded(container, codec, seconds=1, rate=16_000, samples=None, **options):
    """Samples (a tone, unless given), encoded by the real encoder."""
    target = io.BytesIO()
    with av.open(target, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate, options=options)
        stream.layout = "mono"
        samples = tone(seconds, rate) if samples is None else samples
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
        ("amr", "libopencore_amrnb", 8_000),
    ],
)
def test_every_promised_format_is_decoded(container, codec, rate):
    decoded = decode.decode(encoded(container, codec, rate=rate))
    assert decoded.duration_s == pytest.approx(1, abs=0.1)
    assert abs(decoded.channels[0]).max() > 0.05


def test_amr_of_telephones_is_decoded():
    """With silence frames (DTX), and wide-band, which nothing here can encode: frames of mode 0 by hand."""
    pause = np.zeros(10 * 8000, np.int16)
    spoken = np.concatenate([tone(1, 8000), pause, tone(1, 8000)])
    narrow = encoded("amr", "libopencore_amrnb", rate=8000, samples=spoken, dtx="1")
    assert len(narrow) < 3000
    assert decode.decode(narrow).duration_s == pytest.approx(12, abs=0.1)
    wide = decode.decode(b"#!AMR-WB\n" + (b"\x04" + bytes(17)) * 100)
    assert (wide.duration_s, wide.source_rate) == (2, 16_000)


def test_a_stream_that_changes_its_rate_midway_is_decoded_whole():
    changing = encoded("mp3", "libmp3lame") + encoded("mp3", "libmp3lame", rate=48_000)
    assert decode.decode(changing).duration_s == pytest.approx(2, abs=0.2)


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
        b"PK\x03\x04" + bytes(100),
        b"\x1f\x8b\x08" + bytes(100),
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


def box(kind, content):
    return struct.pack(">I", 8 + len(content)) + kind + content


def test_a_bomb_in_a_container_harms_nobody():
    """QuickTime may pack its directory: one that unpacks to 300 MB, and one that claims 2 GB."""
    packed = zlib.compress(bytes(300_000_000), 1)

    def movie(claimed, content):
        directory = box(b"dcom", b"zlib") + box(b"cmvd", struct.pack(">I", claimed) + content)
        return box(b"ftyp", b"qt  " + bytes(4)) + box(b"moov", box(b"cmov", directory))

    assert refused(movie(300_000_000, packed)) in {"no_audio", "decode_memory"}
    assert refused(movie(0x7FFFFFFF, packed[:1000])) == "decode_memory"


@pytest.mark.parametrize(
    ("offset", "claimed", "codes"),
    [
        (24, struct.pack("<I", 1), {"too_long"}),
        (24, struct.pack("<I", 0x7FFFFFFF), {"decode_memory", "corrupt_audio"}),
        (22, struct.pack("<H", 60_000), {"corrupt_audio"}),
    ],
    ids=["1 Hz", "2 GHz", "60,000 channels"],
)
def test_a_header_that_lies_about_rate_or_channels(offset, claimed, codes):
    lying = bytearray(encoded("wav", "pcm_s16le"))
    lying[offset : offset + len(claimed)] = claimed
    assert refused(bytes(lying)) in codes


@pytest.mark.parametrize("audio_codec", [None, "libopus"])
def test_a_video_is_refused(audio_codec):
    target = io.BytesIO()
    with av.open(target, "w", format="matroska") as output:
        film = output.add_stream("mpeg4", rate=10, width=64, height=64, pix_fmt="yuv420p")
        sound = output.add_stream(audio_codec, rate=48_000, layout="mono") if audio_codec else None
        picture = av.VideoFrame.from_ndarray(np.zeros((96, 64), np.uint8), format="yuv420p")
        output.mux(film.encode(picture) + film.encode(None))
        if sound:
            frame = av.AudioFrame.from_ndarray(tone(1, 48_000).reshape(1, -1), format="s16", layout="mono")
            frame.sample_rate = 48_000
            output.mux(sound.encode(frame) + sound.encode(None))
    assert refused(target.getvalue()) == "video"


def test_a_cover_picture_is_no_video():
    png = b"\x89PNG\r\n\x1a\n" + bytes(60)
    picture = b"\0image/png\0\x03\0" + png
    frame = b"APIC" + struct.pack(">I", len(picture)) + bytes(2) + picture
    tag = b"ID3\x03\0\0" + bytes([0, 0, len(frame) >> 7, len(frame) & 127]) + frame
    assert decode.decode(tag + encoded("mp3", "libmp3lame")).duration_s == pytest.approx(1, abs=0.1)


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
    assert refused(recording("goforward") + bytes(20_000_000)) == "decode_memory"
    monkeypatch.undo()
    monkeypatch.setattr(decode, "_WALL_S", 0.01)
    assert refused(recording("goforward")) == "decode_timeout"
    monkeypatch.undo()
    monkeypatch.setattr(decode, "_CPU_S", 1)
    without_content = b"#!AMR\n" + b"\x14" * 5_000_000
    assert refused(without_content) == "decode_timeout"


def test_the_decoder_can_open_no_file_and_no_socket():
    attempts = """
import os, socket, sys
from jobs.analysis.decoder_process import confine
confine(1000, 10)
for attempt in (lambda: open("/etc/passwd"), socket.socket, os.pipe):
    try:
        attempt()
    except OSError as error:
        print(error.errno)
"""
    run = subprocess.run([sys.executable, "-c", attempts], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["24", "24", "24"], "EMFILE"


def test_the_decoder_process_knows_nothing_of_our_settings():
    code = "import jobs.analysis.decoder_process, sys; print('django' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_magic_bytes_decide():
    assert audio.container_of(recording("goforward")) == "wav"
