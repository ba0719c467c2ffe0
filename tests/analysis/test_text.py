"""Masking, content and score on written calls."""

import pytest

from jobs.analysis.content import call_type_of, find_roles, understand
from jobs.analysis.engines.base import Word
from jobs.analysis.masking import mask
from jobs.analysis.score import score_call
from jobs.analysis.tone import Tone, VoiceTone
from jobs.analysis.transcript import Segment, Transcript, masked, with_roles

GOOD = [
    (
        "a",
        "Good morning, thank you for calling Northgate. My name is Daniel, how can I help you today?",
    ),
    ("c", "I was charged twice this month and I am upset."),
    ("a", "I am sorry to hear that. May I have your account number please?"),
    ("c", "Yes of course."),
    ("a", "Thank you. I will correct it right now and refund you."),
    ("c", "Thank you, that is great. You solved my problem."),
    ("a", "Is there anything else I can help you with?"),
    ("c", "No, wonderful service, thank you."),
    ("a", "Thank you for calling, have a wonderful day."),
]
BAD = [
    ("a", "Yes. What."),
    ("c", "My internet is not working again and nobody helps me."),
    ("a", "Not my problem. You should have called earlier."),
    ("c", "This is terrible service, I am angry. Let me speak to a manager."),
    ("a", "He is not here."),
    ("c", "I will file a complaint. I want to cancel my contract."),
    ("a", "Do what you want."),
]


def transcript(turns, language="en"):
    segments, at = [], 0.0
    for speaker, text in turns:
        words = []
        for word in text.split():
            words.append(Word(word, at, at + 0.3, 0.95))
            at += 0.4
        segments.append(Segment(speaker, "unknown", words[0].start, at, text, 0.95, words))
        at += 0.5
    return Transcript(language, 0.99, 0.95, [], segments)


def judged(turns, *, separate, call_type="support"):
    call = transcript(turns)
    roles, confidence = find_roles(call, first_is_agent=True)
    call = with_roles(call, roles)
    voice = VoiceTone(20, 150, 120, 2.5, -20, 20)
    tone = Tone(
        duration_s=60,
        method="stereo" if separate else "diarization",
        speakers={"agent": voice, "customer": voice},
        agent_talk_ratio=0.5,
        overlap_s=0.0 if separate else None,
        interruptions={"agent": [], "customer": []} if separate else None,
        long_silences=[],
        over_time=[],
    )
    kind = call_type_of(call_type)
    content = understand(call, call_type=kind)
    return (
        roles,
        content,
        score_call(call, tone, content, call_type=kind, role_confidence=confidence),
    )


@pytest.mark.parametrize("separate", [True, False], ids=["stereo", "mono"])
def test_a_bad_call_scores_at_least_three_points_below_a_good_one(separate):
    good, bad = judged(GOOD, separate=separate)[2], judged(BAD, separate=separate)[2]
    assert good.overall - bad.overall >= 3
    assert ("dynamics" in good.components) is separate


def test_roles_come_from_the_words():
    assert judged(GOOD, separate=True)[0] == {"a": "agent", "c": "customer"}


def test_intents_of_a_bad_call_are_heard_even_inside_long_sentences():
    intents = judged(BAD, separate=True)[1].intents
    assert {"technical", "escalation", "cancellation"} <= set(intents)
    assert intents["escalation"].role == "customer"


def test_evidence_quotes_what_was_said_and_names_what_was_not():
    evidence = judged(GOOD, separate=True)[2].components["protocol"].evidence
    assert any("thank you for calling" in line.lower() for line in evidence)
    missing = judged(BAD, separate=True)[2].components["protocol"].evidence
    assert "greeting: not heard" in missing


def test_questions_are_found():
    assert len(judged(GOOD, separate=True)[1].questions) == 3


def test_hebrew_text_is_understood():
    _, content, _ = judged(
        [
            ("a", "שלום, איך אפשר לעזור לך היום?"),
            ("c", "אני רוצה לבטל את המנוי שלי."),
            ("a", "אני מצטערת לשמוע."),
        ],
        separate=True,
    )
    assert "cancellation" in content.intents
    assert content.checklist["greeting"] is not None


def test_a_call_type_of_nobody_is_general_and_sales_has_its_own_list():
    assert call_type_of("nonsense") == call_type_of("general")
    assert "offer" in call_type_of("Sales").checklist


def test_an_empty_call_has_no_score():
    call = Transcript("", 0.0, 0.0, ["no_speech"], [])
    tone = Tone(5, "diarization", {}, None, None, None, [], [])
    kind = call_type_of("general")
    content = understand(call, call_type=kind)
    score = score_call(call, tone, content, call_type=kind, role_confidence=0.0)
    assert (score.overall, score.low_confidence) == (None, ["no_speech"])


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("my number is 050-123-4567 thanks", ["my", "number", "is", "███", "thanks"]),
        ("card 4580 1234 5678 9012", ["card", "███", "███", "███", "███"]),
        ("it is 7 3 3 1 9 4.", ["it", "is", "███", "███", "███", "███", "███", "███."]),
        ("write to dana@example.co.il please", ["write", "to", "███", "please"]),
        ("dana at example dot com", ["███", "███", "███", "███", "███"]),
        ("one two three four five", ["███"] * 5),
        ("four 7 two 9 one 6", ["███"] * 6),
        ("4580 okay 1234 then 5678", ["███"] * 5),
        ("dana dot levi at gmail dot com", ["███"] * 7),
        ("שמונה־אפס־חמש־שש־שבע", ["███"]),
        ("one day in four or five", ["one", "day", "in", "four", "or", "five"]),
        ("הטלפון שלי 052-9876543", ["הטלפון", "שלי", "███"]),
        ("in 2026 we paid 120 dollars", ["in", "2026", "we", "paid", "120", "dollars"]),
    ],
)
def test_masking(text, kept):
    assert mask(text, text.split()) == (" ".join(kept), kept)


def test_a_number_dictated_group_by_group_is_one_number():
    call = transcript([("c", "4580"), ("a", "Right."), ("c", "1234"), ("a", "Go on."), ("c", "5678")])
    hidden = masked(call.segments)
    assert [segment.text for segment in hidden] == ["███", "Right.", "███", "Go on.", "███"]
    assert [word.word for word in hidden[2].words] == ["███"]
