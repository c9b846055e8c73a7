"""Benchmarks' own aggregation of scores or verdicts, with ties and intervals told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from workbench.audit.measures import COLUMNS, Measures
from workbench.clustered import Array, share
from workbench.errors import DataError, refuse_out_of_range
from workbench.intervals import MID_P, NO_VARIATION
from workbench.provenance import Provenance

_BOOTSTRAP = "share by the benchmark's rules, percentile bootstrap of items within subsets"
_SHARE = f"share, {MID_P}"
_STRATA = ("subset", "domain", "source")

MATH_PRM_COUNT = 984
"""What RewardBench weighs its subset math-prm with; 447 items are in it."""


@dataclass(frozen=True, eq=False)
class BenchmarkScores(Measures):
    """Scores of a benchmark by its own rules, with intervals and the mass of ties."""

    heading: ClassVar[str] = "Benchmark, by its own rules"
    about: ClassVar[str] = (
        "The benchmark's own aggregation. Intervals are of items drawn again, whole prompts where "
        "several items share one; ties count as the benchmark counts them, and their mass is told."
    )


def benchmark_scores(
    aggregate: Callable[[pd.DataFrame], Mapping[str, Any]],
    items: pd.DataFrame,
    *,
    cluster: str | None = None,
    level: float = 0.95,
    replicates: int = 500,
    seed: int = 0,
) -> BenchmarkScores:
    """Return a benchmark's scores with intervals.

    Parameters
    ----------
    aggregate : callable
        One of this module, such as :func:`judgebench`; of RewardBench with its sections
        given: ``lambda items: rewardbench(items, sections)``.
    items : DataFrame
        What it takes.
    cluster : str, optional
        Column of the prompt, where several items share one.
    level : float
    replicates : int
    seed : int

    Returns
    -------
    BenchmarkScores
        One row a score, nested ones as ``chat: hard``; and the share of tied items.

    Notes
    -----
    Percentile bootstrap within the strata that the columns ``subset``, ``domain`` and
    ``source`` make, so that a replicate has as many items of each as the benchmark.

    Examples
    --------
    >>> items = pd.DataFrame({"source": "livebench-math", "net": [1, 1, 0, -2]})
    >>> found = benchmark_scores(judgebench, items).to_frame()
    >>> found[["term", "estimate"]].values.tolist()
    [['math', 0.5], ['overall', 0.5], ['tied items', 0.25]]
    """
    refuse_out_of_range({"replicates": (replicates >= 20, replicates, "at least 20")})
    own = _flat(aggregate(items))
    units = _units(items, cluster)
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(replicates):
        rows = [
            one for some in units for k in rng.integers(0, len(some), len(some)) for one in some[k]
        ]
        drawn.append(_flat(aggregate(items.iloc[rows])))
    table = pd.DataFrame(drawn)[list(own)].to_numpy("float64")
    # a score that no draw can tell has no quantile
    told = np.where(np.isfinite(table).any(axis=0), table, 0.0)
    ends = np.nanquantile(told, [0.5 - level / 2, 0.5 + level / 2], axis=0)
    counts = {"n": float(len(items)), "n_clusters": float(sum(map(len, units)))}
    rows_of = [
        {"term": name, "estimate": value, **_ends(told[:, k], value, ends[:, k]),
         "method": _BOOTSTRAP, **counts}
        for k, (name, value) in enumerate(own.items())
    ]  # fmt: skip
    tie = _ties(items)
    if tie is not None:
        code = pd.factorize(items[cluster])[0] if cluster else np.arange(len(items))
        row = share(tie.astype(float), code, level)
        rows_of.append({"term": "tied items", **row, "method": _SHARE})
    frame = pd.DataFrame(rows_of).reindex(columns=list(COLUMNS))
    settings = {"what": "Scores by the benchmark's own rules", "level": level}
    return BenchmarkScores(frame, settings, Provenance.capture(seed=seed))


def _ends(drawn: Array, value: float, ends: Array) -> dict[str, Any]:
    """Return error and interval; none where every draw gives the same score."""
    if not np.ptp(drawn[np.isfinite(drawn)]) > 1e-12:
        return {"std_error": np.nan, "conf_low": np.nan, "conf_high": np.nan,
                "reason": NO_VARIATION}  # fmt: skip
    return {"std_error": float(np.nanstd(drawn, ddof=1)), "conf_low": min(ends[0], value),
            "conf_high": max(ends[1], value), "reason": None}  # fmt: skip


def _flat(scores: Mapping[str, Any]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, value in scores.items():
        if isinstance(value, Mapping):
            found |= {f"{name}: {part}": float(x) for part, x in value.items()}
        else:
            found[str(name)] = float(value)
    return found


def _units(items: pd.DataFrame, cluster: str | None) -> list[list[list[int]]]:
    """Return the rows of every unit, by stratum."""
    place = pd.Series(np.arange(len(items)))
    names = [name for name in _STRATA if name in items]
    keys = items[names].astype("str").agg("|".join, axis=1).to_numpy() if names else None
    strata = [part for _, part in place.groupby(keys)] if keys is not None else [place]
    if cluster is None:
        return [[[int(k)] for k in part] for part in strata]
    unit = items[cluster].to_numpy()
    return [[rows.tolist() for _, rows in part.groupby(unit[part.to_numpy()])] for part in strata]


def _ties(items: pd.DataFrame) -> Any:
    """Return which items are tied; None where an item is no single comparison."""
    if "net" in items:
        return items["net"].to_numpy() == 0
    if "chosen" in items and pd.api.types.is_numeric_dtype(items["chosen"]):
        return items["chosen"].to_numpy() == items["rejected"].to_numpy()
    return None


def tie_accuracies(margin: Array, cluster: Array, level: float = 0.95) -> pd.DataFrame:
    """Return the accuracy under ties = 0, one half, and left out, and the mass of ties.

    Parameters
    ----------
    margin : ndarray, shape (n,)
        Score of the right response minus that of the wrong one.
    cluster : ndarray of int, shape (n,)
    level : float

    Examples
    --------
    >>> found = tie_accuracies(np.array([1.0, 0.0, -1.0, 2.0]), np.arange(4))
    >>> found["estimate"].round(3).tolist()
    [0.5, 0.625, 0.667, 0.25]
    """
    tie, right = margin == 0, (margin > 0).astype(float)
    rows = {
        "ties wrong": (right, np.ones(len(margin), bool)),
        "ties half": (np.where(tie, 0.5, right), np.ones(len(margin), bool)),
        "ties left out": (right, ~tie),
        "tie mass": (tie.astype(float), np.ones(len(margin), bool)),
    }
    return pd.DataFrame(
        [{"term": name, **share(v[use], cluster[use], level)} for name, (v, use) in rows.items()]
    )


def judgebench(items: pd.DataFrame) -> dict[str, float]:
    """Return JudgeBench's accuracies by category and overall.

    Parameters
    ----------
    items : DataFrame
        One row a pair: ``source``, ``net``: verdicts for the right response minus for the
        wrong one, over both orders (a reward model: the sign of its margin, once).

    Notes
    -----
    Official: right where net > 0, so a tie is not right; overall is the mean over items.
    """
    _need(items, "source", "net")
    right = (items["net"] > 0).astype(float)
    kind = items["source"].map(_judgebench_kind)
    found = {str(name): float(part.mean()) for name, part in right.groupby(kind)}
    return {**found, "overall": float(right.mean())}


def rewardbench(items: pd.DataFrame, sections: dict[str, list[str]]) -> dict[str, float]:
    """Return RewardBench's section scores and their mean.

    Parameters
    ----------
    items : DataFrame
        ``subset``, ``chosen``, ``rejected``: scores. Ties are wrong.
    sections : dict of str to list of str
        Subsets of each section.

    Notes
    -----
    A section is the mean of its subsets' accuracies weighted by their size, but math-prm by
    984; the score is the plain mean of the sections.

    Examples
    --------
    >>> items = pd.DataFrame({"subset": ["a", "a", "b"], "chosen": [1.0, 0, 1], "rejected": 0.0})
    >>> rewardbench(items, {"one": ["a"], "two": ["b"]})
    {'one': 0.5, 'two': 1.0, 'score': 0.75}
    """
    _need(items, "subset", "chosen", "rejected")
    right = (items["chosen"] > items["rejected"]).astype(float)
    by = right.groupby(items["subset"]).agg(["mean", "size"])
    by.loc[by.index == "math-prm", "size"] = MATH_PRM_COUNT
    found = {}
    for name, subsets in sections.items():
        own = by.loc[[one for one in subsets if one in by.index]]
        found[name] = float((own["mean"] * own["size"]).sum() / own["size"].sum())
    return {**found, "score": float(np.mean(list(found.values())))}


def rewardbench2(items: pd.DataFrame) -> dict[str, float]:
    """Return RewardBench 2's accuracies by domain and their mean.

    Parameters
    ----------
    items : DataFrame
        ``domain``, ``scores`` (a list, the right one first). The subset Ties is scored by
        :func:`rewardbench2_ties`.

    Notes
    -----
    Best of all; where the right one shares the highest score with k - 1 others: 1 / k.

    Examples
    --------
    >>> rewardbench2(pd.DataFrame({"domain": ["x", "x"], "scores": [[2.0, 1, 0], [1.0, 1, 0]]}))
    {'x': 0.75, 'score': 0.75}
    """
    _need(items, "domain", "scores")

    def one(scores: list[float]) -> float:
        top = max(scores)
        return 1.0 / sum(s == top for s in scores) if scores[0] == top else 0.0

    right = items["scores"].map(one)
    found = {str(name): float(part.mean()) for name, part in right.groupby(items["domain"])}
    return {**found, "score": float(np.mean(list(found.values())))}


def rewardbench2_ties(tied: list[tuple[Array, Array]], single: list[tuple[Array, Array]]) -> float:
    """Return the score of RewardBench 2's subset Ties.

    Parameters
    ----------
    tied : list of (right, wrong) scores
        Prompts with several right answers.
    single : list of (right, wrong) scores
        The same prompts with one right answer, in the same order.

    Notes
    -----
    0.30 accuracy of the tied + 0.30 of the single + 0.20 of gap_tied > spread + 0.20 of
    min(gap_single, gap_tied) > spread + 0.01 of the mean of tanh(min(gap) / spread - 1);
    gap: worst right minus best wrong; spread: best minus worst right.

    Examples
    --------
    >>> one = (np.array([5.0, 4.9]), np.array([1.0]))
    >>> round(rewardbench2_ties([one], [(np.array([5.0]), np.array([1.0]))]), 2)
    1.01
    """
    if len(tied) != len(single) or not tied:
        raise DataError(
            "The two forms of the prompts do not match.",
            found=f"{len(tied)} with several right answers, {len(single)} with one",
            expected="as many of both, in the same order",
            fix="Pair them by prompt.",
        )
    gap = np.array([right.min() - wrong.max() for right, wrong in tied])
    other = np.array([right.min() - wrong.max() for right, wrong in single])
    spread = np.array([right.max() - right.min() for right, _ in tied])
    least = np.minimum(gap, other)
    with np.errstate(divide="ignore", invalid="ignore"):
        close = np.tanh(np.nan_to_num(least / spread - 1, posinf=1e9, neginf=-1e9))
    return float(
        0.3 * (gap > 0).mean() + 0.3 * (other > 0).mean() + 0.2 * (gap > spread).mean()
        + 0.2 * (least > spread).mean() + 0.01 * close.mean()
    )  # fmt: skip


def rag_rewardbench(items: pd.DataFrame) -> dict[str, float]:
    """Return RAG-RewardBench's accuracy by subset and overall.

    Parameters
    ----------
    items : DataFrame
        ``subset``, ``chosen``, ``rejected``: scores. Ties are wrong.

    Notes
    -----
    Overall is the mean over pairs, not over subsets.

    Examples
    --------
    >>> items = pd.DataFrame({"subset": ["a", "a", "b"], "chosen": [1.0, 0, 1], "rejected": 0.0})
    >>> rag_rewardbench(items)["overall"]
    0.6666666666666666
    """
    _need(items, "subset", "chosen", "rejected")
    right = (items["chosen"] > items["rejected"]).astype(float)
    found = {str(name): float(part.mean()) for name, part in right.groupby(items["subset"])}
    return {**found, "overall": float(right.mean())}


def rm_bench(items: pd.DataFrame) -> dict[str, Any]:
    """Return RM-Bench's easy, normal and hard accuracies by domain, and their mean.

    Parameters
    ----------
    items : DataFrame
        ``domain``, ``chosen`` and ``rejected``: each a list of three scores, by style from
        plain to marked up.

    Notes
    -----
    The 3 x 3 matrix of chosen styles (rows) against rejected ones, strictly higher: hard is
    the mean above the diagonal (the chosen one is plainer), normal the diagonal, easy below.
    A domain is the mean of the three, the total that of the domains; the style gap is easy
    minus hard.

    Examples
    --------
    >>> rows = {"domain": ["chat"], "chosen": [[1.0, 2, 3]], "rejected": [[0.0, 1.5, 2.5]]}
    >>> found = rm_bench(pd.DataFrame(rows))
    >>> found["chat"]["easy"], found["chat"]["hard"]
    (1.0, 0.0)
    """
    _need(items, "domain", "chosen", "rejected")
    chosen, rejected = (np.stack(items[name].map(np.asarray)) for name in ("chosen", "rejected"))
    wins = (chosen[:, :, None] > rejected[:, None, :]).astype(float)
    up, down = np.triu_indices(3, 1), np.tril_indices(3, -1)
    found: dict[str, Any] = {}
    for name, rows in items.groupby("domain").indices.items():
        matrix = wins[rows].mean(axis=0)
        parts = {"easy": float(matrix[down].mean()), "normal": float(np.diag(matrix).mean()),
                 "hard": float(matrix[up].mean())}  # fmt: skip
        found[str(name)] = {**parts, "score": float(np.mean(list(parts.values()))),
                            "style_gap": parts["easy"] - parts["hard"]}  # fmt: skip
    return {**found, "score": float(np.mean([one["score"] for one in found.values()]))}


def _judgebench_kind(source: str) -> str:
    if source.startswith("mmlu-pro"):
        return "knowledge"
    return {"livebench-reasoning": "reasoning", "livebench-math": "math",
            "livecodebench": "coding"}.get(source, source)  # fmt: skip


def _need(items: pd.DataFrame, *names: str) -> None:
    missing = [name for name in names if name not in items]
    if missing or not len(items):
        raise DataError(
            "The scores of the benchmark cannot be added up.",
            found=", ".join(map(str, items.columns)) if missing else "no row",
            expected="columns " + ", ".join(names),
            fix="Rename the columns, or read the benchmark's own files.",
        )
