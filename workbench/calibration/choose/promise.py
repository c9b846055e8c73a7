"""Standard errors that a choice promises, beside those of as many random pairs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.calibration.choose.layout import Layout
from workbench.decompose.kernel import Array, Codes
from workbench.results import TIDY

METHOD = "inverse information at the pilot's weights; one label a pair, each alone"
_UNTOLD = "these labels do not tell it"
_EARLY = "nothing is promised before the pilot is labelled"


def promised_errors(
    laid: Layout, known: Array, X: Array, w: Array, chosen: Codes, ready: bool
) -> pd.DataFrame:
    """Return the errors promised, those now, and those of as many pairs drawn at random.

    Parameters
    ----------
    laid : Layout
    known : ndarray, shape (K, K)
        Information of the labels that are there.
    X : ndarray, shape (candidates, K)
    w : ndarray, shape (candidates,)
        ``p (1 - p)``.
    chosen : ndarray of int
        Rows of the candidates.
    ready : bool
        Whether there is a pilot; without one nothing is promised.
    """
    each = (X * w[:, None]).T @ X
    mean = each / max(len(X), 1)
    parts = {
        "estimate": known + _information(X[chosen], w[chosen]),
        "now": known,
        "random": known + len(chosen) * mean,
    }
    nothing = np.full(len(laid.terms), np.nan)
    errors = {name: laid.errors(part) if ready else nothing for name, part in parts.items()}
    lost = np.isnan(errors["estimate"])
    table = pd.DataFrame({"term": laid.terms, **errors, "n": len(chosen)})
    table["method"] = METHOD
    table["reason"] = pd.Series(_UNTOLD if ready else _EARLY, index=table.index).where(lost, None)
    return table.reindex(columns=[*TIDY, "now", "random", "method", "reason"])


def after_batches(
    laid: Layout, known: Array, X: Array, w: Array, chosen: Codes, batch: int
) -> pd.DataFrame:
    """Return the errors promised after each batch: ``n`` pairs chosen, ``term, std_error``.

    Parameters are those of :func:`promised_errors`.
    """
    parts, rows = known.copy(), []
    for start in range(0, len(chosen), batch):
        at = chosen[start : start + batch]
        parts = parts + _information(X[at], w[at])
        rows.append(
            pd.DataFrame(
                {"n": start + len(at), "term": laid.terms, "std_error": laid.errors(parts)}
            )
        )
    return pd.concat(rows, ignore_index=True)


def _information(X: Array, w: Array) -> Array:
    return np.asarray((X * w[:, None]).T @ X)
