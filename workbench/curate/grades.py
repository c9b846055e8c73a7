"""Graded labels: how much better, as cutpoints of an ordered logit."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import xlogy

from workbench.clustered import Array


def grade_margins(side: Array, grade: Array) -> tuple[Array, pd.DataFrame]:
    r"""Return the margin in logits that each graded label stands for.

    Signed grades (-3 to 3, where 0 is a tie) are intervals of one logistic variable. With the
    shares of the grades counted from both sides, :math:`F_k` of them up to grade k, the
    cutpoints are :math:`\operatorname{logit} F_k`, and a grade stands for the mean of its
    interval,

    .. math:: m_k = \frac{H(F_k) - H(F_{k - 1})}{F_k - F_{k - 1}},\qquad
              H(p) = p \log p + (1 - p) \log(1 - p).

    Parameters
    ----------
    side : ndarray, shape (n,)
        1 where A was preferred, -1 where B, 0 a tie.
    grade : ndarray, shape (n,)
        How much, not below 0.

    Returns
    -------
    margin : ndarray, shape (n,)
    cutpoints : DataFrame
        ``grade, n, lower, upper, margin`` of each signed grade.

    Notes
    -----
    McCullagh (1980), without covariates. Both sides count, so that exchanging A and B turns
    the sign and changes nothing else. The margins are right up to one factor, which repeated
    labels give.

    Examples
    --------
    >>> margin, table = grade_margins(np.array([1.0, -1.0]), np.array([2.0, 2.0]))
    >>> table["upper"].tolist(), margin.round(4).tolist()
    ([0.0, inf], [1.3863, -1.3863])
    """
    signed = side * grade
    values, counts = np.unique(np.concatenate([signed, -signed]), return_counts=True)
    upper = np.cumsum(counts) / counts.sum()
    lower = np.concatenate([[0.0], upper[:-1]])
    upper[-1] = 1.0
    height = xlogy(upper, upper) + xlogy(1 - upper, 1 - upper)
    base = xlogy(lower, lower) + xlogy(1 - lower, 1 - lower)
    margin = (height - base) / (upper - lower)
    # the same to the last bit from both sides
    margin = (margin - margin[::-1]) / 2
    with np.errstate(divide="ignore"):
        ends = [np.log(part) - np.log1p(-part) for part in (lower, upper)]
    table = pd.DataFrame(
        {"grade": values, "n": np.bincount(np.searchsorted(values, signed), minlength=len(values)),
         "lower": ends[0], "upper": ends[1], "margin": margin}
    )  # fmt: skip
    return margin[np.searchsorted(values, signed)], table
