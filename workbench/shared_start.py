"""What two texts, or two sequences of tokens, begin with in common."""

from __future__ import annotations

from collections.abc import Sequence


def shared_start(one: Sequence[object], other: Sequence[object]) -> int:
    """Return with how many equal parts two sequences begin.

    By bisection over slices, which are compared at once: long texts and token sequences stay
    cheap.

    Parameters
    ----------
    one, other : sequence
        Of one type: two texts, or two tuples of tokens.

    Examples
    --------
    >>> shared_start((1, 2, 3, 4), (1, 2, 4)), shared_start("abc", "abd"), shared_start("", "a")
    (2, 2, 0)
    """
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
