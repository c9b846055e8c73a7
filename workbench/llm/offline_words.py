"""What the offline model says of single words: which are said on one side and not the other."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

_TOKEN = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*|[^\w\s]+")
_SAYS = re.compile(
    r"(?P<no>\bdoes not use|\buses) the words? "
    r'(?P<words>"[^"\n]{1,40}"(?:, "[^"\n]{1,40}")*)'
)
_QUOTED = re.compile(r'"([^"\n]{1,40})"')

_SURE = 0.6
"""Share of the pairs in which a word must be on one side alone to name them."""

_NEARLY = 0.75
"""Words that are on one side nearly as often as the first are named with it."""

_MOST = 3


def apart(pairs: Sequence[tuple[str, str]]) -> tuple[str, bool]:
    """Return the words that tell first texts from second ones, as a property, and if it is sure.

    Parameters
    ----------
    pairs : sequence of (str, str)

    Examples
    --------
    >>> apart([("red cat", "cat"), ("a red dog", "a dog"), ("red", "blue")])
    ('uses the words "red"', True)
    """
    score: Counter[str] = Counter()
    for more, less in pairs:
        one, other = (set(_TOKEN.findall(text.casefold())) for text in (more, less))
        score.update(dict.fromkeys(one - other, 1))
        score.subtract(dict.fromkeys(other - one, 1))
    usable = {word: n for word, n in score.items() if '"' not in word and len(word) <= 40}
    ranked = sorted(usable, key=lambda word: (-abs(usable[word]), -usable[word], word))
    if not ranked or usable[ranked[0]] == 0:
        return "is like the other one", False
    top = usable[ranked[0]]
    same = [w for w in ranked if usable[w] * top > 0 and abs(usable[w]) >= _NEARLY * abs(top)]
    words = ", ".join(f'"{word}"' for word in same[:_MOST])
    sure = abs(top) >= _SURE * len(pairs)
    return ("uses" if top > 0 else "does not use") + f" the words {words}", sure


def quoted(description: str) -> tuple[tuple[str, ...], bool] | None:
    """Return the words that a description asks for, and whether it wants them absent.

    Examples
    --------
    >>> quoted('The response uses the words "red", "blue".')
    (('red', 'blue'), False)
    >>> quoted("The response is short.")
    """
    match = _SAYS.search(description)
    if match is None:
        return None
    return tuple(_QUOTED.findall(match["words"])), match["no"] != "uses"


def told_of(words: tuple[tuple[str, ...], bool], text: str) -> float:
    """Return how much of some words a text has, between 0 and 1.

    Examples
    --------
    >>> told_of((('red',), False), "Red!") > told_of((('red',), False), "Blue!") == 0.0
    True
    """
    wanted, absent = words
    counts = Counter(_TOKEN.findall(text.casefold()))
    found = sum(1.0 - math.exp(-counts[word]) for word in wanted) / len(wanted)
    return 1.0 - found if absent else found
