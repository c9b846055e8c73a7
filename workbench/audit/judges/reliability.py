"""The judge as an instrument: cycles among three responses, and what its wording decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from workbench.audit.judges.perturb import seed_of
from workbench.audit.judges.plan import drawn
from workbench.audit.judges.scores import as_data, scores_of
from workbench.audit.judges.statistics import RATE, SHIFT, shift
from workbench.audit.judges.verdicts.observed_rows import leans, of_reference
from workbench.audit.measures import Measures
from workbench.clustered import share
from workbench.data.dataset import PreferenceData
from workbench.decompose.decomposition import q_values
from workbench.errors import DesignError, refuse_out_of_range
from workbench.judges.base import Judge
from workbench.provenance import Provenance
from workbench.results import TIDY

BY_CHANCE = 0.25
"""Share of three coin flips that form a cycle."""

COLUMNS = (*TIDY, "kappa", "n_clusters", "method", "reason")


@dataclass(frozen=True, eq=False)
class Instrument(Measures):
    """Cycles of a judge, or differences between wordings of it; with ``kappa``."""

    heading: ClassVar[str] = "The judge as an instrument"
    about: ClassVar[str] = (
        "A judge that measures a quality orders three responses; three coin flips form a circle "
        "one time in four. What it says should not hang on how it is asked."
    )


def transitivity(
    data: PreferenceData, judge: Judge, *, n: int = 100, level: float = 0.95, seed: int = 0
) -> Instrument:
    """Let a judge compare three responses to one prompt, and count circles.

    Parameters
    ----------
    data : PreferenceData
        With prompts that have three different responses or more.
    judge : Judge
    n : int
        Prompts, at most; one triple each.
    level : float
    seed : int

    Returns
    -------
    Instrument
        The share of decided triples that form a circle; three coin flips do one time in
        four. Triples with a tie are counted apart.

    Raises
    ------
    DesignError
        No prompt has three responses.

    Examples
    --------
    >>> import workbench as wb
    >>> pairs = pd.DataFrame({"prompt": "p", "response_a": ["x", "x"], "response_b": ["yy", "zzz"]})
    >>> labels = pd.DataFrame({"pair": [0], "annotator": "ann", "preference": [1.0]})
    >>> data = PreferenceData.from_tables(pairs, labels)
    >>> transitivity(data, wb.RuleJudge("longer")).to_frame()["estimate"].tolist()
    [0.0, 0.0]
    """
    refuse_out_of_range({"n": (n >= 1, n, "1 or more"), "level": (0 < level < 1, level, "0 to 1")})
    found_triples = triples(data, n, seed)
    rows = [
        {"prompt": prompt, "response_a": texts[i], "response_b": texts[j], "cluster": cluster}
        for prompt, cluster, texts in found_triples
        for i, j in ((0, 1), (1, 2), (0, 2))
    ]
    asked = as_data(pd.DataFrame(rows))
    said = scores_of(judge.verdicts(asked), asked)[0].mean(axis=1).reshape(-1, 3)
    ab, bc, ac = np.sign(said - 0.5).T
    cluster = pd.factorize(np.array([one[1] for one in found_triples]))[0]
    known = np.isfinite(said).all(axis=1)
    decided = known & (ab != 0) & (bc != 0) & (ac != 0)
    circle = (ab == bc) & (ab != ac)
    found = [
        {"term": "circles among decided triples",
         **_share(circle[decided].astype(float), cluster[decided], level)},
        {"term": "triples with a tie", **_share(1.0 - decided[known], cluster[known], level)},
    ]  # fmt: skip
    return _result(found, f"{judge.name}: triples of one prompt", level, data)


def compare_wordings(
    data: PreferenceData,
    judges: Mapping[str, Judge],
    reference: str = "human",
    *,
    n: int = 200,
    level: float = 0.95,
    seed: int = 0,
) -> Instrument:
    """Ask one judge in several wordings, and say what the wording decides.

    Parameters
    ----------
    data : PreferenceData
    judges : mapping of str to Judge
        By wording: templates, with and without reasons, other labels of the alternatives.
        The first one is what the others are held against.
    reference : str
        Annotator or kind; where it has labels, agreement with it is compared too.
    n : int
        Pairs.
    level : float
    seed : int

    Returns
    -------
    Instrument
        For every two wordings the share of pairs with another verdict, with Cohen's kappa;
        for every wording but the first, its agreement with the reference minus the first's.

    Raises
    ------
    DesignError
        Fewer than two wordings, or no pair.

    Examples
    --------
    >>> import workbench as wb
    >>> both = {"longer": wb.RuleJudge("longer"), "first": wb.RuleJudge("first")}
    >>> compare_wordings(wb.load("sample"), both, n=50).to_frame()["term"].tolist()[0]
    'longer and first differ'
    """
    if len(judges) < 2:
        raise DesignError(
            "There is nothing to compare.",
            found=f"{len(judges)} wordings",
            expected="at least two",
            fix="Give other templates of the judge.",
        )
    pairs = drawn(data, n, seed)
    asked = as_data(pairs)
    said = {
        name: np.sign(scores_of(one.verdicts(asked), asked)[0].mean(axis=1) - 0.5)
        for name, one in judges.items()
    }
    cluster = pd.factorize(pairs["cluster"])[0]
    rows = []
    for one, other in combinations(said, 2):
        both = np.isfinite(said[one]) & np.isfinite(said[other])
        x, y = said[one][both], said[other][both]
        row = _share((x != y).astype(float), cluster[both], level)
        rows.append({"term": f"{one} and {other} differ", **row, "kappa": _kappa(x, y)})
    rows += _agreement(data, pairs, said, cluster, reference, level)
    return _result(rows, "Wordings of a judge", level, data)


def _agreement(
    data: PreferenceData, pairs: pd.DataFrame, said: dict[str, Any], cluster: Any,
    reference: str, level: float,
) -> list[dict[str, Any]]:  # fmt: skip
    lean = leans(data, of_reference(data, reference))["lean"].set_axis(data.pairs["pair_id"])
    way = np.sign(lean.loc[pairs["pair_id"]].to_numpy() - 0.5)
    first, *others = said
    rows = []
    for name in others:
        use = np.isfinite(way) & (way != 0) & np.isfinite(said[name]) & np.isfinite(said[first])
        if use.any():
            gain = (said[name] == way).astype(float) - (said[first] == way).astype(float)
            found = shift(gain[use], cluster[use], level)
            term = f"agreement with {reference}: {name} minus {first}"
            rows.append({"term": term, **found, "method": SHIFT})
    return rows


def triples(data: PreferenceData, n: int, seed: int) -> list[tuple[str, str, list[str]]]:
    """Return prompt, cluster and three different responses of n prompts, at most.

    Parameters
    ----------
    data : PreferenceData
    n : int
    seed : int
        Of the draw of prompts and of responses.

    Raises
    ------
    DesignError
        No prompt has three responses.
    """
    pairs = data.pairs.dropna(subset=["prompt", "response_a", "response_b"])
    found = []
    for (prompt, cluster), part in pairs.groupby(["prompt", "cluster"], sort=True):
        texts = sorted({*part["response_a"], *part["response_b"]})
        if len(texts) >= 3:
            texts.sort(key=lambda text: seed_of(seed, text))
            found.append((str(prompt), str(cluster), texts[:3]))
    if not found:
        raise DesignError(
            "No prompt has three responses.",
            found=f"{pairs['prompt'].nunique():,} prompts",
            expected="prompts with at least three different responses",
            fix="Load data in which models answer the same prompts.",
        )
    return sorted(found, key=lambda one: seed_of(seed, one[0]))[:n]


def _share(values: Any, cluster: Any, level: float) -> dict[str, Any]:
    if not len(values):
        return {"estimate": np.nan, "n": 0.0, "reason": "none could be compared", "method": RATE}
    return {**share(np.asarray(values, float), cluster, level), "method": RATE}


def _kappa(x: Any, y: Any) -> float:
    """Return Cohen's kappa of two series of verdicts; NaN where chance agrees always."""
    if not len(x):
        return float("nan")
    chance = sum(float((x == v).mean() * (y == v).mean()) for v in (-1.0, 0.0, 1.0))
    return float(((x == y).mean() - chance) / (1 - chance)) if chance < 1 else float("nan")


def _result(
    rows: list[dict[str, Any]], what: str, level: float, data: PreferenceData
) -> Instrument:
    table = pd.DataFrame(rows).reindex(columns=list(COLUMNS))
    table["q_value"] = q_values(table["p_value"].to_numpy("float64"))
    return Instrument(
        table, {"what": what, "level": level}, Provenance.capture(dataset=data.digest)
    )
