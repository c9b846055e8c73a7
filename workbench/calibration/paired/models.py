"""The verb that compares two models on the same prompts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.audit.judges.verdicts.preferences import mean_preferences, reference_mask
from workbench.calibration.paired.differences import MCNEMAR, MEASURED, Case, compared, told
from workbench.calibration.paired.result import ModelComparison, method_of
from workbench.calibration.paired.slices import slices_of
from workbench.clustered import Codes, share
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError, level_option, refuse_out_of_range
from workbench.intervals import MID_P
from workbench.provenance import Provenance
from workbench.threads import on_one_thread

HEAD_TO_HEAD = "head to head"
SIGN_TEST = "sign test, mid-P"
EVERY = "through all common opponents"
COLUMNS = (*MEASURED, "through")

_SOFT = "; several verdicts on a pair, and pairs of one prompt and opponent, are one mean"


@on_one_thread
def compare_models(
    data: PreferenceData,
    a: str,
    b: str,
    annotator: str = "human",
    *,
    baseline: str | None = None,
    by: str | None = None,
    margin: float = 0.02,
    level: float = 0.95,
) -> ModelComparison:
    r"""Say which of two models does better: where they meet, and through common opponents.

    Parameters
    ----------
    data : PreferenceData
        With ``model_a`` and ``model_b``.
    a, b : str
        Models.
    annotator : str
        Whose verdicts count: a name or a kind.
    baseline : str, optional
        The common opponent; every one that both met on some prompt when None.
    by : str, optional
        Column of the pairs that names the slice, such as ``scenario``.
    margin : float
        Differences of scores within it count as none.
    level : float

    Returns
    -------
    ModelComparison
        Head to head, ``estimate`` is the share of wins minus that of losses. Through an opponent
        it is a's mean score minus b's, over prompts on which both met it.

    Raises
    ------
    DesignError
        No names of models, no such model, no verdict, or two models that nothing compares.

    Notes
    -----
    With scores s of 1, one half and 0: head to head

    .. math:: \bar d = \overline{2 s_{ab} - 1}, \qquad
              \text{through } c: \; \bar d = \overline{s_{ac} - s_{bc}}

    where the second mean is over prompts (and opponents), so that what a prompt does to both
    cancels. Tests, intervals and equivalence are those of
    :func:`workbench.compare_annotators`. Models that cycle may be ahead one way and not the other:
    see :func:`workbench.transitivity`.

    References
    ----------
    As for :func:`workbench.compare_annotators`.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> one, other = data.pairs["model_a"].iloc[0], data.pairs["model_b"].iloc[0]
    >>> wb.compare_models(data, one, other).to_frame()["through"].iloc[0]
    'head to head'
    """
    refuse_out_of_range(
        {
            "margin": (
                isinstance(margin, int | float) and 0 < margin < 1, margin,
                "a difference of scores above 0 and below 1",
            ),
            "level": level_option(level),
        }
    )  # fmt: skip
    data = data.decided()
    met = _met(data, a, b, annotator, by)
    _refuse_baseline(data, a, b, baseline)
    # pairs of one prompt may be in several slices: they are one unit of the whole
    units = _units(met.assign(slice=None), a, b, baseline)
    if not len(units):
        raise DesignError(
            f"Nothing compares {a} and {b}.",
            found=f"{len(met):,} decided pairs of one of them by {annotator}; none of both, and no "
            f"prompt on which both met {'one opponent' if baseline is None else baseline}",
            expected="pairs of both, or pairs of each with one opponent on the same prompts",
            fix="Name another baseline, or rate all models together.",
        )
    estimates = _rows(units, a, b, margin, level)
    columns = ["group", *COLUMNS]
    sliced = _units(met, a, b, baseline) if by is not None else units
    named = sliced.dropna(subset=["slice"])
    parts = [
        _rows(part, a, b, margin, level).assign(group=str(name))
        for name, part in named.groupby("slice", sort=True)
    ]
    lacking = len(sliced) - len(named) if by is not None else 0
    return ModelComparison(
        estimates=told(estimates, level)[list(COLUMNS)],
        slices=told(pd.concat(parts, ignore_index=True), level)[columns]
        if parts
        else pd.DataFrame(columns=columns),
        sides=_sides(met, a, b, level),
        exclusions=_silent(data, a, b, annotator),
        settings={
            "a": a, "b": b, "annotator": annotator, "annotator_is": data.noun(annotator),
            "baseline": baseline, "by": by, "margin": margin, "level": level,
            "notes": [
                *([f"{lacking:,} comparisons without a value of {by}"] if lacking else []),
                *_left_out(data, a, b),
            ],
            "method": method_of(estimates) + _SOFT,
        },
        provenance=Provenance.capture(dataset=data.digest),
    )  # fmt: skip


def _met(data: PreferenceData, a: str, b: str, annotator: str, by: str | None) -> pd.DataFrame:
    """Return each decided pair of one of the models: ``model, against, score, prompt, ...``."""
    pairs = data.pairs
    names = set(pairs["model_a"].dropna()) | set(pairs["model_b"].dropna())
    unknown = [name for name in (a, b) if name not in names]
    if unknown or a == b:
        raise DesignError(
            "There are no two models of these names.",
            found=f"{a!r} and {b!r}; models {', '.join(sorted(names)[:12]) or 'without a name'}",
            expected="two models, named in model_a or model_b",
            fix="Check the spelling; names of models are columns that are named when loading.",
        )
    if not reference_mask(data, annotator).any():
        raise DesignError(
            f"There are no verdicts of {annotator!r}.",
            found=f"annotators {', '.join(data.annotators['annotator'][:12])}",
            expected="a name or a kind",
            fix="Name another annotator.",
        )
    score = mean_preferences(data, reference_mask(data, annotator))["preference"].to_numpy()
    rows = np.arange(len(pairs))
    inside = slices_of(pairs, by, rows)
    slices = pd.Series(np.full(len(pairs), None, dtype=object))
    for name, mask in inside.items():
        slices[mask] = name
    whole = pd.DataFrame(
        {
            "prompt": pairs["prompt_id"].astype("str"),
            "cluster": pairs["cluster"].astype("str"),
            "slice": slices.to_numpy(),
        }
    )
    turned = (("model_a", "model_b", score), ("model_b", "model_a", 1 - score))
    parts = [
        whole.assign(model=pairs[own], against=pairs[other], score=value)
        for own, other, value in turned
    ]
    both = pd.concat(parts, ignore_index=True)
    known = both["against"].notna() & both["against"].ne(both["model"])
    mine = both["model"].isin([a, b]) & known
    return both[mine & both["score"].notna()]


def _left_out(data: PreferenceData, a: str, b: str) -> list[str]:
    sides = data.pairs[["model_a", "model_b"]]
    mine = sides.isin([a, b]).any(axis=1)
    left = {
        "the other model has no name": sides.isna().any(axis=1),
        "one model is on both sides": sides["model_a"].eq(sides["model_b"]),
    }
    counts = {reason: int((mine & there).sum()) for reason, there in left.items()}
    return [f"{n:,} pairs left out: {reason}" for reason, n in counts.items() if n]


def _refuse_baseline(data: PreferenceData, a: str, b: str, baseline: str | None) -> None:
    if baseline is not None and baseline in (a, b):
        raise DesignError(
            "A model is no common opponent of itself and another.",
            found=f"baseline {baseline!r}, compared are {a!r} and {b!r}",
            expected="a third model",
            fix="Name another in baseline=, or leave it out: head to head is always compared.",
        )
    names = set(data.pairs["model_a"].dropna()) | set(data.pairs["model_b"].dropna())
    if baseline is not None and baseline not in names:
        raise DesignError(
            f"There is no model {baseline!r} that both could have met.",
            found=f"models {', '.join(sorted(names)[:12])}",
            expected="a common opponent",
            fix="Check the spelling in baseline=, or leave it out.",
        )


def _units(met: pd.DataFrame, a: str, b: str, baseline: str | None) -> pd.DataFrame:
    """Return one row a prompt and opponent: ``through, value_a, value_b, difference``."""
    key = ["prompt", "cluster", "slice", "against"]
    means = met.groupby(["model", *key], sort=True, dropna=False)["score"].mean().reset_index()
    direct = means[(means["model"] == a) & (means["against"] == b)]
    direct = direct.assign(
        through=HEAD_TO_HEAD, value_a=direct["score"], value_b=1 - direct["score"],
        difference=2 * direct["score"] - 1,
    )  # fmt: skip
    mine, theirs = (
        means[(means["model"] == one) & ~means["against"].isin([a, b])] for one in (a, b)
    )
    if baseline is not None:
        mine, theirs = (part[part["against"] == baseline] for part in (mine, theirs))
    both = mine.merge(theirs, on=key, suffixes=("", "_b"))
    both = both.assign(
        through=both["against"], value_a=both["score"], value_b=both["score_b"],
        difference=both["score"] - both["score_b"],
    )  # fmt: skip
    columns = [*key, "through", "value_a", "value_b", "difference"]
    return pd.concat([direct[columns], both[columns]], ignore_index=True)


def _rows(units: pd.DataFrame, a: str, b: str, margin: float, level: float) -> pd.DataFrame:
    """Return a row for each way that the models are compared."""
    direct = units["through"].eq(HEAD_TO_HEAD)
    opponents = sorted(units.loc[~direct, "through"].unique())
    ways: dict[str, Any] = {HEAD_TO_HEAD: direct} if direct.any() else {}
    if len(opponents) > 1:
        ways[EVERY] = ~direct
    ways |= {name: units["through"].eq(name) & ~direct for name in opponents}
    return pd.concat(
        [_way(units[chosen], name, a, b, margin, level) for name, chosen in ways.items()],
        ignore_index=True,
    )


def _way(
    units: pd.DataFrame, through: str, a: str, b: str, margin: float, level: float
) -> pd.DataFrame:
    cluster: Codes = pd.factorize(units["cluster"], sort=True)[0]
    order = np.lexsort((units["against"], units["prompt"], cluster))
    part = units.iloc[order]
    difference: NDArray[np.float64] = part["difference"].to_numpy("float64")
    case = Case(difference, np.ones(len(part), dtype=bool))
    row = compared([case], cluster[order], 1.0, margin, level)
    row["test"] = row["test"].replace(MCNEMAR, SIGN_TEST if through == HEAD_TO_HEAD else MCNEMAR)
    how = through if through in (HEAD_TO_HEAD, EVERY) else f"through {through}"
    return row.assign(
        term=f"{a} minus {b}, {how}", a=a, b=b, through=through,
        value_a=part["value_a"].mean(), value_b=part["value_b"].mean(),
    )  # fmt: skip


def _sides(met: pd.DataFrame, a: str, b: str, level: float) -> pd.DataFrame:
    """Return each model's mean score against all that it met, whatever they were."""
    rows = []
    for name in (a, b):
        own = met[met["model"] == name]
        cluster = pd.factorize(own["cluster"], sort=True)[0]
        row = share(own["score"].to_numpy("float64"), cluster, level)
        rows.append({"term": name, **row, "method": f"mean score against all it met, {MID_P}"})
    return pd.DataFrame(rows)


