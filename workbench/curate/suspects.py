"""Labels that speak against what other labels teach, and what that is worth."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from workbench.clustered import Array, Codes, mean_difference, share
from workbench.curate.sources import Strengths
from workbench.data.columns import POOLS
from workbench.data.dataset import PreferenceData
from workbench.decompose.errors.tidy import q_values
from workbench.intervals import MID_P

CUTS = (0.05, 0.1, 0.2)
"""Shares of the votes that are looked at as suspects."""

NEAR = 0.25
"""Standard deviations of the margins within which the model takes no side."""

APART = "of another taste"
"""Verdict on an annotator who is surely more often at odds with both than the rest."""

_SOLID = 2 / 3
_SURE = 0.05
_FEWEST = 10
_MODEL = ("with the label", "unsure", "against the label")
_OTHERS = ("with the label", "divided", "against the label", "nobody else")
_OUTVOTED = f"share outvoted by the other voters, an even split by half, {MID_P}"


class Cast(NamedTuple):
    """Votes for a side, one row a label; one row a side where a label stands for several votes.

    Attributes
    ----------
    pair : ndarray of int
        Row of its pair.
    side : ndarray
        1 for A, -1 for B.
    weight : ndarray
        Votes.
    signed : ndarray
        Out-of-fold margin towards the side that was chosen.
    own, against : ndarray
        Other votes on the pair, for this side and for the other one.
    annotator : ndarray of str
    """

    pair: Codes
    side: Array
    weight: Array
    signed: Array
    own: Array
    against: Array
    annotator: Array

    @property
    def outvoted(self) -> Array:
        """1 where the others' majority is against the vote, 0.5 an even split, NaN alone."""
        gap = self.against - self.own
        return np.where(self.own + self.against > 0, 0.5 + 0.5 * np.sign(np.round(gap, 9)), np.nan)


def cast_votes(data: PreferenceData, found: Strengths) -> Cast:
    """Return the votes of pairs whose margin is known.

    Parameters
    ----------
    data : PreferenceData
    found : Strengths
        With margins.
    """
    labels, votes = data.labels, found.votes
    margin = np.full(len(votes.a), np.nan) if found.margins is None else found.margins.mean
    rows = np.flatnonzero(votes.rows)
    count = labels["n_votes"].fillna(1.0).to_numpy()[rows] if "n_votes" in labels else 1.0
    ties = labels["n_ties"].fillna(0.0).to_numpy()[rows] if "n_ties" in labels else 0.0
    y = labels["preference"].to_numpy()[rows]
    ties = np.where(count > 1, ties, np.where(y == 0.5, 1.0, 0.0))
    parts = []
    for side, share_of in ((1.0, y), (-1.0, 1 - y)):
        weight = np.round(count * share_of - ties / 2, 9)
        at = data.pair_rows[rows]
        keep = (weight > 0) & np.isfinite(margin[at])
        pair = at[keep]
        mine, other = (votes.a, votes.b) if side > 0 else (votes.b, votes.a)
        names = labels["annotator"].to_numpy()[rows][keep]
        parts.append((pair, np.full(len(pair), side), weight[keep], side * margin[pair],
                      np.maximum(mine[pair] - 1, 0), other[pair], names))  # fmt: skip
    joined = [np.concatenate(columns) for columns in zip(*parts, strict=True)]
    order = np.lexsort((-joined[1], joined[0]))
    return Cast(*(column[order] for column in joined))


def suspect_table(cast: Cast, p: Array, code: Codes, level: float) -> pd.DataFrame:
    """Return what the votes of the smallest margins are worth, at every cut.

    Parameters
    ----------
    cast : Cast
    p : ndarray, shape (pairs,)
        Calibrated P(A) out of fold.
    code : ndarray of int, shape (pairs,)
    level : float

    Returns
    -------
    DataFrame
        ``term, cut, estimate`` (share outvoted by the others, its interval), ``base_rate`` (of
        all votes), ``recall``, ``expected`` (calibrated chance that one more vote goes
        against it), ``expected_base``, ``n`` votes flagged, ``n_clusters, method, reason``.
    """
    cluster = code[cast.pair]
    doubt = np.where(cast.side > 0, 1 - p[cast.pair], p[cast.pair])
    outvoted, known = cast.outvoted, np.isfinite(cast.outvoted)
    base = _mean(outvoted[known], cast.weight[known])
    order = np.lexsort((cast.pair, cast.signed))
    reached = np.empty(len(order))
    reached[order] = np.cumsum(cast.weight[order])
    rows = []
    for cut in CUTS:
        flagged = reached <= cut * cast.weight.sum() + 1e-9
        seen = flagged & known
        row = share(outvoted[seen], cluster[seen], level, cast.weight[seen])
        if not seen.any():
            row["reason"] = "no label is repeated: expected is what the fit says"
        hit = float(outvoted[seen] @ cast.weight[seen])
        total = float(outvoted[known] @ cast.weight[known])
        rows.append({
            "term": f"smallest {cut:.0%} of the margins", "cut": cut, **row,
            "base_rate": base, "recall": hit / total if total else np.nan,
            "expected": _mean(doubt[flagged], cast.weight[flagged]),
            "expected_base": _mean(doubt, cast.weight),
            "n": float(cast.weight[flagged].sum()), "method": _OUTVOTED,
        })  # fmt: skip
    return pd.DataFrame(rows)


