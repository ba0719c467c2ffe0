"""Parts always sum to the whole."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.splitting import split

# a busy machine is slow to think of examples
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
WEIGHTS = st.lists(st.integers(0, 10_000), min_size=1, max_size=6).filter(any)


@UNHURRIED
@given(st.integers(-(10**12), 10**12), WEIGHTS)
def test_parts_sum_to_the_whole_and_are_a_unit_from_their_exact_share(whole, weights):
    parts = split(whole, weights)
    assert sum(parts) == whole
    for part, weight in zip(parts, weights, strict=True):
        assert part * whole >= 0
        assert abs(part * sum(weights) - whole * weight) < sum(weights)
        assert weight or not part


@UNHURRIED
@given(st.integers(0, 10**12), WEIGHTS)
def test_what_is_taken_back_is_what_was_given(whole, weights):
    assert split(-whole, weights) == [-part for part in split(whole, weights)]


def test_what_is_left_goes_to_the_largest_remainders_and_among_equals_to_the_earlier():
    assert split(100, [1, 1, 1]) == [34, 33, 33]
    assert split(10, [1, 2, 4]) == [1, 3, 6]


@pytest.mark.parametrize("weights", [[], [0, 0], [2, -1]])
def test_weights_that_divide_nothing_are_refused(weights):
    with pytest.raises(ValueError, match="Weights"):
        split(1, weights)
