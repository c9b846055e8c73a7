"""Tables of groups: weights, differences, shares, membership, pairs that tell groups apart."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as t_distribution

from workbench.data.dataset import PreferenceData
from workbench.decompose.errors.tidy import q_values
from workbench.decompose.kernel import Array, logistic
from workbench.intervals import NO_VARIATION
from workbench.results import TIDY
from workbench.structure.groups.fitted import FEW_PEOPLE, Fitted
from workbench.structure.groups.panel import Panel
from workbench.structure.labels import PersonLabels

WEIGHTS = ("group", *TIDY, "n_people", "method", "reason")
DIFFERENCES = ("group", "against", *TIDY, "n_people", "method", "reason")
MEMBERSHIP = "chance of each group given all of the person's labels, or share of each prototype"
PAIRS = "predictions of each group's weights; apart: the largest less the smallest"
_SHOWN = 10
"""Pairs that are shown for where groups differ most."""


def group_name(c: int) -> str:
    """Return the name of a group, by its place in size."""
    return f"group {c + 1}"


def weight_table(fit: Fitted, labels: PersonLabels, laid: Panel, level: float) -> pd.DataFrame:
    """Return one row a group and term, the weights in log-odds per unit of the factor."""
    C, K = fit.b.shape
    told = labels.told / laid.scale
    counts = fit.member.sum(axis=0)
    labelled = _labels_of(fit, labels, laid)
    rows = []
    for c in range(C):
        block = slice(c * K, (c + 1) * K)
        V = told @ fit.covariance[block, block] @ told.T
        name = group_name(c) if C > 1 else "everybody"
        for k, row in enumerate(_intervals(told @ fit.b[c], V, float(fit.people[c]), fit, level)):
            rows.append({"group": name, "term": labels.terms[k], **row, "n": labelled[c],
                         "n_people": counts[c]})  # fmt: skip
    return _with_q(pd.DataFrame(rows), WEIGHTS)


def difference_table(fit: Fitted, labels: PersonLabels, laid: Panel, level: float) -> pd.DataFrame:
    """Return one row a pair of groups and term: the weight of one minus that of the other."""
    C, K = fit.b.shape
    told = labels.told / laid.scale
    labelled = _labels_of(fit, labels, laid)
    rows = []
    for a, b in combinations(range(C), 2):
        turn = np.zeros((len(told), C * K))
        turn[:, a * K : (a + 1) * K], turn[:, b * K : (b + 1) * K] = told, -told
        people = float(min(fit.people[a], fit.people[b]))
        V = turn @ fit.covariance @ turn.T
        for k, row in enumerate(_intervals(turn @ fit.b.ravel(), V, people, fit, level)):
            rows.append({"group": group_name(a), "against": group_name(b),
                         "term": labels.terms[k], **row, "n": labelled[a] + labelled[b],
                         "n_people": fit.member[:, [a, b]].sum()})  # fmt: skip
    return _with_q(pd.DataFrame(rows, columns=None if rows else list(DIFFERENCES)), DIFFERENCES)


def _labels_of(fit: Fitted, labels: PersonLabels, laid: Panel) -> Array:
    """Return the labels behind each group, people counted by their membership."""
    return np.asarray(labels.n_labels[laid.order] @ fit.member)


def _intervals(
    value: Array, V: Array, people: float, fit: Fitted, level: float
) -> list[dict[str, Any]]:
    error = np.sqrt(np.maximum(np.diag(V), 0.0))
    few = people < 2.0
    reason = fit.reason or (FEW_PEOPLE if few else NO_VARIATION)
    error = np.where((error > 0) & (not few), error, np.nan)
    # of people and prompts the fewer
    df = max(min(people, fit.prompts) - 1.0, 1.0)
    reach = float(t_distribution.ppf((1 + level) / 2, df)) * error
    p = 2.0 * t_distribution.sf(np.abs(value / error), df)
    return [
        {"estimate": value[k], "std_error": error[k], "conf_low": value[k] - reach[k],
         "conf_high": value[k] + reach[k], "p_value": p[k], "method": fit.method,
         "reason": reason if np.isnan(error[k]) else None}
        for k in range(len(value))
    ]  # fmt: skip


def _with_q(frame: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    if len(frame):
        frame["q_value"] = q_values(frame["p_value"].to_numpy("float64"))
    return frame.reindex(columns=list(columns))


def share_table(fit: Fitted, level: float) -> pd.DataFrame:
    """Return one row a group: its share of the people, with an interval within 0 and 1."""
    C, P = len(fit.share), len(fit.member)
    rows = []
    for c in range(C):
        share, error = float(fit.share[c]), float(fit.share_error[c])
        room = share * (1.0 - share)
        reach = (
            float(t_distribution.ppf((1 + level) / 2, max(min(P, fit.prompts) - 1, 1)))
            * error
            / room
            if room > 0
            else np.nan
        )
        known = bool(np.isfinite(reach) and reach > 0)
        at = np.log(share / (1.0 - share)) if known else np.nan
        low, high = logistic(np.array([at - reach, at + reach])) if known else (np.nan, np.nan)
        reason = None if known else fit.reason or "the share is 0 or 1"
        rows.append({"group": group_name(c), "term": "share of the people", "estimate": share,
                     "std_error": error if known else np.nan, "conf_low": low, "conf_high": high,
                     "n": float(P), "method": f"{fit.method}; even on the logit scale",
                     "reason": reason})  # fmt: skip
    return pd.DataFrame(rows)


def membership_table(fit: Fitted, labels: PersonLabels, laid: Panel) -> pd.DataFrame:
    """Return one row a person: labels, and the chance or share of each group."""
    frame = pd.DataFrame({"annotator": labels.people.astype(str)[laid.order],
                          "n": labels.n_labels[laid.order]})  # fmt: skip
    for c in range(fit.member.shape[1]):
        frame[group_name(c)] = fit.member[:, c]
    frame["method"] = MEMBERSHIP
    return frame.sort_values("annotator", kind="stable", ignore_index=True)


def telling_pairs(
    data: PreferenceData, fit: Fitted, labels: PersonLabels, laid: Panel
) -> pd.DataFrame:
    """Return the pairs on which the groups' predictions lie farthest apart."""
    p = logistic(labels.X @ (fit.b / laid.scale).T)
    apart = p.max(axis=1) - p.min(axis=1)
    names = data.pairs["pair_id"].astype(str).to_numpy()[labels.pair]
    frame = pd.DataFrame({"pair_id": names, "apart": apart, "n": labels.weight})
    for c in range(p.shape[1]):
        frame[f"p_a {group_name(c)}"] = p[:, c]
    rules = {name: "first" for name in frame if name not in ("pair_id", "n")} | {"n": "sum"}
    # the shown order may be a term: of one pair the row that is farthest apart is told
    frame = frame.sort_values(["apart", "pair_id"], ascending=[False, True], kind="stable")
    shown = frame.groupby("pair_id", sort=False).agg(rules).reset_index().head(_SHOWN)
    return shown.assign(method=PAIRS)