def two_way(cast: Cast, code: Codes, level: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the model's verdict by that of the other voters, and who is at odds with both.

    Parameters
    ----------
    cast : Cast
    code : ndarray of int, shape (pairs,)
    level : float

    Returns
    -------
    cells : DataFrame
        ``model, others, reading``, the share of all votes with its interval, ``n``.
    people : DataFrame
        One row a named annotator of ten votes or more: the share of their votes that both are
        against, minus that of all votes, with its interval, test and ``q_value``.

    Notes
    -----
    A vote that both are against is *of another taste* where its annotator is surely so more
    often than the rest (q < .05): by taste or carelessness, which ``wb.decompose`` of that
    annotator tells apart. Else it is *mislabelled*, or cannot be told where nobody is named.
    """
    cluster = code[cast.pair]
    near = NEAR * float(np.sqrt(np.average(cast.signed**2, weights=cast.weight)))
    by_model = np.where(np.abs(cast.signed) <= near, 1, np.where(cast.signed > 0, 0, 2))
    others = cast.own + cast.against
    with_it = np.divide(cast.own, others, out=np.full(len(others), np.nan), where=others > 0)
    by_others = np.select(
        [np.isnan(with_it), with_it >= _SOLID, with_it > 1 - _SOLID], [3, 0, 1], 2
    )
    odd = (by_model == 2) & (by_others == 2)
    people = _people(cast, odd, by_others != 3, cluster, level)
    apart = people.loc[people["verdict"].eq(APART), "annotator"] if len(people) else ()
    reading = np.select(
        [odd & np.isin(cast.annotator.astype(str), list(apart)), odd & _named(cast), odd,
         by_others == 1, (by_model == 2) & (by_others == 0)],
        [APART, "mislabelled", "mislabelled or of another taste", "ambiguous",
         "people see what the factors do not"], "",
    )  # fmt: skip
    rows: list[dict[str, Any]] = []
    for k, model in enumerate(_MODEL):
        for j, other in enumerate(_OTHERS):
            inside = (by_model == k) & (by_others == j)
            for text in sorted(set(reading[inside])):
                mine = inside & (reading == text)
                found = share(mine.astype(float), cluster, level, cast.weight)
                term = f"model {model}, others {other}" + (f": {text}" if text else "")
                rows.append({"term": term, "model": model, "others": other, "reading": text,
                             **found, "n": float(cast.weight[mine].sum()),
                             "method": f"share of votes, {MID_P}"})  # fmt: skip
    return pd.DataFrame(rows), people


def _people(cast: Cast, odd: Any, known: Any, cluster: Codes, level: float) -> pd.DataFrame:
    use = known & _named(cast)
    columns = ["term", "annotator", "estimate", "verdict"]
    if not use.any():
        return pd.DataFrame(columns=columns)
    base = float(odd[use].mean())
    rows = []
    for name in sorted(set(cast.annotator[use])):
        mine = use & (cast.annotator == name)
        if mine.sum() < _FEWEST:
            continue
        found = mean_difference(odd[mine].astype(float) - base, cluster[mine], level)
        rows.append({"term": name, "annotator": name, "share": float(odd[mine].mean()),
                     "base_rate": base, **found})  # fmt: skip
    if not rows:
        return pd.DataFrame(columns=columns)
    table = pd.DataFrame(rows)
    table["q_value"] = q_values(table["p_value"].to_numpy("float64"))
    surely = (table["q_value"] < _SURE) & (table["estimate"] > 0)
    table["verdict"] = np.where(surely, APART, "as the rest")
    return table.assign(method="difference from all votes, cluster-robust t")


def _named(cast: Cast) -> Any:
    """Tell which votes are of one person or judge, and not of a pool."""
    names = pd.Series(cast.annotator.astype(str))
    return ((cast.weight <= 1) & ~names.isin(POOLS)).to_numpy()


def _mean(values: Array, weight: Array) -> float:
    return float(values @ weight / weight.sum()) if weight.sum() > 0 else float("nan")
