"""Rules that anyone would try before a fit: the more frequent side, the first, the longer."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.decompose.kernel import Array
from workbench.decompose.scores.labels import Labels

NO_LENGTH = "no response length is known"
NO_SIDE = "the rule never decides: shown order unknown or lengths equal"
"""Why a rule has no predictions."""

DOUBT = 1.0
"""Standard errors by which training folds must show a rule's side."""


def rule_predictions(sign: Array | None, labels: Labels) -> tuple[Array, Array, str | None]:
    r"""Return P(A) of the rule "prefer A where sign > 0", learned fold by fold.

    The probability is how often the rule was right in the training folds; below one half the
    rule is turned round. Where training folds show neither by more than a standard error, a
    coin is tossed.

    Parameters
    ----------
    sign : ndarray, shape (n,), or None
    labels : Labels

    Returns
    -------
    predicted : ndarray, shape (n,)
        With the coin, 0.5, in it.
    learned : ndarray, shape (n,)
        Without.
    reason : str or None
        Why there are no predictions.

    Notes
    -----
    The coin makes the baseline a fair one. Where labels have no majority, the folds' training
    data still have one, by chance: the rule takes it, is right half the time, and its accuracy
    swings by :math:`\sqrt{1 + 2 / \pi}` times the error of a mean, as every label left out
    turns the count against itself. A fit then "beats the majority" in every tenth sample of
    pure noise. Nobody would bet on a majority of one label; a coin, of which nothing is
    estimated, is what a fit must beat there. With 2 standard errors for 1, real majorities of
    60 to 65 % would be missed in half of the samples of 60 to 100 labels.
    """
    n = len(labels.y)
    if sign is None:
        return np.full(n, np.nan), np.full(n, np.nan), NO_LENGTH
    if not np.any(sign):
        return np.full(n, np.nan), np.full(n, np.nan), NO_SIDE
    right = np.where(sign > 0, labels.y, 1.0 - labels.y)
    decides = sign != 0
    predicted, learned = np.full(n, 0.5), np.full(n, 0.5)
    for f in np.unique(labels.fold):
        train = (labels.fold != f) & decides
        weight = labels.weight[train]
        rate = learned_rate(right[train] @ weight, weight.sum())
        test = (labels.fold == f) & decides
        learned[test] = np.where(sign[test] > 0, rate, 1.0 - rate)
        sums = np.bincount(labels.cluster[train], weight * (right[train] - 0.5))
        if shows_side(sums.sum(), (sums**2).sum()):
            predicted[test] = learned[test]
    return predicted, learned, None


def learned_rate(right: float, weight: float) -> float:
    """Return how often a rule was right, of weights in training."""
    # one vote for each side keeps the log-loss finite where training has one class
    return (right + 1.0) / (weight + 2.0)


def shows_side(total: float, squares: float) -> bool:
    """Tell whether training shows a rule's side, by the sums over clusters and their squares."""
    return bool(abs(total) > DOUBT * np.sqrt(squares))


def length_signs(pairs: pd.DataFrame) -> tuple[Array, tuple[bool, bool]]:
    """Return +1 where response A is the longer, -1 where B is, and whether there are texts.

    Returns
    -------
    signs : ndarray, shape (pairs,)
    known : tuple of bool
        Whether some response A has a text, and some response B.
    """
    a, b = pairs["response_a"], pairs["response_b"]
    known = (bool(a.notna().any()), bool(b.notna().any()))
    if not all(known):
        return np.zeros(len(pairs)), known
    return np.sign((a.str.len() - b.str.len()).fillna(0).to_numpy("float64")), known
