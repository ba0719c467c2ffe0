"""Real recordings through the real models."""

import json
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings

from evaluation.words import error_rate, words
from jobs.analysis.content import call_type_of
from jobs.analysis.engines.base import Heard, Word
from jobs.analysis.engines.faster_whisper import FasterWhisperEngine
from jobs.analysis.errors import AnalysisCanceled, AnalysisError
from jobs.analysis.models import embedded_weights, whisper
from jobs.analysis.pipeline import analyse
from jobs.analysis.settings import AnalysisSettings
from tests.analysis.conftest import AUDIO, recording, run


@pytest.mark.parametrize(
    ("name", "said", "allowed"),
    [
        (
            "librivox_0870",
            "and mister john dashwood had then leisure to consider how much there might be prudently"
            " in his power to do for them",
            0.05,
        ),
        ("librivox_0880", "he was not an ill disposed young man", 0.15),
        ("goforward", "go forward ten meters", 0.0),
        ("cards_5", "eight of spades four of clubs seven of hearts", 0.15),
    ],
)
def test_a_human_voice_in_gives_its_words_out(name, said, allowed):
    transcript = run(recording(name)).transcript
    assert error_rate(words(transcript.text), said.split()) <= allowed
    assert transcript.language == "en"
    assert "short" in transcript.low_confidence


def test_a_stereo_call_tells_agent_from_customer(stereo_call):
    result, _ = stereo_call
    roles = {segment.speaker: segment.role for segment in result.transcript.segments}
    assert roles == {"left": "agent", "right": "customer"}
    assert result.role_confidence > 0.6
    assert "Daniel" in next(s.text for s in result.transcript.segments if s.role == "agent")
    assert result.tone.method == "stereo"
    assert 0.3 < result.tone.agent_talk_ratio < 0.8
    assert result.transcript.low_confidence == []


def test_both_sides_of_a_telephone_call_give_their_words(stereo_call):
    script = [line.split("\t") for line in (AUDIO / "call_good.tsv").read_text().splitlines()]
    segments = stereo_call[0].transcript.segments
    for role in ("agent", "customer"):
        said = words(" ".join(text for who, text in script if who == role))
        heard = words(" ".join(segment.text for segment in segments if segment.role == role))
        # the customer's six spoken digits are masked, and the amount is written in digits
        assert error_rate(heard, said) <= 0.15


def test_a_language_the_weights_were_not_measured_in_is_doubted():
    engine = FasterWhisperEngine(AnalysisSettings(Path(settings.STATE_DIR) / "models"))
    # of silence: over speech in the wrong language the decoder tries all it has, for as long as a whole call
    samples = np.zeros(16_000, dtype=np.float32)

    def doubts(language):
        return engine.transcribe(samples, language=language, progress=lambda done: None).doubts

    assert doubts("he") == ("weak_language",)
    assert doubts("en") == ()


@pytest.mark.parametrize(
    ("heard", "encoded"), [(0, 1500), (400, 1500), (1601, 1902), (2900, 3000), (3000, 3000)]
)
def test_a_window_that_ends_early_is_encoded_with_some_silence_and_no_more(heard, encoded):
    model = whisper(AnalysisSettings(Path(settings.STATE_DIR) / "models"))
    features = np.zeros((80, 3000), dtype=np.float32)
    features[:, :heard] = np.random.default_rng(heard).standard_normal((80, heard))
    found = model.encode(features)
    assert found.shape[1] == encoded // 2  # two frames a position
    assert model.encode(features.copy()) is found


def test_two_workers_may_join_the_weights_at_once(tmp_path):
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as workers:
        first, second = workers.map(embedded_weights, [tmp_path, tmp_path])
    assert first == second
    assert {path.name for path in first.iterdir()} == {
        "model.bin",
        "config.json",
        "tokenizer.json",
        "vocabulary.txt",
    }
    assert list(tmp_path.iterdir()) == [first]


def test_the_results_are_the_contracts_and_json(stereo_call):
    results = json.loads(json.dumps(stereo_call[0].to_results()))
    assert set(results) == {"transcript", "tone_analysis", "content_analysis", "overall_score"}
    segment = results["transcript"]["segments"][0]
    assert set(segment) == {"speaker", "role", "start", "end", "text", "confidence", "words"}
    assert set(segment["words"][0]) == {"word", "start", "end", "confidence"}
    assert 0 <= results["overall_score"] <= 10


def test_a_good_call_ticks_its_checklist_with_quotes(stereo_call):
    checklist = stereo_call[0].content.checklist
    heard = [name for name, quote in checklist.items() if quote]
    assert {"greeting", "self_introduction", "verification", "empathy", "closing"} <= set(heard)
    assert "call" in checklist["greeting"].text.lower() or "help" in checklist["greeting"].text.lower()


def test_account_numbers_do_not_survive(stereo_call):
    transcript = stereo_call[0].transcript
    for text in (transcript.text, *(w.word for s in transcript.segments for w in s.words)):
        assert sum(character.isdigit() for character in text.split("█")[0][-8:]) <= 4
    assert "█" in transcript.text


class Dictated:
    """An engine that hears a card number in whatever it is given."""

    def transcribe(self, samples, *, language, progress):
        said = ["my", "card", "is", "4580", "1234", "5678", "9012"]
        words = [Word(word, 0.5 + n * 0.2, 0.6 + n * 0.2, 0.9) for n, word in enumerate(said)]
        return Heard(words, "en", 0.99)


@pytest.mark.parametrize("unmasked", [False, True])
def test_personal_data_stays_only_where_that_is_asked_for(unmasked):
    text = run(recording("goforward"), engine=Dictated(), unmasked=unmasked).transcript.text
    assert ("4580" in text, "█" in text) == (unmasked, not unmasked)


def test_progress_moves_forward_and_while_the_words_are_heard(stereo_call):
    _, seen = stereo_call
    percents = [percent for _, percent in seen]
    assert percents == sorted(percents)
    assert len({percent for stage, percent in seen if stage == "transcript"}) >= 4


def test_a_mono_call_still_has_two_voices_and_no_invented_overlap(mono_call):
    assert mono_call.tone.method == "diarization"
    assert {segment.role for segment in mono_call.transcript.segments} == {"agent", "customer"}
    assert mono_call.tone.overlap_s is None
    assert "dynamics" not in mono_call.score.components
    assert mono_call.score.overall > 5


def test_a_cancelled_analysis_stops():
    with pytest.raises(AnalysisCanceled):
        run(recording("goforward"), cancelled=lambda: True)


def test_missing_models_are_said_clearly(tmp_path):
    nowhere = AnalysisSettings(tmp_path, model_dir=str(tmp_path / "nothing"))
    with pytest.raises(AnalysisError) as refused:
        analyse(
            recording("goforward"), call_type=call_type_of("x"), settings=nowhere, progress=lambda *_: None
        )
    assert refused.value.code == "models_missing"
