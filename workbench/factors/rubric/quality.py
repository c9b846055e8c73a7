"""How far scores can be trusted: both orders, repeats, and ratings that the data hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.agreement import weighted_kappa
from workbench.clustered import share
from workbench.data.dataset import PreferenceData
from workbench.intervals import MID_P

Array = NDArray[np.float64]
Codes = NDArray[np.int64]

_KAPPA = f"quadratic weights, {MID_P} of (1 + kappa) / 2"


def combined(values: Array) -> tuple[Array, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return one score a side, where the orders contradict each other, and where both are known.

    Parameters
    ----------
    values : ndarray, shape (n, n factors, 2, n orders, n repeats)

    Returns
    -------
    scores : ndarray, shape (n, n factors, 2)
        Means over repeats and orders. Where the orders do not agree on which side has
        more, both sides have the mean of all: no difference. NaN where an order is missing.
    inconsistent, compared : ndarray of bool, shape (n, n factors)

    Examples
    --------
    >>> both = np.array([[[[[3.0], [1.0]], [[2.0], [2.0]]]]])
    >>> scores, inconsistent, _ = combined(both)
    >>> scores.tolist(), inconsistent.tolist()
    ([[[2.0, 2.0]]], [[True]])
    """
    known = np.isfinite(values)
    count = known.sum(axis=4)
    total = np.where(known, values, 0.0).sum(axis=4)
    by_order = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    scores = by_order.mean(axis=3)
    direction = np.sign(by_order[:, :, 0, :] - by_order[:, :, 1, :])
    complete = np.isfinite(direction).all(axis=2)
    several = by_order.shape[3] > 1
    inconsistent = complete & (direction != direction[:, :, :1]).any(axis=2)
    middle = scores.mean(axis=2, keepdims=True)
    scores = np.where(inconsistent[:, :, None], middle, scores)
    return scores, inconsistent, complete & several


def order_rows(
    names: list[str],
    inconsistent: NDArray[np.bool_],
    compared: NDArray[np.bool_],
    cluster: Codes,
    level: float,
) -> Iterator[dict[str, Any]]:
    """Yield, for each factor, the share of pairs whose orders contradict each other."""
    for k, name in enumerate(names):
        rows = compared[:, k]
        row = {"group": "order-inconsistent", "term": name, "method": MID_P}
        if rows.any():
            yield {**row, **share(inconsistent[rows, k].astype(float), cluster[rows], level)}
        else:
            yield {**row, "n": 0.0, "reason": "no pair was scored in both orders"}


def repeat_rows(
    names: list[str], values: Array, cluster: Codes, level: float
) -> Iterator[dict[str, Any]]:
    """Yield, for each factor, how far two repeats of a question agree."""
    if values.shape[4] < 2:
        return
    for k, name in enumerate(names):
        x, y = values[:, k, :, :, 0], values[:, k, :, :, 1]
        where = np.broadcast_to(cluster[:, None, None], x.shape)
        both = np.isfinite(x) & np.isfinite(y)
        x, y, where = x[both], y[both], where[both]
        row = {"group": "repeat agreement", "term": name, "method": MID_P}
        if len(x):
            yield {**row, **share((x == y).astype(float), where, level)}
            yield {
                "group": "repeat kappa",
                "term": name,
                **weighted_kappa(x, y, where, level),
                "method": _KAPPA,
            }
        else:
            yield {**row, "n": 0.0, "reason": "no score was repeated"}


def given_rows(
    data: PreferenceData, names: list[str], scores: Array, cluster: Codes, level: float
) -> Iterator[dict[str, Any]]:
    """Yield, for each factor that the data hold ratings of, how far the scores agree with them."""
    for k, name in enumerate(names):
        theirs = _ratings(data, name)
        if theirs is None:
            continue
        own = scores[:, k, :]
        both = np.isfinite(own) & np.isfinite(theirs)
        where = np.broadcast_to(cluster[:, None], own.shape)
        if both.any():
            found = weighted_kappa(own[both], theirs[both], where[both], level)
            yield {"group": "kappa with given ratings", "term": name, **found, "method": _KAPPA}
        sign, other = np.sign(own[:, 0] - own[:, 1]), np.sign(theirs[:, 0] - theirs[:, 1])
        rows = np.isfinite(sign) & np.isfinite(other)
        row = {"group": "same direction as given ratings", "term": name, "method": MID_P}
        if rows.any():
            same = (sign[rows] == other[rows]).astype(float)
            yield {**row, **share(same, cluster[rows], level)}
        else:
            yield {**row, "n": 0.0, "reason": "no pair has both ratings"}


def _ratings(data: PreferenceData, name: str) -> Array | None:
    """Return given ratings of both sides: columns of the file, or earlier factor values."""
    for table in (data.pairs, data.factor_values):
        sides = [f"{name}_a", f"{name}_b"]
        scored = str(data.factor_specs.get(name, {}).get("source", "")).startswith("rubric")
        if set(sides) <= set(table.columns) and not (scored and table is data.factor_values):
            columns = [pd.to_numeric(table[side], errors="coerce") for side in sides]
            return np.column_stack([column.to_numpy(float, na_value=np.nan) for column in columns])
    return None
