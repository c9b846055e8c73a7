"""Benchmarks with known answers: how often a judge is right in both orders, and by style."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.audit.judges.item_sampling import sample_prompts
from workbench.audit.judges.scores import scores_of
from workbench.audit.judges.verdicts.preferences import reference_preference
from workbench.audit.measures import Measures, difference_row, share_row
from workbench.clustered import Array, Codes
from workbench.data.dataset import PreferenceData
from workbench.data.formats.judged.rm_bench import STYLES
from workbench.errors import DesignError
from workbench.judges.base import Judge, text_pairs

_EMPTY = "no pair with a verdict in both orders"


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
        known = data.labels["kind"].eq("objective").any()
        reference = "objective" if known else "human"
    preferred = np.sign(reference_preference(data, reference) - 0.5)
    answered = data.filter(pair_ids=preferred.index[preferred.notna() & (preferred != 0)])
    if not len(answered.pairs):
        raise DesignError(
            "No pair has a known answer.",
            found=f"no decided label of {reference!r}",
            expected="pairs whose better response is known",
            fix="Name the annotator, or the kind, whose labels are the answers.",
        )
    asked = sample_prompts(answered, n, seed)
    right = preferred.loc[asked.pairs["pair_id"]].to_numpy()
    scores = scores_of(judge.verdicts(asked), asked)[0]
    seen: NDArray[np.bool_] = np.asarray(np.isfinite(scores).all(axis=1))
    correct = np.where(right[:, None] > 0, scores, 1 - scores)[seen]
    pairs = text_pairs(asked)[seen]
    cluster = pd.factorize(pairs["cluster"])[0]
    rows = _rows(correct, pairs.assign(_right=right[seen]), cluster, level)
    settings = {
        "what": f"{judge.name}: known answers, {int((~seen).sum())} of {len(seen):,} pairs "
        "without a verdict in both orders",
        "level": level,
    }
    return KnownAnswers.from_rows(rows, settings, dataset=data.digest, seed=seed)


def _rows(
    score: Array, pairs: pd.DataFrame, cluster: Codes, level: float
) -> Iterator[dict[str, Any]]:
    both = (score > 0.5).all(axis=1).astype(float)

    yield share_row("right in both orders", both, cluster, level, _EMPTY)
    yield share_row("right in one order", score.mean(axis=1), cluster, level, _EMPTY)
    scenario = pairs["scenario"]
    for name in sorted(scenario.dropna().unique()) if scenario.nunique() > 1 else []:
        own = scenario.eq(name).to_numpy(bool)
        term = f"right in both orders: {name}"
        yield share_row(term, both[own], cluster[own], level, _EMPTY)
    if {"style_a", "style_b"} <= set(pairs):
        yield from _styles(both, pairs, cluster, level)


def _styles(
    both: Array, pairs: pd.DataFrame, cluster: Codes, level: float
) -> Iterator[dict[str, Any]]:
    """Yield RM-Bench's three accuracies and the style gap."""
    rank = {name: k for k, name in enumerate(STYLES)}
    a, b = (pairs[f"style_{side}"].map(rank).to_numpy("float64") for side in "ab")
    elaborate = np.sign(pairs["_right"].to_numpy("float64") * (a - b))
    for name, sign in (("hard", -1), ("normal", 0), ("easy", 1)):
        own = elaborate == sign
        term = f"{name}, right in both orders"
        yield share_row(term, both[own], cluster[own], level, _EMPTY)
    means = [
        pd.Series(np.where(elaborate == sign, both, np.nan)).groupby(cluster).mean()
        for sign in (1, -1)
    ]
    gap = (means[0] - means[1]).dropna()
    if len(gap):
        yield difference_row("easy minus hard", gap.to_numpy(), np.arange(len(gap)), level)
