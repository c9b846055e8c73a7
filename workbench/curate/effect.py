"""What a curation did: to the factor weights, and to predictions of labels it never saw."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from workbench.audit.models.calibration_bins import Bins
from workbench.clustered import Array, Codes, mean_difference, share
from workbench.curate.balance import held_out_balance, held_out_scores
from workbench.curate.filters import Bools, Chosen
from workbench.data.dataset import PreferenceData
from workbench.decompose.decomposition import decompose
from workbench.errors import DesignError
from workbench.intervals import MID_P, NO_VARIATION
from workbench.results import TIDY

_BALANCED = f"balance and fit of other prompts, {MID_P}"
BEFORE, AFTER, GAP = "every pair's majority", "curated", "difference"
_BINS = 10
_REPLICATES = 200
_NOTHING = 1e-12
_COLUMNS = ("group", *TIDY, "n_clusters", "method", "reason")


def weight_table(before: PreferenceData, after: PreferenceData, level: float) -> pd.DataFrame:
    """Return the factor weights of the majority labels and of the curated ones.

    Parameters
    ----------
    before, after : PreferenceData
        One label a pair, with factors.
    level : float
    """
    frames = []
    for name, data in ((BEFORE, before), (AFTER, after)):
        try:
            fit = decompose(data, by=(), folds=0, level=level)
        except DesignError as error:
            row = {"term": "(all)", "n": len(data.pairs), "reason": error.what}
            frames.append(pd.DataFrame([{"group": name, **row}]))
            continue
        table = fit.to_frame()
        frames.append(table[table["term"] != "position"].assign(group=name))
    return pd.concat(frames, ignore_index=True)


def held_out_table(
    share_a: Array, known: Bools, scores: tuple[Array, Array], code: Codes, level: float, seed: int
) -> pd.DataFrame:
    """Return how well fits to either training set tell all votes on other prompts.

    Parameters
    ----------
    share_a : ndarray, shape (pairs,)
        Share of the votes for A: what is told; NaN without a vote.
    known : ndarray of bool, shape (pairs,)
        Pairs of which every factor is known.
    scores : tuple of two ndarray, shape (pairs,)
        Log-odds of A by fits to every pair's majority and to the curated pairs, of other folds.
    code : ndarray of int
    level : float
    seed : int

    Returns
    -------
    DataFrame
        Accuracy, ECE, Brier score and log-loss on the untouched labels, before, after, and
        their difference with a paired interval.
    """
    use = known & np.isfinite(share_a)
    cluster: Any = np.unique(code[use], return_inverse=True)[1]
    y = share_a[use]
    told = [expit(score)[use] for score in scores]
    bins = [Bins(p, y, cluster, _BINS) for p in told]
    rows: list[dict[str, Any]] = []
    decided = y != 0.5
    for name, p, one in zip((BEFORE, AFTER), told, bins, strict=True):
        right = _right(p, y)[decided]
        rows.append({"group": name, "term": "accuracy", **share(right, cluster[decided], level),
                     "method": f"share of decided pairs, {MID_P}"})  # fmt: skip
        rows += [{"group": name, **row, "method": f"{_BINS} bins, both orderings"}
                 for row in one.rows(level, _REPLICATES, seed)
                 if row["term"] in ("ECE", "Brier", "log-loss")]  # fmt: skip
    rows += _differences(told, y, cluster, bins, level, seed)
    return pd.DataFrame(rows).reindex(columns=list(_COLUMNS))


def balance_table(chosen: Chosen, level: float) -> pd.DataFrame:
    """Return how far the named factors tell the chosen side of pairs of other prompts.

    Parameters
    ----------
    chosen : Chosen
        After its balance.
    level : float

    Returns
    -------
    DataFrame
        Before and after: accuracy of a fit on these factors alone, and the share of pairs
        whose chosen response has more of each. One half says that nothing is told. The balance
        and the fit are of other prompts than the pairs that they are tested on.
    """
    rule, features, weight = chosen.rule, chosen.features, chosen.unbalanced
    if features is None or weight is None:
        return pd.DataFrame()
    fold, side = chosen.found.fold, chosen.side
    old = (weight, held_out_scores(features, weight, (side + 1) / 2, fold))
    new, lots = (np.zeros(len(side)), np.zeros(len(side))), chosen.lots()
    for _, rows in chosen.grouped(weight > 0):
        made = held_out_balance(
            features[rows], side[rows], weight[rows], lots[rows], fold[rows],
            max_loss=rule.max_loss, weigh=rule.balance_by == "weigh",
        )  # fmt: skip
        for whole, part in zip(new, made, strict=True):
            whole[rows] = part
    # the difference of each factor is the first of its features
    X = features[:, :: features.shape[1] // len(rule.balance)]
    rows_made: list[dict[str, Any]] = []
    for group, (left, score) in ((BEFORE, old), (AFTER, new)):
        right = 0.5 + 0.5 * side * np.sign(np.round(score, 12))
        values = [(f"held-out accuracy of {', '.join(rule.balance)}", right, left > 0)]
        values += [(f"chosen has more {name}", (side * x > 0).astype(float), (left > 0) & (x != 0))
                   for name, x in zip(rule.balance, X.T, strict=True)]  # fmt: skip
        for term, value, use in values:
            row = share(value[use], chosen.found.code[use], level, left[use])
            rows_made.append({"group": group, "term": term, **row, "method": _BALANCED})
    return pd.DataFrame(rows_made).reindex(columns=list(_COLUMNS))


def _right(p: Array, y: Array) -> NDArray[np.float64]:
    return np.where(p == 0.5, 0.5, (p > 0.5) == (y > 0.5)).astype(np.float64)


def _differences(
    told: list[Array], y: Array, cluster: Codes, bins: list[Bins], level: float, seed: int
) -> list[dict[str, Any]]:
    """Return what changed, after minus before, on the same labels."""
    decided = y != 0.5
    gaps = {"accuracy": (_right(told[1], y) - _right(told[0], y))[decided]}
    squared = [(p - y) ** 2 for p in told]
    clipped = [np.clip(p, 1e-12, 1 - 1e-12) for p in told]
    loss = [-(y * np.log(p) + (1 - y) * np.log1p(-p)) for p in clipped]
    gaps |= {"Brier": squared[1] - squared[0], "log-loss": loss[1] - loss[0]}
    rows = [
        {"group": GAP, "term": term,
         **mean_difference(gap, cluster[decided] if term == "accuracy" else cluster, level),
         "method": "paired, cluster-robust t"}
        for term, gap in gaps.items()
    ]  # fmt: skip
    # the same resamples of the same clusters: the difference is paired
    draws = bins[1].draws(_REPLICATES, seed)[:, 0] - bins[0].draws(_REPLICATES, seed)[:, 0]
    value = bins[1].measures()["ECE"] - bins[0].measures()["ECE"]
    rows.insert(1, {
        "group": GAP, "term": "ECE", "estimate": value, **_bootstrap_ends(draws, value, level),
        "n": float(len(y)), "n_clusters": float(cluster.max() + 1),
        "method": "paired basic cluster bootstrap",
    })  # fmt: skip
    return rows


def _bootstrap_ends(draws: Array, value: float, level: float) -> dict[str, Any]:
    """Return the basic bootstrap interval, or why there is none."""
    error = float(draws.std(ddof=1))
    if error <= _NOTHING:
        return {"std_error": error, "reason": NO_VARIATION}
    tail = 0.5 - level / 2
    below, above = np.quantile(draws, [tail, 1 - tail])
    return {
        "std_error": error, "conf_low": float(min(2 * value - above, value)),
        "conf_high": float(max(2 * value - below, value)), "reason": None,
    }  # fmt: skip
