"""Aspects of a pair that disagree, and which of them the overall label follows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from workbench.clustered import Array, Codes, share
from workbench.decompose.errors.tidy import q_values
from workbench.flips import paired_difference
from workbench.results import TIDY
from workbench.structure.context.roles import Roles

COLUMNS = ["group", *TIDY, "aspect", "other", "n_clusters", "method", "reason"]
DISAGREE = "disagree"
WINS = "wins over"
ANY = "aspects disagree"
_SHARE = "mean of pairs; mid-P interval at the effective number of clusters"
_AGAINST = f"{_SHARE}; p: score test against one half"

FEWEST = 10
"""Clusters in which two aspects must disagree before it is told which of them wins."""


def aspect_sides(
    said: pd.DataFrame, roles: Roles, factors: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the overall label and the aspects of each annotator and pair.

    Parameters
    ----------
    said : DataFrame
        From :func:`workbench.structure.context.said.said_of`.
    roles : Roles
    factors : DataFrame, one row a pair
        Factors that are taken for aspects: the side with more has it.

    Returns
    -------
    overall : DataFrame
        ``annotator, pair, group, cluster, side``.
    aspects : DataFrame
        One column an aspect, the same rows: 1, 0 or -1, NaN where it was not labelled.
    """
    overall = said[said["criterion"] == roles.blind]
    overall = overall[["annotator", "pair", "group", "cluster", "side"]].reset_index(drop=True)
    wide = said[said["criterion"].isin(roles.contexts)].pivot(
        index=["annotator", "pair"], columns="criterion", values="side"
    )
    key = pd.MultiIndex.from_frame(overall[["annotator", "pair"]])
    told = wide.reindex(key).reset_index(drop=True)
    signs = pd.DataFrame(
        np.sign(factors.to_numpy("float64"))[overall["pair"]], columns=list(factors.columns)
    )
    return overall, pd.concat([told, signs], axis=1)


def trade_offs(overall: pd.DataFrame, aspects: pd.DataFrame, level: float) -> pd.DataFrame:
    """Return how often aspects disagree, and which the overall label then follows.

    Parameters
    ----------
    overall, aspects : DataFrame
        From :func:`aspect_sides`.
    level : float

    Returns
    -------
    DataFrame
        Columns :data:`COLUMNS`: for each group the share of pairs with two opposed aspects; for
        two aspects each the share of pairs on which they are opposed, and the share of these on
        which the overall label follows ``aspect`` and not ``other``, its ties half. q over the
        latter, by Benjamini and Hochberg.
    """
    rows: list[dict[str, Any]] = []
    for group, at in overall.groupby("group", sort=True, observed=True).groups.items():
        own = overall.loc[at]
        sides = aspects.loc[at].to_numpy("float64")
        rows += [
            {"group": group, **row}
            for row in _of_group(own["side"].to_numpy(), sides, list(aspects.columns),
                                 own["cluster"].to_numpy("int64"), level)
        ]  # fmt: skip
    table = pd.DataFrame(rows).reindex(columns=COLUMNS)
    return table.assign(q_value=q_values(table["p_value"].to_numpy("float64")))


def _of_group(
    overall: Array, sides: Array, names: Sequence[str], cluster: Codes, level: float
) -> list[dict[str, Any]]:
    known = np.isfinite(sides).sum(axis=1) > 1
    split = (sides == 1).any(axis=1) & (sides == -1).any(axis=1)
    rows = [{"term": ANY, "method": _SHARE,
             **share(split[known].astype(float), cluster[known], level)}]  # fmt: skip
    for i, j in combinations(range(len(names)), 2):
        one, other = sides[:, i], sides[:, j]
        both = np.isfinite(one) & np.isfinite(other)
        opposed = both & (one * other < 0)
        pair = {"aspect": names[i], "other": names[j]}
        # the aspect that wins more often comes first
        follows = 0.5 + overall[opposed] * one[opposed] / 2
        if len(follows) and follows.mean() < 0.5:
            pair, follows = {"aspect": names[j], "other": names[i]}, 1.0 - follows
        disagree = share(opposed[both].astype(float), cluster[both], level)
        rows.append({"term": f"{pair['aspect']} and {pair['other']} {DISAGREE}", **pair,
                     "method": _SHARE, **disagree})  # fmt: skip
        term = f"{pair['aspect']} {WINS} {pair['other']}"
        rows.append({"term": term, **pair, **_wins(follows, cluster[opposed], level)})
    return rows


def _wins(follows: Array, cluster: Codes, level: float) -> dict[str, Any]:
    row = {"method": _AGAINST, **share(follows, cluster, level)}
    found = row["n_clusters"]
    if found < FEWEST:
        ends = dict.fromkeys(("estimate", "std_error", "conf_low", "conf_high"), np.nan)
        return row | {
            **ends,
            "reason": f"they disagree in {found:.0f} clusters, fewer than {FEWEST}",
        }
    return row | {"p_value": paired_difference(2 * follows - 1, cluster, level)["p_value"]}
