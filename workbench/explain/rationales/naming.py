"""Who names which factor how often, beside its weight; and who names it more than others."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from workbench.clustered import Array, share
from workbench.data.dataset import PreferenceData
from workbench.decompose.errors.tidy import q_values
from workbench.explain.rationales.sources import Source
from workbench.flips import paired_difference

INERT = "named, no weight"
UNSHOWN = "named, weight not shown"
SILENT = "strong, never named"
BOTH = "named and weighed"

NOT_SHARED = "no pair has reasons of both"

_SEEN = 0.01
"""Named in less than this share of the reasons: never, in words."""

_HARDLY = 0.1
"""Where fewer of the reasons name any factor, they are not read: nothing is silence there."""

_EVERYBODY = 6
"""Annotators up to so many are all compared with each other."""

_Q = 0.05


def naming_rows(
    source: Source, named: Array, weights: pd.DataFrame, often: float, margin: float, level: float
) -> list[dict[str, Any]]:
    """Return how often each factor is named, and what it weighs.

    Parameters
    ----------
    source : Source
    named : ndarray, shape (n reasons, K)
    weights : DataFrame
        The group's rows of the decomposition, by term.
    often : float
        Share of the reasons from which a factor is named often.
    margin : float
        Log-odds per SD within which a weight is equivalent to 0.
    level : float

    Returns
    -------
    list of dict
        ``kind``: named often with a weight that is equivalent to 0 (90 % interval within the
        margin), or not shown (q at least .05); a weight with q below .05 beyond the margin that
        fewer than 1 % of the reasons name, and surely fewer than 10 %, where reasons name any
        factor at all; or both named often and shown.
    """
    cluster, rows = source.cluster[source.pair], []
    is_read = (named.max(axis=1, initial=0.0) > 0).mean() >= _HARDLY
    for k, term in enumerate(weights.index):
        row, own = share(named[:, k], cluster, level), weights.loc[term]
        half = (own["per_sd_high"] - own["per_sd_low"]) / 2
        df = own["df"] if np.isfinite(own["df"]) else np.inf
        inner = half * float(stdtrit(df, 0.95) / stdtrit(df, 0.5 + level / 2))
        inert = bool(abs(own["per_sd"]) + inner <= margin)
        rows.append(
            {
                "group": source.name, "term": term,
                **{c: row[c] for c in ("estimate", "std_error", "conf_low", "conf_high")},
                "p_value": np.nan, "q_value": np.nan, "n": row["n"],
                "n_clusters": row["n_clusters"], "weight": own["estimate"],
                "per_sd": own["per_sd"], "per_sd_low": own["per_sd_low"],
                "per_sd_high": own["per_sd_high"], "weight_q": own["q_value"],
                "equivalent_to_0": inert, "kind": _kind(row, own, inert, often, margin, is_read),
                "reason": row["reason"],
            }
        )  # fmt: skip
    return rows


def _kind(
    row: dict[str, Any], own: pd.Series, inert: bool, often: float, margin: float, is_read: bool
) -> str:
    named = row["estimate"]
    if np.isnan(own["estimate"]):
        return ""
    shown = bool(own["q_value"] < _Q)
    if named >= often:
        # a weight may be shown and still be within the margin
        return INERT if inert else BOTH if shown else UNSHOWN
    # of twenty reasons, none names what one in ten would
    never = is_read and named < _SEEN and row["conf_high"] < _HARDLY
    return SILENT if shown and never and abs(own["per_sd"]) > margin else ""


def hardly_read(coverage: pd.DataFrame) -> list[str]:
    """Return the groups whose reasons name next to no factor: in another language, or of others.

    Examples
    --------
    >>> hardly_read(pd.DataFrame({"group": ["a", "b"], "estimate": [0.05, 0.8]}))
    ['a']
    """
    return [str(name) for name in coverage.loc[coverage["estimate"] < _HARDLY, "group"]]


def coverage_row(source: Source, named: Array, level: float) -> dict[str, Any]:
    """Return the share of a group's reasons that name any factor."""
    any_named = np.asarray(named.max(axis=1, initial=0.0) > 0, dtype=np.float64)
    row = share(any_named, source.cluster[source.pair], level)
    return {
        "group": source.name, "term": "names a factor", "estimate": row["estimate"],
        "std_error": row["std_error"], "conf_low": row["conf_low"], "conf_high": row["conf_high"],
        "p_value": np.nan, "q_value": np.nan, "n": row["n"], "n_clusters": row["n_clusters"],
        "factors_a_reason": float(named.sum(axis=1).mean()), "n_pairs": float(len(source.pairs)),
        "reason": row["reason"],
    }  # fmt: skip


def contrast_rows(
    data: PreferenceData, sources: Sequence[Source], named: Array, terms: Sequence[str],
    level: float,
) -> pd.DataFrame:  # fmt: skip
    """Return who names a factor more often than whom, on the pairs that both gave reasons for.

    Up to six annotators are compared with each other; of more, each with the one that has most
    reasons.
    """
    ordered = sorted(sources, key=lambda one: (-len(one.rows), one.name))
    few = len(ordered) <= _EVERYBODY
    two = combinations(ordered, 2) if few else ((ordered[0], one) for one in ordered[1:])
    cluster, rows = data.coded("pairs", "cluster").codes, []
    for a, b in two:
        shared, at_a, at_b = np.intersect1d(a.pairs, b.pairs, return_indices=True)
        difference = a.per_pair(named[a.rows])[at_a] - b.per_pair(named[b.rows])[at_b]
        own = np.unique(cluster[shared], return_inverse=True)[1]
        for k, term in enumerate(terms):
            row = paired_difference(difference[:, k], own, level)
            if not len(shared):
                row["reason"] = NOT_SHARED
            rows.append({"group": a.name, "against": b.name, "term": term, **row})
    columns = ["group", "against", "term", "estimate", "std_error", "conf_low", "conf_high",
               "p_value", "q_value", "n", "n_clusters", "reason"]  # fmt: skip
    table = pd.DataFrame(rows, columns=[c for c in columns if c != "q_value"])
    p = table["p_value"].to_numpy("float64")
    return table.assign(q_value=q_values(p))[columns]
