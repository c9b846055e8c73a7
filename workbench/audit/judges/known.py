"""Benchmarks with known answers: how often a judge is right in both orders, and by style."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.audit.judges.perturb import seed_of
from workbench.audit.judges.scores import scores_of
from workbench.audit.judges.statistics import RATE
from workbench.audit.judges.verdicts.observed_rows import DIFFERENCE, leans, of_reference
from workbench.audit.measures import COLUMNS, Measures
from workbench.clustered import Array, mean_difference, share
from workbench.data.dataset import PreferenceData
from workbench.data.formats.judged.rm_bench import STYLES
from workbench.decompose.decomposition import q_values
from workbench.errors import DesignError
from workbench.judges.base import Judge, text_pairs
from workbench.provenance import Provenance


@dataclass(frozen=True, eq=False)
class KnownAnswers(Measures):
    """How often a judge gives the answers of a benchmark."""

    heading: ClassVar[str] = "Known answers"
    about: ClassVar[str] = (
        "Right in both orders counts; a coin is right in both one time in four. Where a "
        "benchmark has styles: hard is where the wrong response looks more elaborate."
    )


def known_answers(
    data: PreferenceData,
    judge: Judge,
    reference: str | None = None,
    *,
    n: int = 200,
    level: float = 0.95,
    seed: int = 0,
) -> KnownAnswers:
    """Ask a judge about pairs whose better response is known, in both orders.

    Parameters
    ----------
    data : PreferenceData
    judge : Judge
    reference : str, optional
        Annotator or kind whose labels are the answers: ``objective`` where there are such
        labels, else ``human``.
    n : int
        Pairs, about: prompts are drawn whole.
    level : float
    seed : int
        Of the draw.

    Returns
    -------
    KnownAnswers
        Overall and by scenario the share of pairs with the right answer in both orders, and
        in one order (the mean of the two; a tie is half right). With ``style_a`` and
        ``style_b`` (RM-Bench) the accuracy in both orders where the right response is the
        plainer one (hard), as elaborate (normal), the more elaborate one (easy), and easy
        minus hard.

    Raises
    ------
    DesignError
        No pair has a known answer.

    Examples
    --------
    >>> import workbench as wb
    >>> known_answers(wb.load("sample"), wb.RuleJudge("longer"), n=20).to_frame()["term"][0]
    'right in both orders'
    """
    if reference is None:
        known = of_reference(data, "objective").any()
        reference = "objective" if known else "human"
    lean = leans(data, of_reference(data, reference))["lean"].set_axis(data.pairs["pair_id"])
    way = np.sign(lean - 0.5)
    answered = data.filter(pair_ids=way.index[way.notna() & (way != 0)])
    asked = _drawn(answered, n, seed, reference)
    right = way.loc[asked.pairs["pair_id"]].to_numpy()
    first = scores_of(judge.verdicts(asked), asked)[0]
    seen: NDArray[np.bool_] = np.asarray(np.isfinite(first).all(axis=1))
    score = np.where(right[:, None] > 0, first, 1 - first)[seen]
    pairs = text_pairs(asked)[seen]
    cluster = pd.factorize(pairs["cluster"])[0]
    rows = list(_rows(score, pairs.assign(_right=right[seen]), cluster, level))
    table = pd.DataFrame(rows).reindex(columns=list(COLUMNS))
    table["q_value"] = q_values(table["p_value"].to_numpy("float64"))
    settings = {
        "what": f"{judge.name}: known answers, {int((~seen).sum())} of {len(seen):,} pairs "
        "without a verdict in both orders",
        "level": level,
    }
    return KnownAnswers(table, settings, Provenance.capture(seed=seed, dataset=data.digest))


def _drawn(data: PreferenceData, n: int, seed: int, reference: str) -> PreferenceData:
    """Return whole prompts until there are n pairs."""
    if not len(data.pairs):
        raise DesignError(
            "No pair has a known answer.",
            found=f"no decided label of {reference!r}",
            expected="pairs whose better response is known",
            fix="Name the annotator, or the kind, whose labels are the answers.",
        )
    cluster = data.pairs["cluster"].astype("str")
    sizes = cluster.value_counts()
    order = sorted(sizes.index, key=lambda one: seed_of(seed, one))
    before = np.cumsum([0, *sizes.loc[order]])[:-1]
    kept = {one for one, start in zip(order, before, strict=True) if start < n}
    return data.filter(pair_ids=data.pairs.loc[cluster.isin(kept), "pair_id"])


def _rows(
    score: Array, pairs: pd.DataFrame, cluster: NDArray[np.int64], level: float
) -> Iterator[dict[str, Any]]:
    both = (score > 0.5).all(axis=1).astype(float)

    def row(term: str, value: Array, use: NDArray[np.bool_]) -> dict[str, Any]:
        if not use.any():
            return {"term": term, "estimate": np.nan, "n": 0.0, "method": RATE,
                    "reason": "no pair with a verdict in both orders"}  # fmt: skip
        return {"term": term, **share(value[use], cluster[use], level), "method": RATE}

    every = np.ones(len(both), dtype=bool)
    yield row("right in both orders", both, every)
    yield row("right in one order", score.mean(axis=1), every)
    scenario = pairs["scenario"]
    for name in sorted(scenario.dropna().unique()) if scenario.nunique() > 1 else []:
        yield row(f"right in both orders: {name}", both, scenario.eq(name).to_numpy(bool))
    if {"style_a", "style_b"} <= set(pairs):
        yield from _styles(both, pairs, cluster, level, row)


def _styles(
    both: Array, pairs: pd.DataFrame, cluster: NDArray[np.int64], level: float, row: Any
) -> Iterator[dict[str, Any]]:
    """Return RM-Bench's three accuracies and the style gap."""
    place = {name: k for k, name in enumerate(STYLES)}
    a, b = (pairs[f"style_{side}"].map(place).to_numpy("float64") for side in "ab")
    gap = pairs["_right"].to_numpy("float64") * (a - b)
    for name, sign in (("hard", -1), ("normal", 0), ("easy", 1)):
        yield row(f"{name}, right in both orders", both, np.sign(gap) == sign)
    means = [
        pd.Series(np.where(np.sign(gap) == sign, both, np.nan)).groupby(cluster).mean()
        for sign in (1, -1)
    ]
    difference = (means[0] - means[1]).dropna()
    if difference.empty:
        return
    found = mean_difference(difference.to_numpy(), np.arange(len(difference)), level)
    yield {"term": "easy minus hard", **found, "method": DIFFERENCE}
