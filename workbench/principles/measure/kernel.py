"""Counting votes against preferences: agreement by cluster, its resamples and exact tests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import binom

from workbench.clustered import flip_p_value, resample
from workbench.data.dataset import PreferenceData
from workbench.decompose.parted.selection import select_annotators
from workbench.errors import DesignError
from workbench.principles.vote.votes import Codes, Rule, Vote, Votes

Array = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Reference:
    """The preferences that votes are held against, one a pair.

    Attributes
    ----------
    pair : ndarray of int, shape (n,)
        Position of each pair in the data's pairs.
    pair_ids : ndarray of str, shape (n,)
    sign : ndarray, shape (n,)
        +1 where A is preferred, -1 where B is.
    position : ndarray, shape (n,)
        +1 where A was shown first, -1 where B was, 0 unknown; the mean over labels.
    cluster : ndarray of int, shape (n,)
        Code of each pair's cluster, 0 to G - 1, in the order of their names.
    exclusions : DataFrame
        Pairs left out: ``reason, n``.
    """

    pair: Ints
    pair_ids: NDArray[np.str_]
    sign: Array
    position: Array
    cluster: Ints
    exclusions: pd.DataFrame

    def __len__(self) -> int:
        return len(self.pair)

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return int(self.cluster.max()) + 1 if len(self.cluster) else 0

    def take(self, rows: NDArray[np.bool_] | Ints) -> Reference:
        """Return some pairs; clusters are numbered anew."""
        cluster = np.unique(self.cluster[rows], return_inverse=True)[1]
        columns = ("pair", "pair_ids", "sign", "position")
        part = {name: getattr(self, name)[rows] for name in columns}
        return replace(self, **part, cluster=cluster.astype(np.int64))


def reference(
    data: PreferenceData,
    votes: Votes,
    annotator: str | Iterable[str] | None = None,
    pair_ids: Iterable[str] | None = None,
) -> Reference:
    """Return the preferences of an annotator on the pairs that were voted on.

    Several labels of one pair (repeats, or several annotators) count as their weighted
    majority; where that is a tie, the pair is left out, as ties of a single label are.

    Parameters
    ----------
    data : PreferenceData
    votes : Votes
    annotator : str or iterable of str, optional
        Names, or one kind; everybody when None.
    pair_ids : iterable of str, optional
        Only these pairs: those that nothing was proposed or selected on.

    Raises
    ------
    DesignError
        No principle, or no pair is left.
    """
    if not votes.principles:
        raise DesignError(
            "There are no principles to hold against preferences.",
            found="votes of no principle",
            expected="at least one principle",
            fix="Propose principles, add your own, or relax the rules of the selection.",
        )
    chosen, _ = select_annotators(data, annotator, [])
    labels = chosen.labels
    usable = (labels["preference"].notna() & (labels["weight"] > 0)).to_numpy()
    row = chosen.pair_rows[usable]
    weight = labels["weight"].to_numpy("float64")[usable]
    lean = weight * (labels["preference"].to_numpy("float64")[usable] - 0.5)
    shown = labels["order_shown"].map({"ab": 1.0, "ba": -1.0}).fillna(0.0).to_numpy()[usable]
    n = len(chosen.pairs)
    total = np.bincount(row, weight, n)
    side = np.bincount(row, lean, n)
    position = np.bincount(row, weight * shown, n) / np.where(total > 0, total, 1.0)
    ids = chosen.pairs["pair_id"]
    voted = ids.isin(votes.pair_ids).to_numpy()
    wanted = np.ones(n, bool) if pair_ids is None else ids.isin(list(pair_ids)).to_numpy()
    # sums of weights such as 0.1 and 0.2 are ties up to rounding
    tie = np.abs(side) <= 1e-12 * np.maximum(total, 1.0)
    reasons = {
        "no votes": wanted & ~voted,
        "no verdict": wanted & voted & (total == 0),
        "tie": wanted & voted & (total > 0) & tie,
    }
    kept = np.flatnonzero(wanted & voted & (total > 0) & ~tie)
    counted = [(reason, int(mask.sum())) for reason, mask in reasons.items() if mask.any()]
    if not len(kept):
        raise DesignError(
            "No pair has both votes and a preference.",
            found="; ".join(f"{n:,} pairs: {reason}" for reason, n in counted) or "no pair at all",
            expected="pairs that were voted on, with a label that is no tie",
            fix="Vote on more pairs, or check annotator= and pair_ids=.",
        )
    cluster = pd.factorize(chosen.pairs["cluster"].iloc[kept], sort=True)[0]
    return Reference(
        pair=kept,
        pair_ids=ids.to_numpy()[kept],
        sign=np.sign(side[kept]),
        position=position[kept],
        cluster=cluster.astype(np.int64),
        exclusions=pd.DataFrame(counted, columns=["reason", "n"]),
    )


def merged_for(votes: Votes, found: Reference, rule: Rule) -> Codes:
    """Return the merged votes on the pairs of a reference, shape (n, K)."""
    rows = pd.Index(votes.pair_ids).get_indexer(found.pair_ids)
    return np.asarray(votes.merged(rule)[rows])


def sides(codes: Codes) -> Array:
    """Return votes as numbers: +1 for A, -1 for B, 0 for every other code.

    Examples
    --------
    >>> sides(np.array([[1, -1, 2, 4, 5]], np.int8)).tolist()
    [[1.0, -1.0, 0.0, 0.0, 0.0]]
    """
    return np.where(np.abs(codes) == 1, codes, 0).astype(np.float64)


@dataclass(frozen=True, eq=False)
class Counts:
    """Pairs by cluster and principle, each of shape (G, K).

    Attributes
    ----------
    agree, disagree, total : ndarray
        Pairs on which the vote is for the preferred response, for the other one, and all
        pairs asked about.
    """

    agree: Array
    disagree: Array
    total: Array

    @classmethod
    def of(cls, codes: Codes, sign: Array, cluster: Ints, n_clusters: int) -> Counts:
        """Count merged votes, shape (n, K), against signs of preference, shape (n,)."""
        product = sides(codes) * sign[:, None]
        asked = codes != Vote.NOT_ASKED
        stack = np.hstack([product > 0, product < 0, asked]).astype(np.float64)
        order = np.argsort(cluster, kind="stable")
        starts = np.searchsorted(cluster[order], np.arange(n_clusters))
        sums = np.add.reduceat(stack[order], starts, axis=0)
        return cls(*np.hsplit(sums, 3))

    @property
    def sums(self) -> Array:
        """Agreements, disagreements and pairs asked about, shape (3, K)."""
        return np.stack([part.sum(axis=0) for part in (self.agree, self.disagree, self.total)])

    def padded(self) -> Counts:
        """Return the counts with three clusters of mean size added, one of each outcome.

        Without them every resample of principles that are always right would be the same.
        """
        clusters = np.maximum((self.total > 0).sum(axis=0), 1)
        size = self.total.sum(axis=0) / clusters
        none = np.zeros_like(size)
        return Counts(
            np.vstack([self.agree, size, none, none]),
            np.vstack([self.disagree, none, size, none]),
            np.vstack([self.total, size, size, size]),
        )

    def draws(self, replicates: int, seed: int) -> Array:
        """Return sums over resampled clusters, shape (replicates, 3, K)."""
        stack = np.hstack([self.agree, self.disagree, self.total])
        drawn = resample(stack, replicates, seed)
        return drawn.reshape(replicates, 3, -1)


def sign_p_values(counts: Counts) -> Array:
    r"""Return two-sided p-values that votes and preferences are unrelated, shape (K,).

    With the net agreement :math:`s_g` of each cluster (agreements minus disagreements) the
    test is exact under the hypothesis that every :math:`s_g` might as well have had the
    other sign: :math:`P(|\sum_g \varepsilon_g s_g| \ge |\sum_g s_g|)` over random signs
    :math:`\varepsilon`. Where every cluster is one pair this is the binomial test.

    Notes
    -----
    See :func:`workbench.clustered.flip_p_value`.

    Examples
    --------
    >>> agree = np.array([[1.0], [1], [1], [0]])
    >>> sign_p_values(Counts(agree, 1 - agree, np.ones((4, 1))))
    array([0.625])
    """
    agree, disagree, _ = counts.sums
    p = np.full(len(agree), np.nan)
    simple = ((counts.agree + counts.disagree).max(axis=0) <= 1) & (agree + disagree > 0)
    n, low = (agree + disagree)[simple], np.minimum(agree, disagree)[simple]
    p[simple] = np.minimum(2 * binom.cdf(low, n, 0.5), 1.0)
    for k in np.flatnonzero(~simple & (agree + disagree > 0)):
        p[k] = flip_p_value((counts.agree - counts.disagree)[:, k])
    return p
