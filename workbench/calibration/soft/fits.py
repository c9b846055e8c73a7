"""The ways to calibrate one judge, each out of fold, and which is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.calibration.soft.isotonic import isotonic_out_of_fold
from workbench.calibration.soft.logistic import Logistic, logistic_folds, told
from workbench.calibration.soft.scores import log_loss
from workbench.calibration.soft.signals import Signals
from workbench.clustered import Array, count_clusters, dense_codes, mean_difference

RAW, PLATT, ISOTONIC, FACTORS = "as given", "logistic", "isotonic", "factors"
WAYS = (PLATT, ISOTONIC, FACTORS)
"""Ways to calibrate, the simplest first."""

_ENDS = {"gain": "estimate", "low": "conf_low", "high": "conf_high"}

_FREE, _TIGHT = 10.0, 0.5
"""Prior standard deviations in logits: of the margin, and of factors and slices."""


@dataclass(frozen=True, eq=False)
class Columns:
    """What calibration may depend on beside the margin, in the order of the pairs.

    Attributes
    ----------
    factors : ndarray, shape (n, K)
        Coded differences A minus B.
    names : list of str
    slices : ndarray of bool, shape (n, S)
        In which slice a pair is: its margin has a slope of its own.
    slice_names : list of str
    """

    factors: Array
    names: list[str]
    slices: NDArray[np.bool_]
    slice_names: list[str]

    @property
    def terms(self) -> list[str]:
        """Names of the columns of the fit with factors."""
        return ["verdict", *self.names, *(f"verdict in {name}" for name in self.slice_names)]

    def design(self, margin: Array, at: NDArray[np.int64]) -> Array:
        """Return margin, factor differences, and margins by slice of some pairs."""
        own = margin[at]
        return np.column_stack([own, self.factors[at], own[:, None] * self.slices[at]])


@dataclass(frozen=True, eq=False)
class Fitted:
    """What each way makes of one judge's verdicts.

    Attributes
    ----------
    judged, labelled : ndarray of int
        Pairs with a verdict, and those of them with a label of the reference.
    at : ndarray of int, shape (labelled,)
        Place of the labelled pairs among the judged ones.
    p : dict of str to ndarray, shape (judged,)
        By way, :data:`RAW` among them.
    reason : str or None
        Why nothing was fitted.
    weights : Logistic or None
        Of the way with factors.
    """

    judged: NDArray[np.int64]
    labelled: NDArray[np.int64]
    at: NDArray[np.int64]
    p: Mapping[str, Array]
    reason: str | None = None
    weights: Logistic | None = None
    slope: float = float("nan")


def fitted(found: Signals, j: int, columns: Columns | None, folds: int) -> Fitted:
    """Calibrate one judge in every way, each pair by fits that have not seen its prompt.

    Parameters
    ----------
    found : Signals
    j : int
        Which judge.
    columns : Columns or None
        None: no way with factors.
    folds : int
    """
    p, margin = found.p[j], found.margin[j]
    judged = np.flatnonzero(np.isfinite(p))
    at = np.flatnonzero(np.isfinite(found.y[judged]))
    labelled = judged[at]
    ways = {RAW: p[judged]}
    prompts, parts = (count_clusters(code[labelled]) for code in (found.cluster, found.fold))
    why = None
    if prompts < folds:
        why = f"{prompts} prompts with labels of both, fewer than {folds} folds need"
    elif parts < 2:
        why = f"all {prompts} prompts with labels of both are in one fold"
    elif not margin[labelled].any():
        why = "only ties of the judge"
    elif (found.y[labelled] == 0.5).all():
        why = "only ties of the reference"
    if why is not None:
        return Fitted(judged, labelled, at, ways, why)
    fold, y = found.fold, found.y[labelled]

    def fit(X: Array, spread: Array) -> Logistic:
        return logistic_folds(X, y, fold[labelled], folds, spread)

    slope = fit(margin[labelled, None], np.full(1, _FREE))
    ways[PLATT] = told(margin[judged, None], slope, fold[judged])
    ways[ISOTONIC] = isotonic_out_of_fold(margin[judged], found.y[judged], fold[judged], folds)
    weights = None
    if columns is not None:
        X = columns.design(margin, judged)
        spread = np.full(X.shape[1], _TIGHT)
        spread[0] = _FREE
        weights = fit(X if len(at) == len(X) else X[at], spread)
        ways[FACTORS] = told(X, weights, fold[judged])
    return Fitted(judged, labelled, at, ways, None, weights, float(slope.weights[0]))


def gains(one: Fitted, found: Signals, level: float) -> tuple[list[dict[str, Any]], str]:
    r"""Return what each way gains in held-out loss over the verdicts as given, and which is kept.

    Parameters
    ----------
    one : Fitted
    found : Signals
    level : float

    Returns
    -------
    rows : list of dict
        One a way: ``calibrator``; gains in log loss as the tidy columns, and of the Brier score;
        ``step_gain`` and its ends ``over`` the way kept before.
    kept : str
        Starting with the verdicts as given, each way in turn is kept in place of the one before
        if its gain in log loss over it is above 0 at the level that Bonferroni leaves each of the
        steps.
    """
    y, cluster = found.y[one.labelled], found.cluster[one.labelled]
    code = dense_codes(cluster)
    losses = {way: log_loss(p[one.at], y) for way, p in one.p.items()}
    squares = {way: (p[one.at] - y) ** 2 for way, p in one.p.items()}
    steps = len(losses) - 1
    rows, kept = [], RAW
    for way in [name for name in WAYS if name in losses]:
        row = mean_difference(losses[RAW] - losses[way], code, level)
        brier = mean_difference(squares[RAW] - squares[way], code, level)
        ends = np.clip([brier["estimate"], brier["conf_low"], brier["conf_high"]], -1, 1)
        if row["reason"] is not None:
            # no variation but that of rounding
            ends[1:] = np.nan
        rows.append({
            "calibrator": way, **row, "brier_gain": ends[0], "brier_gain_low": ends[1],
            "brier_gain_high": ends[2], "log_loss": float(losses[way].mean()),
            "brier": float(squares[way].mean()),
        })  # fmt: skip
        step = mean_difference(losses[kept] - losses[way], code, 1 - (1 - level) / steps)
        rows[-1] |= {"over": kept, **{f"step_{key}": step[end] for key, end in _ENDS.items()}}
        if step["conf_low"] > 0:
            kept = way
    return rows, kept
