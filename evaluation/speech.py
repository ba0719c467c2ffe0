"""Words, speakers, cost and score, on the recordings of tests/data/audio.

Each part runs in a process of its own, so that CPU time and peak memory are the pipeline's.
"""

import io
import json
import resource
import subprocess
import sys
import time
import wave
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.words import error_rate, words
from jobs.analysis.audio import SAMPLE_RATE
from jobs.analysis.content import call_type_of
from jobs.analysis.decode import decode
from jobs.analysis.pipeline import AnalysisResult, analyse
from jobs.analysis.settings import AnalysisSettings
from jobs.analysis.voice import overlap, speech_spans

ROOT = Path(__file__).parents[1]
AUDIO = ROOT / "tests" / "data" / "audio"
MODELS = ROOT / "var" / "models"
CALL = "call_good_stereo_8k_ulaw"
READ = {
    "librivox_0870": "and mister john dashwood had then leisure to consider how much there might be prudently"
    " in his power to do for them",
    "librivox_0880": "he was not an ill disposed young man",
    "goforward": "go forward ten meters",
    "cards_5": "eight of spades four of clubs seven of hearts",
}
# What is left of the good call when nobody is sorry, nothing is solved and nobody says goodbye: its turns by
# number, and the seconds of silence before each (below zero: it begins while the other speaks).
_BAD_CALL = ((1, 1.0), (4, 7.0), (5, -2.5), (4, -3.0), (7, 8.0))


