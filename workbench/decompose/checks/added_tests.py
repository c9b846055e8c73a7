"""Every test of one group's fit, as rows of a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from workbench.decompose.checks.calibration import few_clusters
from workbench.decompose.checks.fitted import Fitted
from workbench.decompose.checks.joint import joint_test
from workbench.decompose.checks.score import FEWEST, Scores, added_terms, blocks
from workbench.decompose.checks.terms import (
    Added,
    bins,
    curved,
    interactions,
    link,
)
from workbench.decompose.kernel import Array

METHOD = "one-step estimate of an added term, CR2 t interval by cluster"
BINS_METHOD = "F test of added terms, CR2 by cluster (HTZ)"
BINS_TERM = "certainty, in bins"
_SAME = "the terms of the fit tell it already, or it takes one size only"


def link_and_calibration(base: Fitted, level: float) -> list[dict[str, Any]]:
    """Return the test of the link, and that of calibration by bins of certainty.

    Parameters
    ----------
    base : Fitted
    level : float

    Notes
    -----
    Bins of the fit's own predictions as added terms are the test of Tsiatis (1980), which
    knows that the fit was made on the same labels.
    """
    rows = _scan(base, *link(base), level)
    found = joint_test(base, bins(base))
    rows += [
        {
            "term": BINS_TERM,
            "kind": "calibration",
            "estimate": found.statistic,
            "p_value": found.p_value,
            "df": found.df,
            "gain": found.gain,
            "method": BINS_METHOD,
            "reason": found.reason,
        }
    ]
    return rows


def curvature(base: Fitted, coef: Array, level: float) -> list[dict[str, Any]]:
    """Return the tests of each factor's curvature.

    Parameters
    ----------
    base : Fitted
    coef : ndarray, shape (K,)
        Of the terms of ``base``.
    level : float

    Returns
    -------
    list of dict
        With the factor's ``weight`` in the fit and, where it bends, its weight ``beyond`` the
        median difference: the fit's, moved by the step that adds the bend.
    """
    added, Z = curved(base)
    rows = _scan(base, added, Z, level)
    # what the terms of the fit give up to each added one
    taken = base.bread @ (base.X.T @ (base.information[:, None] * Z))
    for column, row in enumerate(rows):
        k = base.terms.index(row["factor"])
        row["weight"] = coef[k]
        if row["kind"] == "bend":
            row["beyond"] = coef[k] + (1 - taken[k, column]) * row["estimate"]
    return rows


def scan_interactions(base: Fitted, factors: list[int], level: float) -> list[dict[str, Any]]:
    """Return the tests of interactions of some factors, and of the position with them.

    Parameters
    ----------
    base : Fitted
    factors : list of int
        Terms of ``base``.
    level : float
    """
    return [row for added, Z in interactions(base, factors) for row in _scan(base, added, Z, level)]


def _scan(base: Fitted, added: list[Added], Z: Array, level: float) -> list[dict[str, Any]]:
    rows = []
    for part in blocks(base, len(added)):
        rows += _rows(added[part], added_terms(base, Z[:, part]), level)
    return rows


def _rows(added: list[Added], found: Scores, level: float) -> list[dict[str, Any]]:
    known = found.told & (found.df >= FEWEST) & (found.error > 0)
    estimate = np.where(known, found.estimate, np.nan)
    error = np.where(known, found.error, np.nan)
    df = np.where(known, found.df, 1.0)
    half = stdtrit(df, 0.5 + level / 2) * error
    p = 2 * stdtr(df, -np.abs(estimate) / error)
    return [
        {
            "term": one.term,
            "kind": one.kind,
            "factor": one.factor,
            "other": one.other,
            "estimate": estimate[k],
            "std_error": error[k],
            "conf_low": estimate[k] - half[k],
            "conf_high": estimate[k] + half[k],
            "p_value": p[k],
            "df": found.df[k] if found.told[k] else np.nan,
            "gain": found.gain[k] if known[k] else np.nan,
            "method": METHOD,
            "reason": None if known[k] else _reason(found, k),
        }
        for k, one in enumerate(added)
    ]


def _reason(found: Scores, k: int) -> str:
    if not found.told[k]:
        return _SAME
    if found.df[k] < FEWEST:
        return few_clusters(float(found.df[k]))
    return "no variation: the error is not known"


def table_of(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> pd.DataFrame:
    """Return rows as a table with these columns.

    Parameters
    ----------
    rows : list of dict
    columns : tuple of str
    """
    return pd.DataFrame(rows).reindex(columns=list(columns))