def _silent(data: PreferenceData, a: str, b: str, annotator: str) -> pd.DataFrame:
    """Return the labels of these models that are no verdict: ``annotator, reason, n``."""
    pairs = data.pairs[["model_a", "model_b"]].isin([a, b]).any(axis=1).to_numpy()
    labels = data.labels
    mine = reference_mask(data, annotator) & pairs[data.pair_rows]
    lost = labels["preference"].isna() | ~(labels["weight"] > 0)
    gone = labels[mine & lost.to_numpy()]
    reason = gone["reason"].fillna("no verdict").where(gone["preference"].isna(), "no weight")
    found = gone[["annotator"]].assign(reason=reason).value_counts(sort=False).sort_index()
    return found.rename("n").reset_index()


def most_met(data: PreferenceData, annotator: str) -> tuple[str, str]:
    """Return the two models that met on most pairs with a verdict of an annotator or kind.

    The first by name where several have met as often; the two stand in the order of their names.

    Raises
    ------
    DesignError
        No two models with names met.

    Examples
    --------
    >>> import workbench as wb
    >>> most_met(wb.load("sample"), "human")
    ('sim-model-a', 'sim-model-c')
    """
    score = mean_preferences(data, reference_mask(data, annotator))["preference"]
    sides = data.pairs.loc[score.notna().to_numpy(), ["model_a", "model_b"]].dropna().astype("str")
    two = np.sort(sides.to_numpy(dtype=object), axis=1)
    met = pd.Series(map(tuple, two[two[:, 0] != two[:, 1]])).value_counts()
    if met.empty:
        raise DesignError(
            "There are no two models to compare.",
            found=f"no pair of two models with names and a verdict of {annotator}",
            expected="names in model_a and model_b",
            fix="Name the columns of the models when loading, or leave this result out.",
        )
    first: tuple[str, str] = min(met[met.eq(met.max())].index)
    return first
