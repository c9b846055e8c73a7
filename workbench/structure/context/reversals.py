"""Weights that turn when labels are taken apart by a column: Simpson's reversals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t

from workbench.compare.subsets import Subset
from workbench.decompose.errors.tidy import q_values
from workbench.decompose.kernel import Array, Codes
from workbench.results import TIDY
from workbench.structure.context.columns import Grouping
from workbench.structure.context.group_fits import GroupFits, fit_groups

POOLED = "pooled against within groups"
SPLIT = "groups of opposite sign"
DIFFERS = "a group differs from the others"
COLUMNS = [
    "column", *TIDY, "kind", "within", "within_low", "within_high", "detectable",
    "groups_above", "groups_below", "n_groups", "n_clusters", "reversed", "differs", "method",
    "reason",
]  # fmt: skip
GROUP_COLUMNS = [
    "column", "group", *TIDY, "share", "mean_difference", "preferred_more", "first_preferred",
    "n_clusters", "method", "reason",
]  # fmt: skip
METHOD = "logit of all factors; the larger of cluster-robust and model error, t"
_TESTS = {
    POOLED: "p: not that the pooled weight is 0, but that both are of opposite signs",
    SPLIT: "p: a group is above 0 and one below, Bonferroni over groups",
    DIFFERS: "p: a group differs from the mean of the others, Bonferroni over groups",
}
_CLEAR = 0.05
_POWER = 2.8
"""Errors by which a weight must differ from 0 to be clear at 5 % four times of five."""
_FIT = "logit of all factors in this group"


@dataclass(frozen=True, eq=False)
class Rows:
    """Labels to scan: one row a label.

    Attributes
    ----------
    X : ndarray, shape (n, K)
    terms : list of str
    weight, preference : ndarray, shape (n,)
    cluster : ndarray of int, shape (n,)
    """

    X: Array
    terms: list[str]
    weight: Array
    preference: Array
    cluster: Codes

    def subset(self, at: NDArray[np.int64], beside: Array) -> Subset:
        """Return the sufficient statistics of some rows, with a column beside the factors."""
        X = np.column_stack([self.X[at], beside[at]])
        return Subset(X, self.weight[at], self.weight[at] * self.preference[at])


def scan(
    rows: Rows, groups: Sequence[Grouping], tested: Sequence[str], level: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    r"""Return the reversals of every term by every column, and the groups behind them.

    Parameters
    ----------
    rows : Rows
    groups : sequence of Grouping
    tested : sequence of str
        Terms whose weights may turn; the others are only held constant.
    level : float

    Returns
    -------
    reversals : DataFrame
        Three rows a column and term; see :data:`COLUMNS`. ``estimate`` is the pooled weight, and
        ``within`` the precision-weighted mean of those of the groups; ``detectable`` is how far
        both must be from 0 for four chances of five that each is clear. The third, of a group
        against the mean of the others, is no reversal and has q-values of its own.
    composition : DataFrame
        The groups of each row with q < 0.05; see :data:`GROUP_COLUMNS`.

    Notes
    -----
    A reversal needs two tests to reject at once, so that its p-value is the larger of the two
    (Berger 1982). Of the pooled weight they are its own sign and the opposite one of
    :math:`\sum_g b_g / v_g \big/ \sum_g 1 / v_g`, whose error adds up each cluster's pulls over
    the groups in which it lies. Of groups they are the clearest weight above 0 and the clearest
    below it, each p times the number of groups (a qualitative interaction; Gail and Simon 1985).
    """
    zero = np.zeros(len(rows.X))
    parts = [(np.arange(len(rows.X)), zero)]
    for one in groups:
        beside = zero if one.sign is None else one.sign
        order = np.argsort(one.code, kind="stable")
        bounds = np.searchsorted(one.code[order], np.arange(len(one.names) + 1))
        parts += [(order[a:b], beside) for a, b in pairwise(bounds.tolist())]
    fits = fit_groups([rows.subset(*p) for p in parts], [rows.cluster[at] for at, _ in parts])
    found: list[dict[str, Any]] = []
    start, places = 1, {}
    for one in groups:
        span = np.arange(start, start + len(one.names))
        start, places[one.column] = int(span[-1]) + 1, span
        at = [parts[s][0] for s in span]
        for name in tested:
            k = rows.terms.index(name)
            found += _of_term(rows, one, fits, span, at, k, level)
    table = pd.DataFrame(found).reindex(columns=COLUMNS)
    size = (table["kind"] == DIFFERS).to_numpy()
    p, q = table["p_value"].to_numpy("float64"), np.full(len(table), np.nan)
    for part in (size, ~size):
        q[part] = q_values(p[part])
    table["q_value"] = q
    table["reversed"], table["differs"] = (q < _CLEAR) & ~size, (q < _CLEAR) & size
    named = {one.column: one for one in groups}
    turned = table[table["reversed"] | table["differs"]].drop_duplicates(["column", "term"])
    behind = [
        _composition(rows, named[r["column"]], fits, places[r["column"]],
                     [parts[s][0] for s in places[r["column"]]], r["term"], level)
        for r in turned.to_dict("records")
    ]  # fmt: skip
    composition = pd.concat(behind, ignore_index=True) if behind else pd.DataFrame()
    return table, composition.reindex(columns=GROUP_COLUMNS)


def _of_term(
    rows: Rows, one: Grouping, fits: GroupFits, span: NDArray[np.int64],
    at: list[NDArray[np.int64]], k: int, level: float,
) -> list[dict[str, Any]]:  # fmt: skip
    pooled = (fits.estimate[0, k], fits.error[0, k], fits.df[0])
    b, v = fits.estimate[span, k], fits.error[span, k] ** 2
    told = np.flatnonzero(np.isfinite(b))
    low, high = _ends(*pooled, level)
    base: dict[str, Any] = {
        "column": one.column, "term": rows.terms[k], "estimate": pooled[0],
        "std_error": pooled[1], "conf_low": low, "conf_high": high,
        "n": float(fits.n[span].sum()), "n_clusters": float(fits.n_clusters[0]),
        "n_groups": len(told), "reason": fits.reason[0, k],
    }  # fmt: skip
    kinds = [base | {"kind": kind, "method": f"{METHOD}; {test}"} for kind, test in _TESTS.items()]
    if len(told) < 2 or base["reason"] is not None:
        lacking = f"{len(told)} of {len(span)} groups have a weight"
        reasons = [str(fits.reason[s, k]) for s in span if fits.reason[s, k] is not None]
        why = base["reason"] or f"{lacking}: {reasons[0]}"
        return [row | {"reason": why} for row in kinds]
    p_up, p_down = _sided(b[told], np.sqrt(v[told]), fits.df[span[told]])
    times = len(told)
    names = np.array(one.names, dtype=object)[told]
    clear = min(1.0, _CLEAR / times)
    kinds[1] |= {
        "p_value": min(1.0, times * max(p_up.min(), p_down.min())),
        "groups_above": ", ".join(names[p_up <= clear]),
        "groups_below": ", ".join(names[p_down <= clear]),
    }
    precision = (1 / v[told]) / (1 / v[told]).sum()
    within = float(precision @ b[told])
    error = _within_error(rows, fits, span[told], [at[g] for g in told], precision, k)
    df = max(float(fits.df[0]), 1.0)
    ends = _ends(within, error, df, level)
    mean = {"within": within, "within_low": ends[0], "within_high": ends[1],
            "detectable": _POWER * max(pooled[1], error)}  # fmt: skip
    up, down = _sided(np.array([pooled[0], within]), np.array([pooled[1], error]), df)
    turned = max(up[0], down[1]) if pooled[0] > 0 else max(down[0], up[1])
    kinds[2] |= _apart(b[told], v[told], error, fits.df[span[told]], names)
    # either sign of the pooled weight may be the one that turns
    kinds[0] |= {"p_value": min(1.0, 2.0 * float(turned))}
    return [row | mean for row in kinds]


def _within_error(
    rows: Rows, fits: GroupFits, groups: NDArray[np.int64], at: list[NDArray[np.int64]],
    precision: Array, k: int,
) -> float:  # fmt: skip
    """Return the error of the mean of the groups' weights; a cluster may lie in several."""
    pull = np.concatenate(
        [w * fits.pull[g][:, k] for w, g in zip(precision, groups.tolist(), strict=True)]
    )
    cluster = rows.cluster[np.concatenate(at)]
    sums = np.bincount(cluster, pull)
    G = int((np.bincount(cluster) > 0).sum())
    robust = np.sqrt(G / max(G - 1, 1) * (sums**2).sum())
    # never below what the groups' errors give if no cluster lay in two of them
    return float(max(robust, np.sqrt((precision**2 * fits.error[groups, k] ** 2).sum())))


