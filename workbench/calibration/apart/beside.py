"""Two judges side by side: what length does to each, on the same prompts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.audit.gaps import gap_pull
from workbench.calibration.apart.accuracies import GAP
from workbench.clustered import Array, Codes, cluster_error, t_row
from workbench.compare.contrast import contrast
from workbench.decompose.decomposition import Decomposition
from workbench.decompose.design import POSITION
from workbench.errors import WorkbenchError

GAPS = "difference of both judges' differences, t interval over clusters"
WEIGHTS = "difference of both judges' weights, CR2 errors over clusters that both labelled"
_KEPT = ("group", "reference", "term", "estimate", "std_error", "conf_low", "conf_high", "p_value",
         "n", "reason")  # fmt: skip


def gaps_beside(
    said: dict[str, tuple[NDArray[np.int64], Array]], place: NDArray[np.int64], cluster: Codes,
    base: str, level: float,
) -> pd.DataFrame:  # fmt: skip
    """Return each judge's longer-minus-shorter less that of the base.

    Parameters
    ----------
    said : dict of str to (ndarray, ndarray)
        Pairs and how often the judge was right on each.
    place : ndarray of int, shape (pairs,)
    cluster : ndarray of int, shape (pairs,)
    base : str
    level : float
    """
    pulls = {name: _pull(at, values, place) for name, (at, values) in said.items()}
    gaps = {name: _gap(values, place[at]) for name, (at, values) in said.items()}
    rows: list[dict[str, Any]] = []
    for name in said:
        if name == base:
            continue
        both = pulls[name] - pulls[base]
        used = np.zeros(len(place), dtype=bool)
        for one in (name, base):
            used[said[one][0]] = True
        own = used & (place != 0)
        d, error = gaps[name] - gaps[base], cluster_error(both[own], cluster[own])
        found = t_row(d, error, int(own.sum()), cluster[own], level)
        if np.isnan(d):
            found["reason"] = "pairs of one kind only"
        rows.append({"group": name, "reference": base, "term": GAP, **found, "method": GAPS})
    return pd.DataFrame(rows)


def weights_beside(fit: Decomposition, base: str) -> tuple[pd.DataFrame, list[str]]:
    """Return each judge's weights less those of the base, and why there may be none.

    Parameters
    ----------
    fit : Decomposition
    base : str
    """
    if base not in fit.groups or len(fit.groups) < 2:
        return pd.DataFrame(), [f"no contrast of weights: {base} has no fit beside another"]
    try:
        raw = contrast(fit, base).raw
    except WorkbenchError as error:
        return pd.DataFrame(), [f"no contrast of weights: {error.what}"]
    table = raw.loc[raw["term"].ne(POSITION), [name for name in _KEPT if name in raw]]
    table = table.assign(term="weight: " + table["term"], method=WEIGHTS)
    return table, []


def _gap(values: Array, place: NDArray[np.int64]) -> float:
    longer, shorter = values[place == 1], values[place == -1]
    return float(longer.mean() - shorter.mean()) if len(longer) and len(shorter) else float("nan")


def _pull(at: NDArray[np.int64], values: Array, place: NDArray[np.int64]) -> Array:
    found, pull = np.zeros(len(place)), gap_pull(values, place[at])
    if len(pull):
        found[at] = pull
    return found
