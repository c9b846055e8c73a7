"""The weight of each value at given others: a ridge, its errors, and its companions."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from workbench.clustered import mean_difference, share
from workbench.data.split import folds as fold_numbers
from workbench.decompose.errors.tidy import tidy_columns
from workbench.decompose.kernel import Array, logistic
from workbench.decompose.penalised.ridge import held_out_fit
from workbench.structure.values.choices import Choices

METHOD = (
    "joint logit with a ridge chosen on held-out prompts, errors over clusters with the prior "
    "variance of what the ridge takes"
)
RARE = "rare values together"
_SAME = 0.999
_FEWEST = 3


class Joint(NamedTuple):
    """Joint weights of one judge.

    Attributes
    ----------
    table : DataFrame
        ``term, estimate, std_error, conf_low, conf_high, p_value, q_value, n`` (decisions that
        the value tells apart), ``companion, correlation, reason``.
    held_out : dict
        What the fit says of decisions it has not seen.
    """

    table: pd.DataFrame
    held_out: dict[str, Any]


def joint_weights(
    judge: Choices, names: list[str], differences: Array, least: int, folds: int, level: float,
    seed: int,
) -> Joint:  # fmt: skip
    r"""Fit all values at once, those too rare for a weight of their own pooled.

    .. math:: V = (H + P)^{-1} (M + P) (H + P)^{-1}

    with the information :math:`H`, the penalty :math:`P` and the variance :math:`M` of the score
    over clusters, or H in its place where that is more.

    Parameters
    ----------
    judge : Choices
    names : list of str, length K
    differences : ndarray, shape (pairs, K)
        What A holds less what B holds.
    least : int
        Decisions that a value must tell apart for a weight of its own.
    folds : int
    level : float
    seed : int

    Notes
    -----
    A ridge is a normal prior of which P is the precision: the second term of V is what the
    shrinkage is expected to take, so that intervals cover on average over the values (Wahba
    1983; Nychka 1988), not each.
    """
    D = differences[judge.pair]
    n_differ = (D != 0).sum(axis=0)
    own = np.flatnonzero(n_differ >= least)
    rare = np.flatnonzero((n_differ > 0) & (n_differ < least))
    pooled = D[:, rare].sum(axis=1, keepdims=True)
    has_order, has_rare = bool(judge.shown.any()), bool(pooled.any())
    blocks = [judge.shown[:, None]] * has_order + [D[:, own]] + [pooled] * has_rare
    X = np.concatenate(blocks, axis=1)
    reason = _impossible(judge, len(own), folds)
    table = _blank(names, n_differ, least, reason)
    scores = {
        "group": judge.name, "model": "all values (ridge)", "n": float(len(D)),
        "n_clusters": float(judge.clusters), "n_terms": len(own), "n_pooled": len(rare),
    }  # fmt: skip
    if reason:
        return Joint(table, {**scores, "reason": reason})
    fold = fold_numbers(judge.cluster_names, folds, seed)
    order = np.argsort(fold, kind="stable")
    mean = judge.weight / judge.weight.mean()
    fit = held_out_fit(
        X[order],
        judge.chosen[order],
        fold[order],
        int(has_order),
        mean[order],
        weakest=True,
    )
    error = _errors(X, judge, mean, fit.weights, fit.penalty, int(has_order))
    at = slice(int(has_order), int(has_order) + len(own))
    terms = [names[k] for k in own]
    df = max(judge.clusters - 1, 1)
    tidy = tidy_columns(terms, fit.weights[at], error[at], 0, level, df)
    own_rows = pd.DataFrame(tidy).set_index("term").drop(columns="n")
    table.loc[terms, list(own_rows)] = own_rows
    _name_companions(table, terms, D[:, own], mean)
    if has_rare:
        last = pd.DataFrame(tidy_columns([RARE], fit.weights[-1:], error[-1:], 0, level, df))
        last["n"] = int((pooled != 0).sum())
        table = pd.concat([table, last.set_index("term")])
    out = np.empty(len(D))
    out[order] = fit.log_odds
    told = {"penalty": fit.penalty, **_held_out(out, judge, level)}
    return Joint(table, {**scores, **told})


def _impossible(judge: Choices, terms: int, folds: int) -> str | None:
    if judge.clusters < max(folds, _FEWEST):
        return f"decisions on only {judge.clusters} prompts: too few for {folds} folds"
    if not terms:
        return "no value tells enough decisions apart for a weight of its own"
    return None


def _blank(names: list[str], n_differ: Array, least: int, reason: str | None) -> pd.DataFrame:
    numbers = ("estimate", "std_error", "conf_low", "conf_high", "p_value", "q_value")
    table = pd.DataFrame(dict.fromkeys(numbers, np.nan), index=pd.Index(names, name="term"))
    table["n"] = n_differ
    table["companion"] = pd.Series(None, dtype="object", index=table.index)
    table["correlation"] = np.nan
    why = [
        reason if count >= least else
        "it tells no decision apart: both actions hold it, or neither" if count == 0 else
        f"rare: pooled with others below {least} decisions"
        for count in n_differ
    ]  # fmt: skip
    table["reason"] = pd.Series(why, dtype="object", index=table.index)
    return table


def _errors(
    X: Array, judge: Choices, weight: Array, beta: Array, penalty: float, firm: int
) -> Array:
    p = logistic(X @ beta)
    H = X.T @ (X * (weight * p * (1 - p))[:, None])
    prior = len(X) * penalty * (X**2).mean(axis=0)
    prior[:firm] = (X[:, :firm] ** 2).mean(axis=0)
    inverse = np.linalg.inv(H + np.diag(prior))
    # a decision that decides a weight hides its own residual, as in HC3
    leverage = weight * p * (1 - p) * np.einsum("ij,jk,ik->i", X, inverse, X)
    score = X * (weight * (judge.chosen - p) / (1 - np.minimum(leverage, 0.9)))[:, None]
    G = judge.clusters
    sums = np.zeros((G, X.shape[1]))
    np.add.at(sums, judge.cluster, score)
    meat = sums.T @ sums * (G / (G - 1)) + np.diag(prior)
    robust = np.einsum("ij,jk,ki->i", inverse, meat, inverse)
    # of few decisions the sum of squares is too small by chance
    return np.asarray(np.sqrt(np.maximum(robust, np.diag(inverse))))


def _name_companions(table: pd.DataFrame, terms: list[str], D: Array, weight: Array) -> None:
    """Name the value that each comes with most, and refuse what cannot be told apart."""
    if len(terms) < 2:
        return
    cross = D.T @ (D * weight[:, None])
    size = np.sqrt(np.diag(cross))
    correlation = cross / np.outer(size, size)
    np.fill_diagonal(correlation, 0.0)
    most = np.abs(correlation).round(12).argmax(axis=1)
    found = correlation[np.arange(len(terms)), most]
    table.loc[terms, "companion"] = [terms[k] for k in most]
    table.loc[terms, "correlation"] = found
    same = [term for term, r in zip(terms, found, strict=True) if abs(r) > _SAME]
    if same:
        with_it = table.loc[same, "companion"].map(
            "it always comes with, or against, {}: no choice tells them apart".format
        )
        table.loc[same, "reason"] = with_it
        numbers = ["estimate", "std_error", "conf_low", "conf_high", "p_value", "q_value"]
        table.loc[same, numbers] = np.nan


def _held_out(log_odds: Array, judge: Choices, level: float) -> dict[str, Any]:
    """Return accuracy, log-loss and its gain on a coin, out of fold."""
    right = np.where(log_odds == 0, 0.5, np.where(log_odds > 0, judge.chosen, 1 - judge.chosen))
    loss = np.logaddexp(0.0, log_odds) - judge.chosen * log_odds
    accuracy = share(right, judge.cluster, level, judge.weight)
    gain = mean_difference(np.log(2.0) - loss, judge.cluster, level)
    return {
        "accuracy": accuracy["estimate"], "accuracy_low": accuracy["conf_low"],
        "accuracy_high": accuracy["conf_high"], "log_loss": float(loss.mean()),
        "gain_on_coin": gain["estimate"], "gain_low": gain["conf_low"],
        "gain_high": gain["conf_high"], "reason": gain["reason"],
    }  # fmt: skip