def measured(part: str) -> dict[str, Any]:
    """Run one of the parts below in a process of its own."""
    ended = subprocess.run(  # noqa: S603 (our own module)
        [sys.executable, "-m", "evaluation.speech", part],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise RuntimeError(ended.stderr[-2000:])
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


def read_aloud() -> dict[str, Any]:
    """Word error rate over the recordings of people, all words together."""
    wrong = total = 0.0
    for name, said in READ.items():
        heard = words(_analysed((AUDIO / f"{name}.wav").read_bytes()).transcript.text)
        wrong += error_rate(heard, said.split()) * len(said.split())
        total += len(said.split())
    return {"wer": wrong / total, "words": int(total)}


def telephone() -> dict[str, Any]:
    """The stereo call: words by side, CPU seconds a second of audio with the models loaded, peak memory."""
    content = (AUDIO / f"{CALL}.wav").read_bytes()
    _analysed((AUDIO / "goforward.wav").read_bytes())  # loads the models
    before = _cpu_s()
    result = _analysed(content)
    cpu_s = _cpu_s() - before
    script = [line.split("\t") for line in (AUDIO / "call_good.tsv").read_text().splitlines()]
    wrong = total = 0.0
    for role in ("agent", "customer"):
        # what is masked cannot be compared, and is left out of what was said too
        said = [word for who, text in script if who == role for word in words(text)]
        said = _without(said, ["four", "seven", "two", "nine", "one", "six"])
        heard = [word for s in result.transcript.segments if s.role == role for word in words(s.text)]
        wrong += error_rate(heard, said) * len(said)
        total += len(said)
    return {
        "wer": wrong / total,
        "words": int(total),
        "cpu_per_s": cpu_s / result.tone.duration_s,
        "seconds": result.tone.duration_s,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "score": result.score.overall,
    }


def mono() -> dict[str, Any]:
    """The same call in one channel: the share of speech given to the right side, the channels being right."""
    recording = decode((AUDIO / f"{CALL}.wav").read_bytes())
    truth = {
        role: speech_spans(channel)
        for role, channel in zip(("agent", "customer"), recording.channels, strict=True)
    }
    result = _analysed(_wav([sum(recording.channels) / 2]))
    right = total = 0.0
    for segment in result.transcript.segments:
        for word in segment.words:
            span = [(word.start, word.end)]
            by_role = {role: overlap(spans, span) for role, spans in truth.items()}
            spoken = sum(by_role.values())
            total += spoken
            right += by_role.get(segment.role, 0.0)
    return {"right_side": right / total, "score": result.score.overall}


def bad_stereo() -> dict[str, Any]:
    """The bad call, a side on each channel."""
    return {"score": _analysed(_wav(_bad_call())).score.overall}


def bad_mono() -> dict[str, Any]:
    """The bad call in one channel."""
    return {"score": _analysed(_wav([sum(_bad_call()) / 2])).score.overall}


def speech_table() -> list[str]:
    """Markdown lines of all that."""
    read, call, one, bad, bad_one = map(
        measured, ("read_aloud", "telephone", "mono", "bad_stereo", "bad_mono")
    )
    rows = [
        ("word error rate, people reading at 16 kHz", f"{read['wer']:.1%} of {read['words']} words", "≤ 5 %"),
        (
            "word error rate, telephone call (8 kHz mu-law, synthetic voices)",
            f"{call['wer']:.1%} of {call['words']} words",
            "≤ 8 %",
        ),
        ("speech given to the right side, the call in mono", f"{one['right_side']:.1%}", ""),
        (
            f"CPU seconds a second of stereo telephone audio ({call['seconds']:.0f} s, models loaded)",
            f"{call['cpu_per_s']:.3f}",
            "≤ 0.20",
        ),
        ("peak memory of the process", f"{call['peak_mb']:.0f} MB", "≤ 800 MB"),
        (
            "score of the good and the bad call, stereo",
            f"{call['score']} − {bad['score']} = {call['score'] - bad['score']:.1f}",
            "≥ 3",
        ),
        (
            "score of the good and the bad call, mono",
            f"{one['score']} − {bad_one['score']} = {one['score'] - bad_one['score']:.1f}",
            "≥ 3",
        ),
    ]
    return [
        "| measured | found | wanted |",
        "| --- | --- | --- |",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


def _analysed(content: bytes) -> AnalysisResult:
    MODELS.mkdir(parents=True, exist_ok=True)
    return analyse(
        content,
        call_type=call_type_of("support"),
        settings=AnalysisSettings(MODELS),
        progress=lambda *step: None,
    )


def _bad_call() -> list[Any]:
    """Both sides of the bad call, cut from the turns of the good one."""
    channels = decode((AUDIO / f"{CALL}.wav").read_bytes()).channels
    turns = _turns(channels)
    parts: list[tuple[int, float, Any]] = []
    at = 0.0
    for number, wait in _BAD_CALL:
        side, start, end = turns[number]
        at = max(0.0, at + wait)
        parts.append((side, at, channels[side][int(start * SAMPLE_RATE) : int(end * SAMPLE_RATE)]))
        at += end - start
    sides = [np.zeros(int((at + 3) * SAMPLE_RATE), np.float32) for _ in channels]
    for side, start, samples in parts:
        first = int(start * SAMPLE_RATE)
        sides[side][first : first + len(samples)] += samples
    return sides


def _turns(channels: list[Any]) -> list[tuple[int, float, float]]:
    """Side, start and end of each turn: stretches of speech of one side until the other speaks."""
    spans = sorted((*span, side) for side, samples in enumerate(channels) for span in speech_spans(samples))
    turns: list[tuple[int, float, float]] = []
    for start, end, side in spans:
        if turns and turns[-1][0] == side:
            turns[-1] = (side, turns[-1][1], max(end, turns[-1][2]))
        else:
            turns.append((side, start, end))
    return turns


def _without(said: list[str], masked: list[str]) -> list[str]:
    for start in range(len(said)):
        if said[start : start + len(masked)] == masked:
            return said[:start] + said[start + len(masked) :]
    return said


def _wav(channels: list[Any]) -> bytes:
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((np.clip(np.stack(channels, axis=1), -1, 1) * 32767).astype(np.int16).tobytes())
    return target.getvalue()


def _cpu_s() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)  # the decoder
    return time.process_time() + children.ru_utime + children.ru_stime


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]]()))
