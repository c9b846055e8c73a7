"""Several verdicts on a pair as one: by majority, by weights, by Dawid and Skene's model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.calibration.panel.votes import Votes
from workbench.clustered import Array, Codes
from workbench.structure.reliability.dawid_skene import dawid_skene

_EVEN = 1e-9
"""Lead, as a share of the votes, below which a panel is split evenly."""


@dataclass(frozen=True, eq=False)
class Combined:
    """The verdict of a panel on each pair.

    Attributes
    ----------
    side : ndarray, shape (n,)
        1 for A, -1 for B, 0 a tie; NaN where no member gave a verdict.
    strength : ndarray, shape (n,)
        Share of the votes for the side, a tie half a vote for each; of Dawid and Skene's model
        the probability of the answer.
    weights : ndarray, shape (k,), or None
        Of the members, from all pairs of the reference.
    """

    side: Array
    strength: Array
    weights: Array | None = None


def led(side: Array, weights: Array) -> tuple[Array, Array]:
    """Return the side that leads in each row, and its share of the votes.

    A tie is half a vote for each side, a member without a verdict has no vote, and a row that is
    split evenly is a tie: nobody's place in a list decides.

    Parameters
    ----------
    side : ndarray, shape (n, k)
    weights : ndarray, shape (k,) or (n, k)
        Below 0 a vote counts for the other side.

    Examples
    --------
    >>> said = np.array([[1.0, -1.0, np.nan], [1.0, 0.0, np.nan]])
    >>> [one.tolist() for one in led(said, np.ones(3))]
    [[0.0, 1.0], [0.5, 0.75]]
    """
    given = np.isfinite(side)
    signed = np.where(given, side, 0.0)
    if weights.ndim == 1:
        lead, cast = signed @ weights, given @ np.abs(weights)
    else:
        lead, cast = (signed * weights).sum(axis=1), (given * np.abs(weights)).sum(axis=1)
    share = np.divide(lead, cast, out=np.zeros(len(lead)), where=cast > 0)
    found = np.where(np.abs(share) <= _EVEN, 0.0, np.sign(share))
    some = given.any(axis=1)
    return np.where(some, found, np.nan), np.where(some, 0.5 + np.abs(share) / 2.0, np.nan)


def majority(votes: Votes) -> Combined:
    """Return what most members say."""
    return Combined(*led(votes.side, np.ones(len(votes.members))))


def log_odds(right: Array, decided: Array) -> Array:
    r"""Return the weight of a member from its agreement where it took a side.

    .. math:: w = \log \frac{r + 1}{d - r + 1}

    Parameters
    ----------
    right, decided : ndarray
        Points of agreement, and verdicts for a side. Without any the weight is 0.

    Examples
    --------
    >>> log_odds(np.array([3.0, 0.0]), np.array([4.0, 0.0])).round(3).tolist()
    [0.693, 0.0]
    """
    return np.asarray(np.log((right + 1.0) / (decided - right + 1.0)))


def weighted(votes: Votes, fold: Codes, folds: int) -> Combined:
    """Return what most weight says, the weights of a pair from other prompts.

    Parameters
    ----------
    votes : Votes
    fold : ndarray of int, shape (n,)
        ``folds`` where the prompt has no pair of the reference: its weights are from all.
    folds : int
    """
    took = votes.given & (votes.side != 0) & votes.people[:, None]
    agree = np.where(took, votes.agreement(votes.side, votes.unread), 0.0)
    # sums of each fold, then of all but it; the last row is of all
    member = np.zeros((folds + 1, len(fold)))
    member[fold, np.arange(len(fold))] = 1.0
    right, decided = member @ agree, member @ took.astype(np.float64)
    right, decided = right.sum(axis=0) - right, decided.sum(axis=0) - decided
    weights = log_odds(right, decided)
    side, strength = np.empty(len(fold)), np.empty(len(fold))
    for f in range(folds + 1):
        rows = fold == f
        side[rows], strength[rows] = led(votes.side[rows], weights[f])
    return Combined(side, strength, weights[folds])


def by_truth(votes: Votes) -> Combined:
    """Return the likelier side by Dawid and Skene's model, whichever side is called A.

    The truth is one of two sides. A tie, as likely whichever is right, tells nothing and is left
    out: as a third truth it would take in every pair that members find hard.
    """
    told = votes.given & (votes.side != 0)
    task, worker = np.nonzero(told)
    some = votes.given.any(axis=1)
    side = np.where(some, 0.0, np.nan)
    strength = np.where(some, 0.5, np.nan)
    if len(task):
        rows, code = np.unique(task, return_inverse=True)
        answer = (1.0 - votes.side[task, worker]).astype(np.int64) // 2
        for_a = dawid_skene(code, worker, answer, 2, either_side=True).posterior[:, 0]
        side[rows] = np.where(np.abs(for_a - 0.5) <= _EVEN, 0.0, np.sign(for_a - 0.5))
        strength[rows] = np.maximum(for_a, 1.0 - for_a)
    return Combined(side, strength)
