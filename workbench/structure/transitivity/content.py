"""People and contexts in an order that does not depend on their names."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.decompose.kernel import Array, Codes


def by_content(
    person: Codes, context: Codes, people: pd.Index, contexts: pd.Index,
    said: tuple[Array | Codes, ...],
) -> tuple[Codes, Codes, pd.Index, pd.Index]:  # fmt: skip
    """Return people and contexts numbered by what they hold: draws go by number.

    Contexts are ordered by their labels, people by their labels and contexts, and contexts again
    with the people. Names decide between those that hold the same.

    Parameters
    ----------
    person, context : ndarray of int, shape (n,)
        Codes in the order of names; -1 where none is known.
    people, contexts : Index
    said : tuple of ndarray, each of shape (n,)
        Items, preference and weight of each label.

    Returns
    -------
    person, context : ndarray of int
    people, contexts : Index

    Examples
    --------
    >>> said = (np.array([0, 0, 1]), np.array([1.0, 0.0, 1.0]))
    >>> names = pd.Index(["anna", "bert"]), pd.Index(["here"])
    >>> person, _, people, _ = by_content(np.array([1, 1, 0]), np.zeros(3, int), *names, said)
    >>> person.tolist(), people.tolist()
    ([0, 0, 1], ['bert', 'anna'])
    """
    label = _codes(said)
    first = _places(context, label, len(contexts))
    own = _places(person, _codes((label, _at(first, context))), len(people))
    last = _places(context, _codes((label, _at(own, person))), len(contexts))
    return (
        _at(own, person), _at(last, context), people.take(np.argsort(own)),
        contexts.take(np.argsort(last)),
    )  # fmt: skip


def _codes(parts: tuple[Array | Codes, ...]) -> Codes:
    """Return one code for each row of several columns, in their order."""
    found = np.zeros(len(parts[0]), dtype=np.int64)
    for part in parts:
        own = np.unique(part, return_inverse=True)[1]
        found = np.unique(found * (own.max(initial=0) + 1) + own, return_inverse=True)[1]
    return found


def _at(place: NDArray[np.int64], code: Codes) -> Codes:
    """Return the place of each code, -1 where there is none."""
    return np.append(place, -1)[code]


def _places(unit: Codes, label: Codes, size: int) -> NDArray[np.int64]:
    """Return the place of each unit by its sorted labels, then by its code."""
    known = unit >= 0
    order = np.lexsort((label[known], unit[known]))
    ends = np.cumsum(np.bincount(unit[known], minlength=size))[:-1]
    held = [tuple(part.tolist()) for part in np.split(label[known][order], ends)][:size]
    by = sorted(range(size), key=lambda k: (held[k], k))
    place = np.empty(size, dtype=np.int64)
    place[by] = np.arange(size)
    return place
