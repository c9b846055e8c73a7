"""The verb that says what few labels of people and many verdicts tell together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.calibration.few.inputs import EVERYTHING, Beside, lay
from workbench.calibration.few.rates import Models, rates
from workbench.calibration.few.result import COLUMNS, FewLabels
from workbench.calibration.few.sample import unlike
from workbench.calibration.few.weights import MOST_MODELS, ratings, weights
from workbench.clustered import Array
from workbench.data.dataset import PreferenceData
from workbench.decompose.errors.tidy import q_values
from workbench.decompose.labelled import NO_VALUE
from workbench.errors import DesignError, level_option, refuse_out_of_range, seed_option
from workbench.provenance import Provenance
from workbench.structure.named import named_once
from workbench.threads import on_one_thread

MOST_SLICES = 50
"""Values of a column beyond which nobody reads its slices."""


@on_one_thread
def few_labels(
    data: PreferenceData,
    judges: Sequence[str] | None = None,
    reference: str = "human",
    *,
    factors: Sequence[str] | None = None,
    by: str | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> FewLabels:
    r"""Estimate what people would say of all pairs that judges judged, from labels on some.

    With the verdicts f of a judge on N pairs and the labels y of n of them, each number
    (agreement, win rate, rating, factor weight, and the judge's weight minus the people's) is

    .. math:: \hat\theta = \hat\theta_n(y) + \lambda \{\hat\theta_{N}(f, y) - \hat\theta_n(y)\}

    between what the labels say alone and what verdicts corrected by them say, with the power
    :math:`\lambda` from 0 to 1 that makes its own variance least.

    Parameters
    ----------
    data : PreferenceData
        Judges and people on the same pairs; weights of labels count as one over the chance that
        the pair was chosen.
    judges : sequence of str, optional
        Every annotator that is neither a person nor gold when None.
    reference : str
        An annotator or a kind: whose labels are the few.
    factors : sequence of str, optional
        Factor columns; all that the data have when None, no weights where they have none.
    by : str, optional
        Column of the pairs: everything again in each of its slices.
    level : float
    seed : int
        Recorded; nothing is drawn.

    Returns
    -------
    FewLabels

    Raises
    ------
    DesignError
        No label of the reference, no judge, an unknown factor or column, or an option out of
        range.
    DataError
        An annotator that the data do not have.

    Notes
    -----
    The labelled pairs have to be drawn at random from all (``sample`` tests what can be seen of
    it). Rates weigh labels by verdict:
    :func:`workbench.audit.judges.verdicts.by_verdict.by_verdict`. Weights and ratings with full
    power solve the score equations of PPI++,

    .. math:: \overline{x \{f - p(x'\beta)\}}_N + \overline{x (y - f)}_n = 0,

    and every coordinate has its power from the pulls of the clusters, each cluster's own left
    out where it is counted. Five labels whose error is that of the people alone are mixed in, so
    that a judge that never erred on few labels is not taken for certain. Intervals are over
    clusters (prompts), for these people; nothing is drawn. Contrasts are of raw weights:
    :func:`workbench.contrast` takes sharpness apart from taste.

    References
    ----------
    Angelopoulos, Duchi and Zrnic (2023), PPI++; Zrnic and Candes (2024), cross-prediction;
    Donner and Zou (2010); Bell and McCaffrey (2002).

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> found = wb.few_labels(data, ["sim-judge-length"], factors=["words"])
    >>> found.to_frame()["what"].unique().tolist()
    ['agreement', 'win rate', 'rating', 'weight', 'contrast']
    """
    refuse_out_of_range({"level": level_option(level), "seed": seed_option(seed)})
    data = data.decided()
    names = _factors(data, factors)
    beside = lay(data, judges, reference)
    pairs = data.pairs[["model_a", "model_b"]].iloc[beside.rows]
    models = Models(pairs["model_a"], pairs["model_b"])
    X = data.factors[names].to_numpy("float64")[beside.rows] if names else None
    parts = []
    for name, which in _slices(data, by, beside):
        own = beside if which is None else beside.take(which)
        of_pair = models if which is None else models.take(which)
        tables = rates(own, of_pair if models.names else None, level)
        tables += ratings(own, of_pair, level)
        if X is not None:
            tables += weights(own, X if which is None else X[which], names, level)
        parts += [table.assign(slice=name) for table in tables]
    table = pd.concat(parts, ignore_index=True).reindex(columns=list(COLUMNS))
    table["reason"] = table["reason"].astype("object").where(table["reason"].notna(), None)
    table["q_value"] = q_values(table["p_value"].to_numpy("float64"))
    settings: dict[str, Any] = {
        "judges": beside.judges, "reference": reference, "reference_is": data.noun(reference),
        "factors": names, "by": by, "level": level, "n_pairs": len(beside.rows),
        "n_labelled": int(beside.known.sum()), "models": models.names,
    }  # fmt: skip
    return FewLabels(
        estimates=table,
        sample=unlike(_seen(beside, models, X, names), beside.weight, beside.cluster, level),
        exclusions=_left_out(data, beside, reference, X, by, models),
        settings=settings,
        provenance=Provenance.capture(seed=seed, dataset=data.digest),
    )


def _factors(data: PreferenceData, factors: Sequence[str] | None) -> list[str]:
    names = named_once(factors)
    known = list(data.factor_names)
    if names is None:
        return known
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise DesignError(
            f"The data have no factor {unknown[0]!r}." if unknown else "No factor is named.",
            found=", ".join(known) or "no factor columns",
            expected="names of scored factors",
            fix="Score them first: data = workbench.score_factors(data).",
        )
    return names


def _slices(
    data: PreferenceData, by: str | None, beside: Beside
) -> Iterator[tuple[str, NDArray[np.bool_] | None]]:
    yield EVERYTHING, None
    if by is None:
        return
    if by not in data.pairs:
        raise DesignError(
            f"There is no column {by!r} to slice by.",
            found=", ".join(map(str, data.pairs)),
            expected="a column of the pairs",
            fix="Name one of these in by=.",
        )
    value = data.pairs[by].iloc[beside.rows]
    told = value.astype("str").where(value.notna())
    names = sorted(told.dropna().unique())
    if len(names) > MOST_SLICES:
        raise DesignError(
            "There are too many slices.",
            found=f"{len(names):,} values of {by}",
            expected=f"{MOST_SLICES} at the most",
            fix="Name a column with fewer values in by=.",
        )
    for name in names:
        yield f"{by} = {name}", told.eq(name).to_numpy(dtype=bool)


def _seen(beside: Beside, models: Models, X: Array | None, names: list[str]) -> dict[str, Array]:
    """Return what can be seen of labelled pairs and of others, whichever response is called A."""
    columns = {} if X is None else {f"{name}, size of the difference": np.abs(X[:, k])
                                    for k, name in enumerate(names)}  # fmt: skip
    for j, name in enumerate(beside.judges):
        columns[f"{name}, distance from a tie"] = np.abs(beside.scores[:, j] - 0.5)
        columns[f"{name}, has a verdict"] = np.isfinite(beside.scores[:, j]).astype(np.float64)
    for m, name in enumerate(models.names):
        columns[f"{name}, takes part"] = ((models.first == m) | (models.second == m)) * 1.0
    return columns


def _nameless(models: Models) -> list[tuple[str, str, int]]:
    if not models.names:
        return []
    unknown = np.minimum(models.first, models.second) < 0
    same = ~unknown & (models.first == models.second)
    told = ((unknown, "a model without a name: no part in ratings"),
            (same, "one model twice: no part in win rates and ratings"))  # fmt: skip
    return [(EVERYTHING, why, int(which.sum())) for which, why in told if which.any()]


def _left_out(
    data: PreferenceData, beside: Beside, reference: str, X: Array | None, by: str | None,
    models: Models,
) -> pd.DataFrame:  # fmt: skip
    rows: list[tuple[str, str, int]] = []
    if beside.unused:
        rows.append((reference, "labelled without a verdict, or without weight", beside.unused))
    if lost := len(data.pairs) - len(beside.rows):
        rows.append((EVERYTHING, "pair without a label and without a verdict", lost))
    lacking = ~np.isfinite(beside.scores)
    for name, mine in zip(beside.judges, lacking.T, strict=True):
        for kind, which in (("labelled", beside.known), ("other", ~beside.known)):
            if lost := int((mine & which).sum()):
                rows.append((name, f"{kind} pair without a verdict of this judge", lost))
    rows += _nameless(models)
    if X is not None and (lost := int((~np.isfinite(X).all(axis=1)).sum())):
        rows.append((EVERYTHING, f"{NO_VALUE}: no part in weights and contrasts", lost))
    if by is not None and (lost := int(data.pairs[by].iloc[beside.rows].isna().sum())):
        rows.append((EVERYTHING, f"no value of {by}: in no slice", lost))
    if (several := len(models.names)) > MOST_MODELS:
        rows.append((EVERYTHING, f"{several} models, more than {MOST_MODELS}: no ratings",
                     len(beside.rows)))  # fmt: skip
    return pd.DataFrame(rows, columns=["group", "reason", "n"])
