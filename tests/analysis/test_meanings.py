"""Intents and checklist items in sentences that say them in other words (`make eval` has the table)."""

import numpy as np
import pytest

from evaluation.content import LANGUAGES, found_in, sentences
from jobs.analysis.phrase_vectors import FILE, digest


@pytest.mark.parametrize("kind", ["intent", "checklist"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_meanings_are_found_in_sentences_nothing_was_tuned_on(language, kind):
    labelled = [one for one in sentences(language) if one.half == "held"]
    found = found_in(labelled, kind)
    assert found.f1 >= 0.8, found.errors


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_are_sixty_sentences_of_each_language(language):
    assert len({one.text for one in sentences(language)}) >= 60


def test_the_vectors_that_are_kept_are_of_the_present_sentences():
    with np.load(FILE) as kept:
        assert str(kept["digest"]) == digest(), "run python -m evaluation --phrases"
