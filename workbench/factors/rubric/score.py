"""The verb that lets a model score factors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError, refuse_out_of_range
from workbench.factors.rubric.ask import How, Scores, score_alone, score_pairs
from workbench.factors.rubric.definition import RUBRICS, Rubric, RubricFactor, find_rubric
from workbench.factors.rubric.quality import combined, given_rows, order_rows, repeat_rows
from workbench.factors.rubric.result import RubricScores, quality_frame
from workbench.factors.score import with_coded
from workbench.json_values import json_ready
from workbench.llm.asker import Asks
from workbench.llm.progress import spending_frame
from workbench.llm.request import Sampling
from workbench.provenance import Provenance

_LONGEST = 500


def score_rubric(
    data: PreferenceData,
    rubric: Rubric | str,
    asks: Asks,
    *,
    model: str,
    sampling: Sampling | None = None,
    orders: Literal["both", "ab", "ba"] = "both",
    repeats: int = 1,
    factors_per_call: int = 10,
    pairwise: bool = True,
    level: float = 0.95,
) -> RubricScores:
    """Let a model score factors of both responses.

    Parameters
    ----------
    data : PreferenceData
        With text.
    rubric : Rubric or str
        Built in (:data:`workbench.factors.rubric.definition.RUBRICS`), or read from a file.
    asks : Asks
        Who answers the requests.
    model : str
    sampling : Sampling, optional
    orders : {"both", "ab", "ba"}
        In which orders two responses stand in a prompt. Where both orders do not agree on
        which response has more, the pair counts as no difference on that factor.
    repeats : int
        Replies to each question; their mean counts, and their agreement is reported.
    factors_per_call : int
        Factors in one question.
    pairwise : bool
        Both responses in one prompt; False: each response alone, once for all its pairs.
    level : float
        Confidence level of the intervals.

    Returns
    -------
    RubricScores
        Its ``data`` hold the factors beside those that were there.

    Raises
    ------
    DesignError
        No text, an option out of range, or a factor that compares without pairs.

    Notes
    -----
    A reply that cannot be read, or is not there yet, is no score: the factor is NaN on that
    pair, which is counted.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> few = data.filter(pair_ids=data.pairs["pair_id"][:4])
    >>> with tempfile.TemporaryDirectory() as folder, wb.Journal(Path(folder) / "j") as journal:
    ...     with wb.Asker(wb.OfflineModel(), journal) as asker:
    ...         found = score_rubric(few, "values", asker, model="offline:plain")
    >>> found.data.factor_names[:2], int(found.data.factors["honesty"].notna().sum())
    (['honesty', 'care'], 4)
    """
    rubric = find_rubric(rubric) if isinstance(rubric, str) else rubric
    how = How(model, sampling or Sampling(), repeats, factors_per_call)
    shown = ("ab", "ba") if orders == "both" else (orders,)
    _check(data, rubric, how, orders, pairwise, level)
    cluster = pd.factorize(data.pairs["cluster"])[0]
    if rubric == RUBRICS["dissection"]:
        from workbench.factors.rubric.dissection import score_dissection

        scored, parts = score_dissection(data, rubric, shown, asks, how, pairwise)
    else:
        parts = [(list(rubric.factors), _scores(data, rubric.factors, shown, asks, how, pairwise))]
        values = combined(parts[0][1].values)[0]
        specs = [factor.spec(model) for factor in rubric.factors]
        scored = with_coded(data, specs, values[:, :, 0], values[:, :, 1])
    rows: list[dict[str, Any]] = []
    for factors, scores in parts:
        rows += _quality(data, factors, scores, cluster, level)
    spent = [
        json_ready(one.to_dict()) for one in asks.spending() if one.stage.startswith(how.stage)
    ]
    names = [factor.name for factor in rubric.factors]
    return RubricScores(
        data=scored,
        quality=quality_frame(sorted(rows, key=lambda row: _MEASURES.index(row["group"]))),
        coverage=_coverage(scored, names, [scores for _, scores in parts]),
        failures=_failures([scores for _, scores in parts]),
        spending=spending_frame(spent),
        settings={
            "rubric": rubric.to_dict(),
            "model": model,
            "base_url": asks.base_url,
            "sampling": how.sampling.body(),
            "orders": list(shown) if pairwise else [],
            "repeats": repeats,
            "factors_per_call": factors_per_call,
            "pairwise": pairwise,
            "level": level,
            "spending": spent,
        },
        provenance=Provenance.capture(dataset=data.digest),
    )


_MEASURES = (
    "order-inconsistent", "repeat agreement", "repeat kappa", "kappa with given ratings",
    "same direction as given ratings",
)  # fmt: skip


def _check(
    data: PreferenceData, rubric: Rubric, how: How, orders: str, pairwise: bool, level: float
) -> None:
    compares = [factor.name for factor in rubric.factors if factor.compare]
    refuse_out_of_range(
        {
            "orders": (orders in ("both", "ab", "ba"), orders, '"both", "ab" or "ba"'),
            "repeats": (how.repeats >= 1, how.repeats, "1 or more"),
            "factors_per_call": (how.factors_per_call >= 1, how.factors_per_call, "1 or more"),
            "level": (0 < level < 1, level, "a number between 0 and 1"),
            "pairwise": (pairwise or not compares, pairwise, f"True: {compares} compare two"),
        }
    )
    lacking = data.pairs[["response_a", "response_b"]].isna().any(axis=1)
    if lacking.any() or not len(data):
        raise DesignError(
            "There is no text to score.",
            found=f"{int(lacking.sum()):,} of {len(data):,} pairs lack a response",
            expected="pairs with both responses",
            fix="Load data with texts, or leave those pairs out with filter(pair_ids=...).",
        )


def _scores(
    data: PreferenceData,
    factors: Sequence[RubricFactor],
    orders: Sequence[str],
    asks: Asks,
    how: How,
    pairwise: bool,
) -> Scores:
    if pairwise:
        return score_pairs(data.pairs, factors, orders, asks, how)
    return score_alone(data.pairs, factors, asks, how)


def _quality(
    data: PreferenceData,
    factors: Sequence[RubricFactor],
    scores: Scores,
    cluster: np.ndarray[Any, Any],
    level: float,
) -> list[dict[str, Any]]:
    names = [factor.name for factor in factors]
    means, inconsistent, compared = combined(scores.values)
    rows = [*repeat_rows(names, scores.values, cluster, level)]
    if scores.values.shape[3] > 1:
        rows += order_rows(names, inconsistent, compared, cluster, level)
    return [*rows, *given_rows(data, names, means, cluster, level)]


def _coverage(data: PreferenceData, names: list[str], parts: list[Scores]) -> pd.DataFrame:
    failed: dict[str, int] = {}
    for scores in parts:
        for factors, _, _ in scores.failures:
            for name in factors:
                failed[name] = failed.get(name, 0) + 1
    rows = [
        {
            "factor": name,
            "pairs": len(data),
            "scored": int(data.factors[name].notna().sum()) if name in data.factors else 0,
            "failed_replies": failed.get(name, 0),
        }
        for name in names
    ]
    return pd.DataFrame(rows)


def _failures(parts: list[Scores]) -> pd.DataFrame:
    found: dict[str, dict[str, Any]] = {}
    for scores in parts:
        for _, pair, reply in scores.failures:
            reason = str(reply.reason).partition(":")[0]
            row = found.setdefault(
                reason,
                {"reason": reason, "count": 0, "pair_id": pair, "raw": reply.text[:_LONGEST]},
            )
            row["count"] += 1
    return pd.DataFrame(
        [found[reason] for reason in sorted(found)], columns=["reason", "count", "pair_id", "raw"]
    )
