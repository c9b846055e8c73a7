"""How far people label the same prompts: what tells people from prompts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

_PERSON = "human"


@dataclass(frozen=True)
class Overlap:
    """Who labels what.

    Attributes
    ----------
    n_people, n_prompts, n_labels : int
    shared : float
        Share of the prompts with labels of two or more people.
    components : int
        Groups of people without a common prompt, over any chain.
    """

    n_people: int
    n_prompts: int
    n_labels: int
    shared: float
    components: int

    def line(self) -> str:
        """Return it in a line.

        Examples
        --------
        >>> Overlap(64, 80, 2324, 1.0, 1).line()
        '64 people, 36.3 labels each; 100% of 80 prompts have labels of two or more people'
        """
        return (
            f"{self.n_people:,} people, {self.n_labels / self.n_people:.1f} labels each; "
            f"{self.shared:.0%} of {self.n_prompts:,} prompts have labels of two or more people"
        )


def overlap_of(person: NDArray[np.int64], prompt: NDArray[np.int64]) -> Overlap:
    """Return the overlap of labels by their people and prompts.

    Examples
    --------
    >>> found = overlap_of(np.array([0, 1, 2]), np.array([0, 0, 1]))
    >>> found.shared, found.components
    (0.5, 2)
    """
    people, own = np.unique(person, return_inverse=True)
    prompts, at = np.unique(prompt, return_inverse=True)
    P, G = len(people), len(prompts)
    # one number for each two: rows of a table take ten times as long to sort
    who, which = np.divmod(np.unique(own.astype(np.int64) * G + at), max(G, 1))
    several = np.bincount(which, minlength=G) > 1
    links = coo_array((np.ones(len(who)), (who, P + which)), (P + G, P + G))
    groups = int(connected_components(links, directed=False)[0])
    return Overlap(P, G, len(person), float(several.mean()), groups)


def overlap_note(pairs: pd.DataFrame, labels: pd.DataFrame) -> str | None:
    """Return a line on the overlap of people; None with fewer than two of them.

    Parameters
    ----------
    pairs, labels : DataFrame
        Of the data.
    """
    people = labels[labels["kind"] == _PERSON]
    if people["annotator"].nunique() < 2:
        return None
    return overlap_of(*_numbered(pairs, people)).line()


def prompts_of_people(pairs: pd.DataFrame, labels: pd.DataFrame) -> tuple[int, int]:
    """Return how many prompts have labels of people, and of two or more of them.

    Parts of a data set have whole prompts: their counts add up.

    Examples
    --------
    >>> pairs = pd.DataFrame({"pair_id": ["x", "y"], "cluster": ["p", "q"]})
    >>> labels = pd.DataFrame(
    ...     {"pair_id": ["x", "x", "y"], "annotator": ["a", "b", "a"], "kind": "human"}
    ... )
    >>> prompts_of_people(pairs, labels)
    (2, 1)
    """
    people = labels[labels["kind"] == _PERSON]
    if people.empty:
        return 0, 0
    person, prompt = _numbered(pairs, people)
    n = int(prompt.max()) + 1
    apart = np.unique(person * n + prompt) % n
    return n, int((np.bincount(apart, minlength=n) > 1).sum())


def note_of_parts(people: Mapping[str, int], prompts: int, shared: int) -> str | None:
    """Return the line of :func:`overlap_note` from what parts add up to.

    Parameters
    ----------
    people : mapping of str to int
        Labels of each person.
    prompts, shared : int
        The sums of :func:`prompts_of_people`.

    Examples
    --------
    >>> note_of_parts({"a": 2, "b": 1}, 2, 1)
    '2 people, 1.5 labels each; 50% of 2 prompts have labels of two or more people'
    """
    if len(people) < 2 or not prompts:
        return None
    return Overlap(len(people), prompts, sum(people.values()), shared / prompts, 0).line()


def _numbered(
    pairs: pd.DataFrame, people: pd.DataFrame
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the person and the prompt of each label as numbers."""
    cluster = pairs.set_index("pair_id")["cluster"].reindex(people["pair_id"])
    return pd.factorize(people["annotator"])[0], pd.factorize(cluster)[0]
