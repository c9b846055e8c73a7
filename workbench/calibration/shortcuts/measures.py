"""How often rules that do not read are right: one row a rule, beside chance and the best judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.audit.judges.verdicts.elsewhere import FITTED
from workbench.calibration.shortcuts.fitted import predicted_elsewhere
from workbench.calibration.shortcuts.rules import BETTER_MODEL, Rules
from workbench.clustered import Array, Codes, flip_p_value, no_value, share
from workbench.data.split import folds as fold_numbers
from workbench.decompose.errors.tidy import holm, q_values
from workbench.flips import paired_difference
from workbench.intervals import MID_P
from workbench.results import TIDY

TOGETHER = "all of these together"
APART = "all together, fitted by subset"
BEST_RULE = "best single rule"
BEST_JUDGE = "best judge in the file"
LISTED = "listed as A"
BEFORE_JUDGES = "first before judges"

RULE, HELD_OUT, JUDGE, SIDE = "rule", "held out", "judge", "side"
"""What a row is of: a fixed rule; one chosen or fitted on other prompts; a judge; a check."""

COLUMNS = (*TIDY, "holm", "n_clusters", "kind", "n_differ", "accuracy_differ", "judge_gap",
           "judge_gap_low", "judge_gap_high", "judge_gap_n", "method", "reason")  # fmt: skip

_LEAST_PROMPTS = 20
"""Prompts below which nothing is fitted."""

_METHOD = f"share, undecided one half; {MID_P}; p: signs of prompts, mid-P"
_FITTED = (
    "share, undecided one half; score interval and p over prompts, at twice the variance: folds "
    "test each other's labels"
)


@dataclass(frozen=True, eq=False)
class Decided:
    """Pairs that the reference decided, n of them.

    Attributes
    ----------
    y : ndarray, shape (n,)
        1 where A is better, 0 where B is.
    cluster : ndarray of int, shape (n,)
    prompt : ndarray of str, shape (n,)
        Names of the clusters.
    rules : Rules
    judges : list of str
    right : ndarray, shape (J, n)
        Agreement of each judge; NaN where it was not asked.
    before : ndarray, shape (n, 2)
        Verdicts of judges whose order is known: how many, and with the better response first.
    """

    y: Array
    cluster: Codes
    prompt: NDArray[np.str_]
    rules: Rules
    judges: list[str]
    right: Array
    before: Array

    def within(self, inside: NDArray[np.bool_]) -> Decided:
        """Return some of the pairs, shape (n,)."""
        rules = Rules(
            self.rules.names, self.rules.differences[inside], self.rules.models[inside],
            self.rules.silent,
        )  # fmt: skip
        return Decided(
            self.y[inside], self.cluster[inside], self.prompt[inside], rules, self.judges,
            self.right[:, inside], self.before[inside],
        )  # fmt: skip


class Measured(NamedTuple):
    """Rows of a table, and what was said of n pairs by fits on other prompts.

    Attributes
    ----------
    rows : list of dict
    together : ndarray, shape (n,)
        1 for A, -1 for B, 0 for neither.
    judge : ndarray, shape (n,)
        Agreement of the best judge; NaN where it was not asked.
    fitted : bool
        Whether there were prompts enough.
    """

    rows: list[dict[str, Any]]
    together: Array
    judge: Array
    fitted: bool


def rows_of(decided: Decided, folds: int, level: float, seed: int) -> Measured:
    """Return a row for each rule, for what is fitted, for the best judge, and for the sides."""
    y, cluster = decided.y, decided.cluster
    signs = np.sign(decided.rules.differences)
    names = list(decided.rules.names)
    prompts = len(np.unique(decided.prompt))
    few = prompts < max(_LEAST_PROMPTS, folds)
    why = f"fewer than {max(_LEAST_PROMPTS, folds)} prompts: nothing is fitted"
    rows: list[dict[str, Any]] = []
    if decided.rules.models.any():
        if few:
            rows.append(_blank(BETTER_MODEL, RULE, cluster, why))
        else:
            said = predicted_elsewhere(decided.rules.models, y, decided.prompt, folds, seed)
            signs = np.column_stack([signs, np.sign(said)])
            names.append(BETTER_MODEL)
    credit = _credit(signs, y)
    rows = [
        *(
            (_fitted_row if n == BETTER_MODEL else _row)(n, RULE, credit[:, k], cluster, level)
            for k, n in enumerate(names)
        ),
        *rows,
        *(_blank(name, RULE, cluster, told) for name, told in decided.rules.silent.items()),
    ]
    if few:
        held = [_blank(name, HELD_OUT, cluster, why) for name in (TOGETHER, BEST_RULE)]
        beside = [_blank(BEST_JUDGE, JUDGE, cluster, why)] if decided.judges else []
        together, judge = np.zeros(len(y)), np.full(len(y), np.nan)
    else:
        together, single, judge = _held_out(decided, signs, credit, folds, seed)
        held = [
            held_row(TOGETHER, together, judge, decided, level),
            held_row(BEST_RULE, single, judge, decided, level),
        ]
        beside = _judge_rows(judge, decided, level)
    rows = [*held, *rows, *beside, *_sides(decided, level)]
    return Measured(rows, together, judge, not few)


def held_row(
    term: str, said: Array, judge: Array, decided: Decided, level: float
) -> dict[str, Any]:
    """Return the row of what was said of pairs by fits on other prompts, beside the best judge.

    Parameters
    ----------
    term : str
    said, judge : ndarray, shape (n,)
        See :class:`Measured`.
    decided : Decided
    level : float
    """
    own = _credit(said[:, None], decided.y)[:, 0]
    row = _fitted_row(term, HELD_OUT, own, decided.cluster, level)
    return {**row, **_gap(judge - own, decided.cluster, level)}


def _fitted_row(
    term: str, kind: str, credit: Array, cluster: Codes, level: float
) -> dict[str, Any]:
    """Return the row of what fits on other folds say."""
    found = paired_difference(2 * credit - 1, cluster, level, FITTED)
    shares = {name: (1 + found[name]) / 2 for name in ("estimate", "conf_low", "conf_high")}
    error = {"std_error": found["std_error"] / 2}
    return {**found, **shares, **error, **_head(term, kind, credit), "method": _FITTED}


def tabled(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return rows as one family of tests of chance, those of judges and of sides aside."""
    table = pd.DataFrame(rows)
    table = table.reindex(columns=[*(["group"] if "group" in table else []), *COLUMNS])
    p = table["p_value"].to_numpy("float64")
    tested = table["kind"].isin([RULE, HELD_OUT]).to_numpy(dtype=bool)
    q, adjusted = np.full(len(p), np.nan), np.full(len(p), np.nan)
    for family in (tested, ~tested):
        q[family], adjusted[family] = q_values(p[family]), holm(p[family])
    return table.assign(q_value=q, holm=adjusted)


