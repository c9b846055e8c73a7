"""Rows of the estimates of one group, and tables of several groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control

from workbench.structure.transitivity.energy import MOST_DEVIANCE
from workbench.structure.transitivity.group import Group
from workbench.structure.transitivity.mixture import ENOUGH

CYCLIC = "cyclic energy"
_BIASED = "noise makes energy of its own: the interval is that of what is beyond noise"
_PART = "a part of the energy above"
_NO_INTERVAL = "a test, not an estimate"
_LARGE = f"left out: more than {MOST_DEVIANCE:,} items"


def estimate_rows(one: Group, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of one group."""
    found = one.energy
    sims, level = settings["simulations"], settings["level"]
    clusters = float(len(np.unique(one.found.cluster)))
    drawn = f"parametric bootstrap of Bradley-Terry, {sims:,} draws, ties where they are"
    repeated = one.found.edges.per_vote
    if (repeated > 1).any():
        drawn += f"; by edge {repeated.min():.2f} to {repeated.max():.2f} labels count as one"
    own: dict[str, Any] = {
        "group": one.name, "n": float(found.n), "n_clusters": clusters,
        **dict.fromkeys(("estimate", "std_error", "conf_low", "conf_high", "p_value", "null",
                         "null_limit"), np.nan),
    }  # fmt: skip
    limit = float(np.quantile(found.draws, level)) if len(found.draws) else np.nan
    rows = [
        own | {"term": CYCLIC, "estimate": found.value, "p_value": found.p_value,
               "null": found.null, "null_limit": limit,
               "method": f"Hodge, weights n; one-sided p by {drawn}",
               "reason": found.reason or _BIASED},
        own | {"term": "cyclic energy beyond noise", "estimate": found.beyond,
               "conf_low": found.low, "conf_high": found.high,
               "method": "median-unbiased; interval of the amounts of the observed cycles that, "
               "with noise, give such an energy", "reason": found.reason or found.beyond_reason},
        own | {"term": "energy in triangles", "estimate": found.curl, "method": "curl",
               "reason": found.reason or _PART},
        own | {"term": "energy in longer cycles", "estimate": found.harmonic,
               "method": "harmonic part", "reason": found.reason or _PART},
        own | {"term": f"Bradley-Terry deviance, {found.df} df", "estimate": found.deviance,
               "p_value": found.deviance_p, "method": f"against a share for each edge; {drawn}",
               "reason": found.reason or (_LARGE if np.isnan(found.deviance) else _NO_INTERVAL)},
    ]  # fmt: skip
    rows += _guards(one, own, drawn, level)
    first = one.triads[one.triads["null"] == "one Bradley-Terry"].iloc[0].to_dict()
    held = one.held_out
    scores = f": {held.cyclic:.5f} and {held.plain:.5f}" if np.isfinite(held.plain) else ""
    told = ("estimate", "std_error", "conf_low", "conf_high", "n", "n_clusters", "reason")
    rows.append(
        own | {name: first[name] for name in told}
        | {"term": "cyclic triads within one annotator and context",
           "p_value": first["p_value"], "null": first["expected"],
           "null_limit": first["expected_high"],
           "method": "share of the triads without ties; two-sided p by simulation of one "
           "Bradley-Terry on the same design"}
    )  # fmt: skip
    rows.append(
        own | held.row
        | {"term": "held-out log-loss, with a cycle minus without",
           "method": f"{settings['folds']} folds of clusters{scores}; ridge on the cycle chosen "
           "within the other folds"}
    )  # fmt: skip
    return rows


def _guards(one: Group, own: dict[str, Any], drawn: str, level: float) -> list[dict[str, Any]]:
    """Return rows of what else could make cycles: ties, and annotators that differ."""
    rows = []
    if one.pools_reason is not None:
        rows.append(own | {"term": "pools of annotators", "method": "overlap of annotators",
                           "reason": one.pools_reason})  # fmt: skip
    if one.decided is not None:
        less = one.decided
        rows.append(
            own | {"term": "cyclic energy without ties", "estimate": less.value,
                   "p_value": less.p_value, "null": less.null, "n": float(less.n),
                   "null_limit": float(np.quantile(less.draws, level)) if len(less.draws)
                   else np.nan, "method": f"of the labels that are no ties; {drawn}",
                   "reason": less.reason or _BIASED}
        )  # fmt: skip
    if one.mixture is not None:
        people = one.mixture
        rows.append(
            own | {"term": "cyclic energy against each person's own ranking",
                   "estimate": one.energy.value, "p_value": people.p_value, "null": people.null,
                   "null_limit": people.null_limit, "reason": people.reason or _BIASED,
                   "method": "one-sided p by draws of strengths of each person's own, partially "
                   f"pooled (SD {people.tau:.2f} logits); {people.n_people:,} people with "
                   f"{ENOUGH} labels or more"}
        )  # fmt: skip
    return rows


def with_q(table: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return a table whose q-values are Benjamini and Hochberg's over the rows of equal ``by``."""
    q = pd.Series(np.nan, index=table.index)
    known = table["p_value"].notna()
    for _, rows in table[known].groupby(by):
        q[rows.index] = false_discovery_control(rows["p_value"].to_numpy("float64"))
    return table.assign(q_value=q)


def joined(groups: Sequence[Group], name: str) -> pd.DataFrame:
    """Return one table of all groups, ``group`` first."""
    parts = [getattr(one, name) for one in groups]
    kept = [part.assign(group=one.name) for part, one in zip(parts, groups, strict=True)
            if len(part)]  # fmt: skip
    if not kept:
        return pd.DataFrame()
    table = pd.concat(kept, ignore_index=True)
    return table[["group", *(c for c in table if c != "group")]]
