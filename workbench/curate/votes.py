"""What was voted on every pair: the counts that strength and curation stand on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.clustered import Array
from workbench.data.dataset import PreferenceData


@dataclass(frozen=True, eq=False)
class Votes:
    """Votes of each pair, in the order of ``data.pairs``.

    Attributes
    ----------
    a, b, ties : ndarray, shape (pairs,)
        Votes for A, for B, and for neither.
    rows : ndarray of bool, shape (labels,)
        The labels that were counted.
    """

    a: Array
    b: Array
    ties: Array
    rows: NDArray[np.bool_]

    @property
    def n(self) -> Array:
        """Votes of each pair, ties among them."""
        return self.a + self.b + self.ties

    @property
    def share(self) -> Array:
        """Share of the votes for A, a tie half a vote; NaN without a vote."""
        out = np.full(len(self.a), np.nan)
        return np.asarray(np.divide(self.a + self.ties / 2, self.n, out=out, where=self.n > 0))

    @property
    def side(self) -> Array:
        """The side that the majority chose: 1 is A, -1 is B, 0 is neither."""
        # sums of shares such as 0.1 and 0.2 are ties up to rounding
        return np.sign(np.round(self.a - self.b, 9))

    @property
    def agreement(self) -> Array:
        """Share of the votes for the majority's side, a tie half a vote; NaN without a vote."""
        return np.maximum(self.share, 1 - self.share)

    @cached_property
    def repeated(self) -> NDArray[np.bool_]:
        """Which pairs have two votes or more."""
        return np.asarray(self.n > 1.5)


def votes_of(data: PreferenceData, annotators: Sequence[str] | None = None) -> Votes:
    """Return the votes of every pair.

    Parameters
    ----------
    data : PreferenceData
    annotators : sequence of str, optional
        Whose votes count; people's, or without people everybody's, when None.

    Notes
    -----
    A label is one vote; where ``n_votes`` says that it stands for several, as many, of which
    ``n_ties`` were ties. A label between A and B that stands for one vote counts in part for
    either.

    Examples
    --------
    >>> import workbench as wb
    >>> found = votes_of(wb.load("sample"))
    >>> found.n.min(), found.n.max()
    (np.float64(3.0), np.float64(3.0))
    """
    labels = data.labels
    rows = np.isfinite(labels["preference"].to_numpy()) & (labels["weight"].to_numpy() > 0)
    if annotators is not None:
        named = list(annotators)
        data.filter(annotators=named)
        rows &= labels["annotator"].isin(named).to_numpy()
    else:
        people = labels["kind"].eq("human").to_numpy()
        rows &= people if people.any() else True
    at, share = data.pair_rows[rows], labels["preference"].to_numpy()[rows]
    count = _column(labels, "n_votes", rows, 1.0)
    one = np.where(share == 0.5, 1.0, 0.0)
    ties = np.where(count > 1, _column(labels, "n_ties", rows, 0.0), one)
    size = len(data.pairs)
    to_a, to_b = count * share - ties / 2, count * (1 - share) - ties / 2
    sums = (np.bincount(at, part, size) for part in (to_a, to_b, ties))
    a, b, neither = (np.maximum(np.round(part, 9), 0.0) for part in sums)
    return Votes(a, b, neither, rows)


def _column(labels: pd.DataFrame, name: str, rows: NDArray[np.bool_], default: float) -> Array:
    if name not in labels:
        return np.full(int(rows.sum()), default)
    found = labels[name].to_numpy("float64")[rows]
    return np.where(np.isfinite(found), found, default)
