"""How few labels place a new person: whole people are left out and placed from some pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from workbench.decompose.kernel import Array, Codes, logistic
from workbench.structure.groups.blended import fit_blended, place_blended
from workbench.structure.groups.held_out import label_loss, larger_error
from workbench.structure.groups.mixture import Problems, Runs, evaluate
from workbench.structure.groups.panel import Panel
from workbench.structure.groups.starts import FEWER, KEEP, fit_classes, fit_pooled
from workbench.structure.labels import PersonLabels

Known = NDArray[np.bool_]

KNOWN = (0, 2, 5, 10, 20)
"""Pairs from which a new person is placed."""

_REST = 5
"""Pairs that must be left to predict."""


def new_people_table(
    laid: Panel,
    labels: PersonLabels,
    groups: int,
    membership: str,
    folds: int,
    level: float,
    seed: int,
) -> pd.DataFrame:
    """Return the log-loss on a new person's other pairs, by the pairs that placed him or her.

    Parameters
    ----------
    laid : Panel
    labels : PersonLabels
    groups : int
    membership : {"classes", "mixed"}
    folds : int
        Folds of people.
    level : float
    seed : int
        Of the folds, the starts, and which of a person's pairs are known.

    Returns
    -------
    DataFrame
        ``known_pairs, n_people, n`` (labels predicted), ``pooled, groups`` (log-losses of the
        same labels), ``estimate`` = groups minus pooled, with error and interval.
    """
    weight, votes = labels.weight[laid.cells], labels.votes[laid.cells]
    rng = np.random.default_rng([seed, 17])
    folds = min(folds, laid.P)
    fold = rng.permutation(laid.P) % folds
    turn = rng.permutation(len(weight))
    rank = _within(laid.person, turn)
    count = np.bincount(laid.person, minlength=laid.P)
    own = (fold[laid.person][:, None] != np.arange(folds)).astype(float)
    problems = Problems(laid, own * weight[:, None], own * votes[:, None])
    pooled = fit_pooled(problems)
    best, _ = fit_classes(problems, groups, pooled=pooled, seed=seed, starts=FEWER, keep=KEEP)
    predict = _blended if membership == "mixed" and groups > 1 else _classes
    at = fold[laid.person]
    alone = label_loss(logistic((laid.X * pooled.b[at, 0]).sum(axis=1)), weight, votes)
    prompt = labels.prompt[laid.cells]
    z, rows = float(ndtri((1 + level) / 2)), []
    for k in KNOWN:
        rest = (rank >= k) & (count[laid.person] >= k + _REST)
        if not rest.any():
            reason = f"nobody has {k + _REST} labels"
            rows.append(_row(k, 0, 0, reason=reason))
            continue
        p = predict(problems, best, weight, votes, rank < k, fold)
        loss, w = label_loss(p, weight, votes)[rest], weight[rest]
        gain, error = larger_error(loss - alone[rest], w, prompt[rest], laid.person[rest])
        row = _row(k, len(np.unique(laid.person[rest])), int(rest.sum()))
        row |= {"pooled": alone[rest] @ w / w.sum(), "groups": loss @ w / w.sum(),
                "estimate": gain, "std_error": error, "conf_low": gain - z * error,
                "conf_high": gain + z * error}  # fmt: skip
        rows.append(row)
    return pd.DataFrame(rows)


def _row(k: int, people: int, n: int, reason: str | None = None) -> dict[str, Any]:
    empty = dict.fromkeys(
        ("pooled", "groups", "estimate", "std_error", "conf_low", "conf_high"), np.nan
    )
    method = "whole people left out; error over prompts or people, the larger"
    return {
        "known_pairs": k,
        "n_people": people,
        "n": n,
        **empty,
        "method": method,
        "reason": reason,
    }


def _within(person: Codes, turn: Codes) -> Codes:
    """Return the place of each row among those of its person, in a random order."""
    order = np.lexsort((turn, person))
    first = np.searchsorted(person[order], person[order])
    rank = np.empty(len(person), dtype=np.int64)
    rank[order] = np.arange(len(person)) - first
    return rank


def _classes(
    problems: Problems, best: Runs, weight: Array, votes: Array, known: Known, fold: Codes
) -> Array:
    laid = problems.panel
    seen = Problems(laid, (weight * known)[:, None], (votes * known)[:, None])
    member = evaluate(
        seen, np.zeros(len(best.b), dtype=np.int64), best.b, best.log_pi, False
    ).posterior
    at = fold[laid.person]
    eta = np.einsum("nk,nck->nc", laid.X, best.b[at])
    return np.asarray((member[at, laid.person] * logistic(eta)).sum(axis=1))


def _blended(
    problems: Problems, best: Runs, weight: Array, votes: Array, known: Known, fold: Codes
) -> Array:
    laid, p = problems.panel, np.empty(len(weight))
    for j in range(len(best.b)):
        w, v = (part[:, 0, 0] for part in problems.at(np.array([j])))
        fit = fit_blended(laid, w, v, best.b[j], best.posterior[j])
        share = place_blended(laid, weight * known, votes * known, fit.b)
        at = fold[laid.person] == j
        p[at] = logistic((laid.X[at] * (share @ fit.b)[laid.person[at]]).sum(axis=1))
    return p