def _apart(
    b: Array, v: Array, error: float, df: Array, names: NDArray[np.object_]
) -> dict[str, Any]:
    """Return the test of each group's weight against the mean of the others."""
    total = (1 / v).sum()
    rest = total - 1 / v
    others = ((b / v).sum() - b / v) / rest
    # what clusters in several groups add to the error of the mean, they add to that of the others
    gap = np.sqrt(v + error**2 * total / rest)
    up, down = _sided(b - others, gap, df)
    p, times = 2 * np.minimum(up, down), len(b)
    clear = p <= _CLEAR / times
    return {
        "p_value": min(1.0, times * float(p.min())),
        "groups_above": ", ".join(names[clear & (b > others)]),
        "groups_below": ", ".join(names[clear & (b < others)]),
    }


def _sided(b: Array, error: Array, df: Array | float) -> tuple[Array, Array]:
    """Return the p-values that a weight is not above 0, and not below it."""
    z = b / error
    return np.asarray(t.sf(z, df)), np.asarray(t.cdf(z, df))


def _ends(b: float, error: float, df: float, level: float) -> tuple[float, float]:
    half = float(t.ppf(0.5 + level / 2, df)) * error
    return b - half, b + half


def _composition(
    rows: Rows, one: Grouping, fits: GroupFits, span: NDArray[np.int64],
    at: list[NDArray[np.int64]], term: str, level: float,
) -> pd.DataFrame:  # fmt: skip
    """Return the groups of a reversal: how large, how they differ, and their own weights."""
    k = rows.terms.index(term)
    total = sum(len(part) for part in at)
    table = []
    for s, name, part in zip(span, one.names, at, strict=True):
        b, error, df = fits.estimate[s, k], fits.error[s, k], fits.df[s]
        low, high = _ends(b, error, df, level)
        x, y = rows.X[part, k], rows.preference[part]
        more = np.where(x > 0, y, 1 - y)[x != 0]
        sign = None if one.sign is None else one.sign[part]
        p = 2 * float(t.sf(abs(b) / error, df)) if np.isfinite(b) else np.nan
        table.append(
            {"column": one.column, "group": name, "term": term, "estimate": b,
             "std_error": error, "conf_low": low, "conf_high": high, "p_value": p,
             "n": float(len(part)), "n_clusters": float(fits.n_clusters[s]),
             "share": len(part) / total, "preferred_more": more.mean() if len(more) else np.nan,
             "mean_difference": (np.abs(x) if sign is None else sign * x).mean(),
             "first_preferred": np.nan if sign is None else
             np.where(sign >= 0, y, 1 - y).mean(),
             "method": _FIT, "reason": fits.reason[s, k]}
        )  # fmt: skip
    found = pd.DataFrame(table)
    return found.assign(q_value=q_values(found["p_value"].to_numpy("float64")))
