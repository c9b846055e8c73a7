"""Self- and family preference, drift between versions of a judge, gameability of a metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from workbench.audit.judges.verdicts.observed_rows import forms
from workbench.audit.judges.verdicts.preferences import annotator_preference, reference_preference
from workbench.audit.measures import Measures, difference_row
from workbench.clustered import Array, share
from workbench.data.columns import possessive
from workbench.data.dataset import PreferenceData
from workbench.decompose.decomposition import decompose
from workbench.errors import DesignError, refuse_out_of_range
from workbench.judges.both_orders import mean_by_side
from workbench.threads import on_one_thread

_LOGIT = "logit with the longer response and the {} share, cluster-robust"


@dataclass(frozen=True, eq=False)
class Relations(Measures):
    """Measures of a judge that are held against a reference or another version of it."""

    heading: ClassVar[str] = "Judge beside the reference and its other versions"
    about: ClassVar[str] = (
        "Differences on the same pairs. A judge that prefers its own family more than the "
        "reference does may also be right where that is not: an excess is a reason to look."
    )


@on_one_thread
def family_preference(
    data: PreferenceData,
    judge: str,
    own: Sequence[str],
    reference: str = "human",
    *,
    level: float = 0.95,
) -> Relations:
    """Measure how much more a judge prefers its own family's responses than the reference does.

    Parameters
    ----------
    data : PreferenceData
        With ``model_a`` and ``model_b``.
    judge : str
    own : sequence of str
        Models of its family: itself, or the same maker's.
    reference : str
        An annotator or a kind.
    level : float

    Returns
    -------
    Relations
        The judge's and the reference's preference for its own on the same pairs, the
        excess, and the weight of "own" adjusted for length and the reference's share. Terms
        name the reference by its kind: people, gold labels, ...

    Raises
    ------
    DesignError
        No pair with a response of exactly one side of the family that both labelled.

    Notes
    -----
    After Wataoka et al. (2024), who condition on the label of people; the weight is the log
    odds of the own response at the same length and share of the reference.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> own = [data.pairs["model_a"].iloc[0]]
    >>> family_preference(data, "sim-judge-length", own).to_frame()["term"].tolist()[2]
    'excess over the people'
    """
    data = data.decided()
    mine = annotator_preference(data, judge).to_numpy()
    people = reference_preference(data, reference).to_numpy()
    a, b = (data.pairs[f"model_{side}"].isin(list(own)).to_numpy(dtype=bool) for side in "ab")
    use = (a ^ b) & np.isfinite(mine) & np.isfinite(people)
    if not use.any():
        raise DesignError(
            "The preference for its own cannot be measured.",
            found=f"{int((a ^ b).sum()):,} pairs with one response by {', '.join(own)[:80]}; none "
            f"that {judge} and {reference} both labelled",
            expected="pairs of an own and another model's response with labels of both",
            fix="Check own=, the judge and the reference.",
        )
    cluster = pd.factorize(data.pairs["cluster"])[0][use]
    side = np.where(a, 1.0, -1.0)
    by_judge, by_people = (np.where(a, v, 1 - v)[use] for v in (mine, people))
    noun = data.noun(reference)
    rows = [
        {"term": "preference for its own", **share(by_judge, cluster, level), "method": "share"},
        {"term": f"the {possessive(noun)} on the same pairs", **share(by_people, cluster, level),
         "method": "share"},
        difference_row(f"excess over the {noun}", by_judge - by_people, cluster, level),
    ]  # fmt: skip
    weight = _weight(data, judge, np.where(a ^ b, side, 0.0), people, use, level)
    rows.append({**weight, "method": _LOGIT.format(possessive(noun))})
    settings = {"what": f"Preference of {judge} for its own", "level": level}
    return Relations.from_rows(rows, settings, dataset=data.digest)


@on_one_thread
def drift(
    data: PreferenceData, old: str, new: str, reference: str = "human", *, level: float = 0.95
) -> Relations:
    """Compare two versions of a judge on the pairs that both labelled.

    Parameters
    ----------
    data : PreferenceData
    old, new : str
        Annotators.
    reference : str
    level : float

    Returns
    -------
    Relations
        Verdicts that changed sides; the change in preference for A, for the longer
        response, and in agreement with the reference.

    Raises
    ------
    DesignError
        No pair that both labelled.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> drift(data, "sim-judge-plain", "sim-judge-length").to_frame()["term"].iloc[0]
    'verdicts that differ'
    """
    data = data.decided()
    before, after = (annotator_preference(data, one).to_numpy() for one in (old, new))
    single = data.labels["preference"][data.labels["annotator"].isin([old, new])]
    both = np.isfinite(before) & np.isfinite(after)
    if not both.any():
        raise DesignError(
            "The two versions have no pair in common.",
            found=f"{old} and {new}",
            expected="pairs that both labelled",
            fix="Let both label an anchor set.",
        )
    cluster = pd.factorize(data.pairs["cluster"])[0]
    differ = (np.sign(before - 0.5) != np.sign(after - 0.5)).astype(float)
    rows: list[dict[str, Any]] = [
        {"term": "verdicts that differ", **share(differ[both], cluster[both], level),
         "method": mean_by_side("share", np.concatenate([before[both], after[both]]), single)}
    ]  # fmt: skip
    longer = forms(data).get("longer")
    if longer is not None:
        use = both & (longer != 0)
        moved = (after - before) * longer
        rows.append(difference_row("preference for the longer", moved[use], cluster[use], level))
    people = reference_preference(data, reference).to_numpy()
    use = both & np.isfinite(people) & (people != 0.5)
    if use.any():
        right = [np.sign(one - 0.5) == np.sign(people - 0.5) for one in (before, after)]
        closer = right[1].astype(float) - right[0]
        row = difference_row("agreement with the reference", closer[use], cluster[use], level)
        means = np.concatenate([one[use] for one in (before, after, people)])
        rows.append({**row, "method": mean_by_side(row["method"], means, single)})
    settings = {"what": f"{new} minus {old}", "level": level}
    return Relations.from_rows(rows, settings, dataset=data.digest)


def gameability(metric: pd.DataFrame, other: Array | None = None) -> pd.DataFrame:
    """Return how far a metric moves when models are told to be verbose or concise.

    Parameters
    ----------
    metric : DataFrame
        One row a model, a column of the metric for every way it was told to write; the
        first column is the default.
    other : ndarray, optional
        Values of a reference metric and of this one for all models, shape (models, 2): the
        movement is then in units of the reference's spread.

    Returns
    -------
    DataFrame
        ``term`` (the other column), ``estimate`` (mean over models of standard deviation /
        mean), ``n`` models, ``method``.

    Notes
    -----
    AlpacaEval's: per model the sample standard deviation over {default, variant}, divided
    by their mean; normalised by SD(reference) / SD(metric).

    Examples
    --------
    >>> gameability(pd.DataFrame({"default": [10.0], "verbose": [30.0]}))["estimate"].round(3)[0]
    np.float64(0.707)
    """
    refuse_out_of_range(
        {"metric": (metric.shape[1] >= 2, f"{metric.shape[1]} columns", "a default and variants")}
    )
    scale = 1.0
    if other is not None:
        scale = float(other[:, 0].std(ddof=1) / other[:, 1].std(ddof=1))
    rows = []
    for name in metric.columns[1:]:
        both = metric[[metric.columns[0], name]].to_numpy("float64")
        moved = both.std(axis=1, ddof=1) / both.mean(axis=1)
        rows.append({"term": name, "estimate": scale * float(moved.mean()), "n": len(moved),
                     "method": "mean of SD / mean over models"})  # fmt: skip
    return pd.DataFrame(rows)


def _weight(
    data: PreferenceData, judge: str, side: Array, people: Array, use: Any, level: float
) -> dict[str, Any]:
    longer = forms(data).get("longer", np.zeros(len(side)))
    factors = pd.DataFrame({"own": side, "longer": longer, "people": 2 * people - 1})[use]
    ids = data.pairs["pair_id"].to_numpy()[use]
    kept = data.filter(pair_ids=ids, annotators=[judge])
    rows = pd.Index(ids).get_indexer(kept.pairs["pair_id"])
    specs: Mapping[str, Mapping[str, Any]] = {
        name: {"coding": {"transform": "difference"}} for name in factors
    }
    bare = replace(kept, factors=kept.pairs[["pair_id"]], factor_values=kept.pairs[["pair_id"]],
                   factor_specs={})  # fmt: skip
    held = bare.with_factors(
        factors.iloc[rows].reset_index(drop=True), pd.DataFrame(index=range(len(rows))), specs
    )
    found = decompose(held, annotator=judge, folds=0, level=level).to_frame().set_index("term")
    return {**found.loc["own"].to_dict(), "term": "weight of its own, adjusted"}
