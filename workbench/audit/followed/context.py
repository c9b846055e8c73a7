"""What a model reads: a stated preference, talk on other things, and the question."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from workbench.llm.fence import RULE, fence_of, fenced

_TALK = (
    ("How many minutes are there in a week?", "There are 10,080 minutes in a week."),
    ("What is the plural of index?", "Both indexes and indices are in use."),
    ("Is the moon larger than Australia?", "It is less wide: about 3,474 km against 4,000 km."),
    ("Which of these is a prime number: 51, 53, 55?", "53 is."),
    ("What does a barometer measure?", "It measures the pressure of the air."),
    ("How do I write 1999 in Roman numerals?", "MCMXCIX."),
    ("What are the colours of the rainbow?",
     "Red, orange, yellow, green, blue, indigo and violet, by one way of counting."),
    ("Which language is spoken in Brazil?", "Portuguese."),
)  # fmt: skip
"""Exchanges on other things, in words of our own."""

_HEARD = "Thank you for telling me. I will keep it in mind."
_CHOOSE = (
    "You talk with a person. Of the options below the last question, choose the one that suits "
    "this person best."
)
_FORM = 'Reply with one JSON object and nothing else: {"choice": "X"}, with the letter of one.'

Messages = tuple[dict[str, str], ...]


def asked_question(one: Mapping[Any, Any], turns: int | None, seed: int) -> Messages:
    """Return the messages of a question, after a preference and talk, or alone.

    Parameters
    ----------
    one : mapping
        An item: ``pair_id, stated, prompt``.
    turns : int or None
        Exchanges between; None: the preference is not stated.
    seed : int

    Examples
    --------
    >>> one = {"pair_id": "p", "stated": "I eat no fish.", "prompt": "Lunch?"}
    >>> [len(asked_question(one, turns, 0)) for turns in (None, 0, 3)]
    [1, 3, 9]
    """
    return (*_before(one, turns, seed), {"role": "user", "content": str(one["prompt"])})


def chosen_among(
    one: Mapping[Any, Any], turns: int | None, seed: int, options: Mapping[str, str]
) -> Messages:
    """Return the messages of a choice among options by letter; see :func:`asked_question`."""
    texts = {"question": str(one["prompt"])}
    texts |= {f"option {letter}": text for letter, text in options.items()}
    mark = fence_of(texts)
    system = {"role": "system", "content": f"{_CHOOSE}\n\n{RULE.format(fence=mark)}\n\n{_FORM}"}
    return (system, *_before(one, turns, seed), {"role": "user", "content": fenced(texts, mark)})


def shuffled(n: int, seed: int, item: str) -> list[int]:
    """Return an order of n options that depends on the seed and the item alone.

    Examples
    --------
    >>> sorted(shuffled(4, 0, "p"))
    [0, 1, 2, 3]
    """
    return sorted(range(n), key=lambda k: _luck(seed, item, f"option {k}"))


def _before(one: Mapping[Any, Any], turns: int | None, seed: int) -> Messages:
    if turns is None:
        return ()
    said = [{"role": "user", "content": str(one["stated"])},
            {"role": "assistant", "content": _HEARD}]  # fmt: skip
    start = _luck(seed, str(one["pair_id"]), "talk") % len(_TALK)
    for k in range(turns):
        asked, told = _TALK[(start + k) % len(_TALK)]
        said += [{"role": "user", "content": asked}, {"role": "assistant", "content": told}]
    return tuple(said)


def _luck(seed: int, item: str, what: str) -> int:
    digest = blake2b(f"{seed}\0{item}\0{what}".encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "big")
