"""Parts that always sum to the whole."""

from collections.abc import Sequence


def split(whole: int, weights: Sequence[int]) -> list[int]:
    """Divide `whole` by `weights`, exactly: the parts are integers, sum to `whole` and have its sign.

    By largest remainder (Hamilton): each part is its exact share cut to an integer, and what is left goes one
    by one to the largest remainders, the earlier first among equals. A negative whole is divided as the
    positive one, so that a part taken back is the part that was given. Raises ValueError without a positive
    weight, or for a negative one.
    """
    total = sum(weights)
    if total <= 0 or min(weights) < 0:
        raise ValueError("Weights are not negative, and one is positive.")
    size, sign = abs(whole), -1 if whole < 0 else 1
    parts = [size * weight // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(size * weights[i] % total), i))
    for i in by_remainder[: size - sum(parts)]:
        parts[i] += 1
    return [sign * part for part in parts]
