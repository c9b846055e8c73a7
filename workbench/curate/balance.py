"""Pairs chosen or weighed so that named factors predict the label no longer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.stats import chi2

from workbench.clustered import Array, Codes
from workbench.curate.margins import fit_ridge

_CUTS = (1 / 3, 2 / 3)
_PAIRS_A_BIN = 50
_BINS = 20
_ROUNDS = 6
_CHANCE = 0.2
"""A fit to what is left is no better than chance where its p-value is above this."""


class Round(NamedTuple):
    """What one round takes away.

    Attributes
    ----------
    beta : ndarray, shape (features,)
        Of the score.
    edges : ndarray
        Between bins of the score's size.
    keep : ndarray, shape (bins, 2)
        Part that stays of pairs whose choice goes against the score, and with it.
    """

    beta: Array
    edges: Array
    keep: Array


@dataclass(frozen=True, eq=False)
class Balance:
    """How pairs are balanced.

    Attributes
    ----------
    rounds : list of Round
    whole : bool
        Whether the limit on the loss let it end.
    weigh : bool
        Pairs are weighed down; else left out by lot.
    """

    rounds: list[Round]
    whole: bool
    weigh: bool

    def weights(self, features: Array, side: Array, weight: Array, draw: Array) -> Array:
        """Return the weight that pairs have afterwards, 0 where they are left out.

        Parameters
        ----------
        features : ndarray, shape (n, features)
        side, weight, draw : ndarray, shape (n,)
            1 where A is chosen and -1 where B, weight before, and lots in [0, 1).
        """
        weight = weight.copy()
        for one in self.rounds:
            weight = _after(one, features, side, weight, draw, self.weigh)
        return weight


def odd_features(X: Array) -> Array:
    """Return functions of factor differences that turn their sign with the sides.

    Of each factor the difference, its sign, and its sign where it is in the upper two thirds,
    and in the upper third, of the sizes.

    Parameters
    ----------
    X : ndarray, shape (n, factors)

    Examples
    --------
    >>> odd_features(np.array([[1.0], [-2.0], [3.0]]))[:, 1].tolist()
    [1.0, -1.0, 1.0]
    """
    columns = []
    for x in X.T:
        sizes = np.abs(x[x != 0])
        cuts = np.quantile(sizes, _CUTS) if len(sizes) else np.zeros(len(_CUTS))
        columns += [x, np.sign(x), *(np.sign(x) * (np.abs(x) > cut) for cut in cuts)]
    return np.stack(columns, axis=1)


def balance(
    features: Array, side: Array, weight: Array, draw: Array, *, max_loss: float, weigh: bool
) -> Balance:
    r"""Return how to make the factors tell the chosen side no longer.

    A logit of the chosen side on odd functions of the factors gives each pair a score e. In
    bins of |e|, as many pairs stay whose choice goes with the score as go against it; the
    rest is left out by lot, or weighed down. This is repeated on what is left until a fit to
    it says no more than chance would.

    Parameters
    ----------
    features : ndarray, shape (n, features)
        From :func:`odd_features`.
    side, weight, draw : ndarray, shape (n,)
        See :meth:`Balance.weights`.
    max_loss : float
        Share of the weight that it may cost.
    weigh : bool

    Notes
    -----
    Rosenbaum and Rubin (1983): given the score, the factors are independent of the choice;
    Li and Greene (2013): the weights :math:`\min(p, 1 - p) / p` keep the most pairs.

    Examples
    --------
    >>> x = np.array([1.0] * 60 + [-1.0] * 40)[:, None]
    >>> side, ones, lots = np.ones(100), np.ones(100), np.arange(100) / 100
    >>> found = balance(x, side, ones, lots, max_loss=0.5, weigh=False)
    >>> kept = found.weights(x, side, ones, lots)
    >>> int(kept[:60].sum()), int(kept[60:].sum())
    (40, 40)
    """
    total, target, weight = float(weight.sum()), (side + 1) / 2, weight.copy()
    rounds: list[Round] = []
    for _ in range(_ROUNDS):
        beta = fit_ridge(features, weight[:, None], (weight * target)[:, None])[0]
        score = features @ beta
        if _by_chance(features, score, target, weight):
            break
        one = _round(beta, score, side, weight)
        new = _after(one, features, side, weight, draw, weigh)
        if total - new.sum() > max_loss * total:
            # as far as the limit lets: part of the excess goes
            part = (weight.sum() - (1 - max_loss) * total) / (weight.sum() - new.sum())
            rounds.append(one._replace(keep=1 - part * (1 - one.keep)))
            return Balance(rounds, False, weigh)
        rounds.append(one)
        weight = new
    return Balance(rounds, True, weigh)


def _round(beta: Array, score: Array, side: Array, weight: Array) -> Round:
    """Return the part of each bin that stays."""
    told = (score != 0) & (weight > 0)
    size = np.abs(score[told])
    bins = int(np.clip(len(size) // _PAIRS_A_BIN, 1, _BINS))
    edges = np.unique(np.quantile(size, np.linspace(0, 1, bins + 1)[1:-1]))
    cell = 2 * np.searchsorted(edges, size, side="right") + (side[told] * score[told] > 0)
    sums = np.bincount(cell, weight[told], 2 * (len(edges) + 1)).reshape(-1, 2)
    fewer = sums.min(axis=1, keepdims=True)
    return Round(beta, edges, np.divide(fewer, sums, out=np.ones_like(sums), where=sums > 0))


def _after(
    one: Round, features: Array, side: Array, weight: Array, draw: Array, weigh: bool
) -> Array:
    score = features @ one.beta
    told = np.flatnonzero((score != 0) & (weight > 0))
    at = np.searchsorted(one.edges, np.abs(score[told]), side="right")
    with_it = (side[told] * score[told] > 0).astype(np.int64)
    keep, new = one.keep[at, with_it], weight.copy()
    if weigh:
        new[told] *= keep
        return new
    cell = 2 * at + with_it
    order = np.lexsort((draw[told], cell))
    rows, cell, keep = told[order], cell[order], keep[order]
    # of each cell at least the part that stays, by weight: those of the smallest lots
    reached = np.cumsum(weight[rows])
    first = np.flatnonzero(np.diff(cell, prepend=-1))
    before = np.repeat(reached[first] - weight[rows][first], np.diff([*first, len(cell)]))
    whole = np.bincount(cell, weight[rows], int(cell.max(initial=0)) + 1)[cell]
    new[rows[reached - before - weight[rows] >= keep * whole - 1e-9 * whole]] = 0.0
    return new


def held_out_balance(
    features: Array, side: Array, weight: Array, draw: Array, fold: Codes, *,
    max_loss: float, weigh: bool,
) -> tuple[Array, Array]:  # fmt: skip
    """Return weights and scores of pairs by a balance and a fit that never saw their prompts.

    In each fold, the balance of the other folds is applied to it, and a fit to what it leaves
    of the other folds scores it. Scores of pairs that had a part in their own balance would be
    too bad: what is taken away of a fold's noise is left behind, turned round, in the others.

    Examples
    --------
    >>> x, fold = np.ones((40, 1)), np.arange(40) % 2
    >>> weight, score = held_out_balance(
    ...     x, np.ones(40), np.ones(40), np.arange(40) / 40, fold, max_loss=1.0, weigh=True
    ... )
    >>> weight.sum(), score.any()
    (np.float64(0.0), np.False_)
    """
    after, score = np.zeros(len(side)), np.zeros(len(side))
    for f in np.unique(fold):
        train, inside = fold != f, fold == f
        if not train.any():
            continue
        x, s, w, lots = features[train], side[train], weight[train], draw[train]
        made = balance(x, s, w, lots, max_loss=max_loss, weigh=weigh)
        left = made.weights(x, s, w, lots)
        beta = fit_ridge(x, left[:, None], (left * (s + 1) / 2)[:, None])[0]
        score[inside] = features[inside] @ beta
        after[inside] = made.weights(features[inside], side[inside], weight[inside], draw[inside])
    return after, score


def held_out_scores(X: Array, weight: Array, target: Array, fold: Codes) -> Array:
    """Return the log-odds of A of every pair by a fit to the pairs of the other folds.

    Examples
    --------
    >>> x, fold = np.ones((4, 1)), np.array([0, 0, 1, 1])
    >>> held_out_scores(x, np.ones(4), np.ones(4), fold).round(3).tolist()  # logit(2.5 / 3)
    [1.609, 1.609, 1.609, 1.609]
    """
    score = np.zeros(len(X))
    for f in np.unique(fold):
        train, inside = (fold != f) & (weight > 0), fold == f
        if train.any():
            w, y = weight[train, None], target[train, None]
            score[inside] = X[inside] @ fit_ridge(X[train], w, w * y)[0]
    return score


def _by_chance(features: Array, score: Array, target: Array, weight: Array) -> bool:
    """Tell whether the fit is better than no fit by no more than chance would make it."""
    used = weight > 0
    if not used.any():
        return True
    gain = weight / weight[used].mean() * (target * score - np.logaddexp(0, score) + np.log(2))
    rank = int(np.linalg.matrix_rank(features[used].T @ features[used]))
    return bool(chi2.sf(2 * gain.sum(), max(rank, 1)) > _CHANCE)
