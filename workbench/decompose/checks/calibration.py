"""Whether predictions of labels that were not fitted are as certain as they are right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logit, stdtrit

from workbench.clustered import share
from workbench.decompose.checks.fitted import at_predictor, first_rows
from workbench.decompose.checks.score import FEWEST, added_terms
from workbench.decompose.checks.terms import certainty_bins
from workbench.decompose.design import Design
from workbench.decompose.group_fit import GroupFit
from workbench.decompose.held_out import fit_predictions
from workbench.decompose.kernel import Array, logistic
from workbench.intervals import MID_P

SLOPE = "held-out calibration slope"
SLOPE_METHOD = (
    "logit of the held-out labels on the held-out predictions, no intercept, at the size of the "
    "whole fit; CR2 t interval; "
    "no test, as on the labels of the fit the slope is 1 by construction"
)
CURVE_METHOD = f"held-out labels, each turned to the side that the fit takes; {MID_P}"
_STEPS = 50
_LEAST = 0.05
"""Slope below which the error grows no further."""


def held_out_calibration(
    design: Design, group: int, fit: GroupFit, row_fold: NDArray[np.int64], level: float
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Return the calibration slope and the reliability curve of one group's fit.

    Parameters
    ----------
    design : Design
    group : int
        Its position in the design.
    fit : GroupFit
    row_fold : ndarray of int, shape (rows,)
        Fold of each design row.
    level : float

    Returns
    -------
    slope : dict
        A row of the table of tests. Below 1, predictions are too certain.
    curve : DataFrame
        One row a bin of certainty: ``predicted``, and the share of labels on the side that
        the fit takes as ``estimate`` with its interval.
    """
    row, cells = design.compact(group)
    predicted = fit_predictions(design, [fit], [0], row, cells, row_fold)[row, 0]
    known = np.isfinite(predicted) & ~np.isin(row, fit.decided)
    eta = np.zeros(len(row))
    eta[known] = logit(np.clip(predicted[known], 1e-12, 1 - 1e-12))
    # where the fit takes no side there is none to be right about
    used = known & (eta != 0)
    if not used.any():
        return {"reason": "no held-out prediction takes a side"}, _curve_of([])
    weight, votes = cells.weight[used, 0], cells.votes[used, 0]
    cluster = design.cluster[row[used]]
    found = calibration_slope(eta[used], weight, votes, cluster, len(np.unique(row_fold)), level)
    return found, _curve(design, group, row[used], eta[used], level)


def calibration_slope(
    eta: Array, weight: Array, votes: Array, cluster: NDArray[np.int64], folds: int, level: float
) -> dict[str, Any]:
    r"""Return the slope that the fit has on new labels, with its interval.

    Parameters
    ----------
    eta, weight, votes : ndarray, shape (rows,)
        Held-out predictor, and sums of ``w`` and ``w y``.
    cluster : ndarray of int, shape (rows,)
        Sorted.
    folds : int
    level : float

    Notes
    -----
    With the slope c over the held-out labels,

    .. math:: s = 1 - (1 - c) \frac{F - 1}{F}, \quad
              \widehat{se}(s) = \widehat{se}(c) / \sqrt{c}

    as what the fit owes to noise falls with its labels, of which a fold's has F - 1 of F;
    and as of the predictor's information only the share c is not noise. The slope of one
    fit on new labels then is in the interval as often as the level says; over folds c itself
    hardly varies, since on the labels of a fit the slope is 1 whatever they are.
    """
    slope = 1.0
    for _ in range(_STEPS):
        p = logistic(slope * eta)
        bend = float((weight * p * (1 - p)) @ eta**2)
        if not bend > 0:
            return {"reason": "the predictions are certain: they tell no slope"}
        step = float(eta @ (votes - weight * p)) / bend
        slope += float(np.clip(step, -1.0, 1.0))
        if abs(step) < 1e-10:
            break
    else:
        return {"reason": "the slope has no end: the predictions are never wrong"}
    base = at_predictor(
        slope * eta, weight, votes, first_rows(cluster), terms=[], X=np.empty((len(eta), 0)),
        row=np.arange(len(eta)), n=len(eta),
    )  # fmt: skip
    found = added_terms(base, eta[:, None])
    error = float(found.error[0]) / np.sqrt(max(slope, _LEAST))
    slope, df = 1 - (1 - slope) * (folds - 1) / folds, float(found.df[0])
    if df < FEWEST:
        return {"reason": few_clusters(df), "df": df}
    half = float(stdtrit(df, 0.5 + level / 2)) * error
    ends = {"conf_low": slope - half, "conf_high": slope + half}
    return {"estimate": slope, "std_error": error, **ends, "df": df}


def few_clusters(df: float) -> str:
    """Return why nothing is told from so few degrees of freedom.

    Examples
    --------
    >>> few_clusters(1.26)
    'it rests on 2.3 effective clusters (5 are needed)'
    """
    return f"it rests on {df + 1:.1f} effective clusters ({FEWEST + 1:.0f} are needed)"


def _curve(
    design: Design, group: int, row: NDArray[np.int64], eta: Array, level: float
) -> pd.DataFrame:
    mine = np.flatnonzero(design.cell_group[design.label_cell] == group)
    own_row = design.cell_row[design.label_cell[mine]]
    place = np.searchsorted(row, own_row)
    there = (place < len(row)) & (row[np.minimum(place, len(row) - 1)] == own_row)
    mine, own_row, place = mine[there], own_row[there], place[there]
    side = eta[place] > 0
    y = design.label_preference[mine]
    agrees = np.where(side, y, 1 - y)
    certainty = logistic(np.abs(eta[place]))
    weight, cluster = design.label_weight[mine], design.cluster[own_row]
    code = certainty_bins(eta)[place]
    rows = []
    for b in np.unique(code):
        at = code == b
        predicted = float(certainty[at] @ weight[at] / weight[at].sum())
        rows.append({"predicted": predicted, **share(agrees[at], cluster[at], level, weight[at])})
    return _curve_of(rows)


def _curve_of(rows: list[dict[str, Any]]) -> pd.DataFrame:
    columns = ["predicted", "estimate", "std_error", "conf_low", "conf_high", "n", "n_clusters"]
    table = pd.DataFrame(rows).reindex(columns=[*columns, "reason"])
    return table.assign(method=CURVE_METHOD)[[*columns, "method", "reason"]]