def _credit(signs: Array, y: Array) -> Array:
    return np.asarray(0.5 + 0.5 * signs * (2 * y - 1)[:, None])


def _row(term: str, kind: str, credit: Array, cluster: Codes, level: float) -> dict[str, Any]:
    row: dict[str, Any] = share(credit, cluster, level)
    row |= {**_head(term, kind, credit), "method": _METHOD}
    halves = 2 * credit - 1
    # only of sides can be told which of two is likelier; parts of verdicts have no sign test
    whole = np.array_equal(halves, np.rint(halves))
    if row["n_clusters"] > 1 and whole:
        row["p_value"] = flip_p_value(np.bincount(cluster, halves).astype(np.float64), mid=True)
    return row


def _head(term: str, kind: str, credit: Array) -> dict[str, Any]:
    """Return what a row is of, and the pairs in which it decides."""
    decides = credit != 0.5
    accuracy = float(credit[decides].mean()) if decides.any() else np.nan
    return {"term": term, "kind": kind, "n_differ": float(decides.sum()),
            "accuracy_differ": accuracy}  # fmt: skip


def _blank(term: str, kind: str, cluster: Codes, reason: str) -> dict[str, Any]:
    return {"term": term, "kind": kind, **no_value(cluster), "reason": reason}


def _held_out(
    decided: Decided, signs: Array, credit: Array, folds: int, seed: int
) -> tuple[Array, Array, Array]:
    """Return what all rules and the best one say, and the best judge, by other prompts."""
    y = decided.y
    fold = fold_numbers(decided.prompt, folds, seed)
    looks = np.column_stack([decided.rules.differences, np.sign(decided.rules.differences),
                             decided.rules.models])  # fmt: skip
    together = np.sign(predicted_elsewhere(looks, y, decided.prompt, folds, seed))
    single, judge = np.zeros(len(y)), np.full(len(y), np.nan)
    for f in range(folds):
        train, test = fold != f, fold == f
        lean = credit[train].mean(axis=0) - 0.5
        best = int(np.argmax(np.abs(lean)))
        single[test] = np.sign(lean[best]) * signs[test, best]
        chosen = _best_judge(decided.right[:, train])
        if chosen is not None:
            judge[test] = decided.right[chosen, test]
    return together, single, judge


def _judge_rows(judge: Array, decided: Decided, level: float) -> list[dict[str, Any]]:
    if not decided.judges:
        return []
    known = np.isfinite(judge)
    if not known.any():
        return [_blank(BEST_JUDGE, JUDGE, decided.cluster, "no judge was asked these pairs")]
    # of one judge nothing is chosen
    row = _fitted_row if len(decided.judges) > 1 else _row
    return [row(BEST_JUDGE, JUDGE, judge[known], decided.cluster[known], level)]


def _best_judge(right: Array) -> int | None:
    """Return the judge that is right most often, among those asked most of these pairs."""
    asked = np.isfinite(right).sum(axis=1)
    if not len(asked) or not asked.any():
        return None
    mean = np.nansum(right, axis=1) / np.maximum(asked, 1)
    return int(np.argmax(np.where(asked >= asked.max() / 2, mean, -1.0)))


def _gap(gap: Array, cluster: Codes, level: float) -> dict[str, Any]:
    known = np.isfinite(gap)
    if not known.any():
        return {"judge_gap_n": 0.0}
    found = paired_difference(gap[known], cluster[known], level, FITTED)
    return {"judge_gap": found["estimate"], "judge_gap_low": found["conf_low"],
            "judge_gap_high": found["conf_high"], "judge_gap_n": found["n"]}  # fmt: skip


def _sides(decided: Decided, level: float) -> list[dict[str, Any]]:
    """Return how often the better response is listed first, and stood first before judges."""
    rows = [_row(LISTED, SIDE, decided.y, decided.cluster, level)]
    asked = decided.before[:, 0] > 0
    if asked.any():
        first = decided.before[asked, 1] / decided.before[asked, 0]
        rows.append(_row(BEFORE_JUDGES, SIDE, first, decided.cluster[asked], level))
    return rows
