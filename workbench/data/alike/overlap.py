"""How far people label the same prompts: what tells people from prompts."""

from __future__ import annotations

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
    cluster = pairs.set_index("pair_id")["cluster"].reindex(people["pair_id"])
    person, prompt = pd.factorize(people["annotator"])[0], pd.factorize(cluster)[0]
    return overlap_of(person, prompt).line()
