"""Simulated held-out scores beside the truth that their intervals are of."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit, xlogy
from scipy.stats import rankdata

import workbench as wb
from workbench.data.dataset import PreferenceData
from workbench.data.split import folds as fold_numbers
from workbench.decompose.decomposition import Decomposition
from workbench.decompose.estimate import batches
from workbench.decompose.logit import refit

FOLDS = 5
_NEW = 4_000


def simulated(
    n: int, weights: list[float], annotators: int, seed: int, *, per: int = 1, share: float = 0.5
) -> PreferenceData:
    """Return labels of annotators alike; ``share`` is how often A is preferred at no difference.

    Clusters hold ``per`` labels each, whose differences share half of their variance.
    """
    rng = np.random.default_rng(seed)
    K, cluster = len(weights), np.arange(n) // per
    x = rng.normal(size=(n, K))
    if per > 1:
        x = (x + rng.normal(size=(cluster[-1] + 1, K))[cluster]) / np.sqrt(2)
    p = expit(x @ np.asarray(weights) + np.log(share / (1 - share)))
    pairs = pd.DataFrame({"item": np.arange(n), "cluster": [f"c{c}" for c in cluster]})
    tables = [
        pd.DataFrame(
            {
                "pair": np.arange(n),
                "annotator": f"a{a:03}",
                "preference": (rng.random(n) < p).astype(float),
            }
        )
        for a in range(annotators)
    ]
    data = PreferenceData.from_tables(pairs, pd.concat(tables, ignore_index=True))
    factors = pd.DataFrame(x, columns=[f"f{k}" for k in range(K)])
    return data.with_factors(factors, pd.DataFrame(index=factors.index), {})


def truths(fit: Decomposition, weights: list[float], seed: int, share: float) -> pd.DataFrame:
    """Return what the folds' rules score on new labels, averaged over folds; one row a group.

    ``accuracy, auc, log_loss, brier``, ``whole``: the accuracy of the rule fitted to all labels,
    and ``best``: that of the side preferred more often.
    """
    design, K = fit.design, len(weights)
    new = np.random.default_rng(10**6).normal(size=(_NEW, K))
    p = expit(new @ np.asarray(weights) + np.log(share / (1 - share)))
    fold = fold_numbers(design.cluster_names.to_numpy(), FOLDS, seed)[design.cluster]
    lines = []
    for groups, rows, cells in batches(design):
        own = [fit.fits[design.groups[g]] for g in groups]
        active = np.stack([one.active for one in own])
        start = np.stack([np.where(one.active, one.coef, 0.0) for one in own])
        at, sums = fold[rows], []
        for f in range(FOLDS):
            train = at != f
            part = np.ascontiguousarray(design.X[rows][train])
            coef = refit(part, cells.take(train), active, start)[:, :K]
            sums.append(np.mean(~train) * _scores(new @ coef.T, p))
        whole = _scores(new @ start[:, :K].T, p)[0]
        table = pd.DataFrame(sum(sums).T, columns=["accuracy", "auc", "log_loss", "brier"])
        table["group"] = [design.groups[g] for g in groups]
        lines.append(table.assign(whole=whole, best=max(p.mean(), 1 - p.mean())))
    return pd.concat(lines, ignore_index=True).set_index("group")


def _scores(eta: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Return accuracy, AUC, log-loss and Brier score of each column of log-odds."""
    p, q = p[:, None], expit(eta)
    right = np.where(eta > 0, p, 1 - p).mean(axis=0)
    loss = -(xlogy(p, q) + xlogy(1 - p, 1 - q)).mean(axis=0)
    brier = (p * (1 - q) ** 2 + (1 - p) * q**2).mean(axis=0)
    return np.stack([right, _areas(eta, p), loss, brier])


def _areas(eta: np.ndarray, p: np.ndarray) -> np.ndarray:
    order = np.argsort(rankdata(eta, axis=0), axis=0)
    sorted_p = p[:, 0][order]
    below = np.cumsum(1 - sorted_p, axis=0) - (1 - sorted_p)
    return np.asarray((sorted_p * below).sum(axis=0) / (p.sum() * (1 - p).sum()))


def coverage(
    n: int,
    weights: list[float],
    *,
    sets: int,
    annotators: int = 40,
    per: int = 1,
    share: float = 0.5,
    first: int = 0,
) -> dict[str, np.ndarray]:
    """Return, for each simulated group, what its held-out intervals did.

    Each of ``accuracy, auc, log_loss, brier`` (of the folds' rules), ``whole`` (accuracy of the
    rule fitted to all labels) and ``gain``: whether the interval holds the truth; ``claims``:
    whether a gain over the majority is surely above 0, ``naive``: whether the accuracy's usual
    interval, a mean and 1.96 of its errors, holds the truth.
    """
    found: dict[str, list[np.ndarray]] = {}
    for seed in range(first, first + sets):
        data = simulated(n, weights, annotators, seed, per=per, share=share)
        fit = wb.decompose(data, folds=FOLDS, seed=seed)
        truth = truths(fit, weights, seed, share)
        table = fit.held_out.set_index(["predictor", "group"])
        own, rest = table.loc["factors"], table.loc["majority"]
        truth = truth.loc[own.index]
        found.setdefault("defined", []).append(own["accuracy"].notna().to_numpy())
        for name in ("accuracy", "auc", "log_loss", "brier"):
            found.setdefault(name, []).append(_holds(own, name, truth[name]))
        found.setdefault("whole", []).append(_holds(own, "accuracy", truth["whole"]))
        found.setdefault("claims", []).append((rest["gain_low"] > 0).to_numpy())
        error = np.sqrt(own["accuracy"] * (1 - own["accuracy"]) / own["n"])
        far = (own["accuracy"] - truth["accuracy"]).abs()
        found.setdefault("naive", []).append((far <= 1.96 * error).to_numpy())
        if share == 0.5:
            # either side is right half the time, and so is a coin
            found.setdefault("gain", []).append(_holds(rest, "gain", truth["accuracy"] - 0.5))
    return {name: np.concatenate(values) for name, values in found.items()}


def _holds(table: pd.DataFrame, name: str, truth: pd.Series) -> np.ndarray:
    low, high = table[f"{name}_low"], table[f"{name}_high"]
    return ((low <= truth) & (truth <= high)).to_numpy()
