"""The verb that splits the variance of a score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.calibration.instrument.components import Components, components_of
from workbench.calibration.instrument.facets import (
    FACETS,
    ITEM,
    ORDER,
    Scores,
    compressed,
    crossed,
    scores_of,
)
from workbench.calibration.instrument.pivots import Pivots, coefficients, ends_or_reason, pivots_of
from workbench.calibration.instrument.split_result import VarianceSplit
from workbench.data.dataset import PreferenceData
from workbench.errors import level_option, refuse_out_of_range, seed_option
from workbench.intervals import NO_VARIATION
from workbench.provenance import Provenance
from workbench.results import TIDY
from workbench.threads import on_one_thread

_MORE = 2
_CURVE = (1, 2, 3, 4, 6, 8, 12)
_FIRST_TO_GO = ("seed", ORDER, "wording")
_EXACT = "analysis of variance, generalised pivots"
_NEAR = "Henderson's first method (not balanced), t over clusters within items, else pivots"
_COLUMNS = (*TIDY, "share", "share_low", "share_high", "unbiased", "levels", "df", "n_clusters",
            "method", "reason")  # fmt: skip
_TRUNCATED = "below 0 before: the interval says how large it may be"
_BELOW = "below 0 beyond chance: these scores do not follow the model"


@on_one_thread
def variance_split(
    data: PreferenceData,
    judges: str | Sequence[str] | None = None,
    *,
    facets: Sequence[str] = FACETS,
    score: str | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> VarianceSplit:
    r"""Split the variance of a score by judge, wording, seed, order and item; say what to average.

    Parameters
    ----------
    data : PreferenceData
    judges : str or sequence of str, optional
        Annotators; everybody who is no person and no gold when None.
    facets : sequence of str
        Of ``judge`` (the annotator), ``wording`` (a column of that name), ``seed`` (the
        replicate), ``order`` (shown), ``item``, and any column of labels or pairs. Of those that
        nobody named, seed, order and wording go where scores are too few to tell them apart.
    score : str, optional
        Column of the labels that holds the score of a pair, or the stem of two, such as
        ``grade`` of ``grade_a`` and ``grade_b``: items are then responses. The verdict, 1, 0.5
        or 0, when None.
    level : float
    seed : int
        Of the draws of chi-squares behind the intervals.

    Returns
    -------
    VarianceSplit

    Raises
    ------
    DataError
        A judge that the data do not have.
    DesignError
        No such score or column, one item, or nothing that varies beside the item.

    Notes
    -----
    A mixed model with crossed random effects and every interaction that scores can tell apart (of
    two facets at most, where four or more vary beside the item),

    .. math:: Y = \mu + \sum_\alpha \nu_\alpha,\quad \nu_\alpha \sim (0, \sigma^2_\alpha)

    solved from sums and squares, without a design matrix: the analysis of variance where balanced,
    Henderson's first method (the "analogous" analysis of variance of G theory) else. A component
    below 0 is shown as 0, with the end of its interval. A verdict turns with A and B: its mean is
    one half by symmetry, and only what turns with the order shown can vary without the item.

    References
    ----------
    Henderson (1953), Biometrics 9; Brennan (2001), Generalizability Theory; Weerahandi (1993),
    JASA 88; Satterthwaite (1946).

    Examples
    --------
    >>> import workbench as wb
    >>> found = wb.variance_split(wb.load("sample"))
    >>> found.to_frame()["term"].tolist()[:3]
    ['item', 'item x judge', 'rest']
    >>> found.d_study["design"].tolist()[:2]
    ['one of each', 'as in the data']
    """
    refuse_out_of_range({"level": level_option(level), "seed": seed_option(seed)})
    scores, parts, found, notes = _told(data, judges, facets, score, seed)
    used = {one: _levels_an_item(scores, one) for one in scores.codes if one != ITEM}
    if scores.components > 1:
        notes.append(f"judges fall into {scores.components:,} groups that share no item: between "
                     "these, judges and items cannot be told apart")  # fmt: skip
    method = _EXACT if parts.balanced else _NEAR
    settings = {
        "judges": scores.judges, "facets": list(used), "score": score, "mean": scores.mean,
        "n": len(scores.y), "n_items": int(scores.codes[ITEM].max()) + 1,
        "n_clusters": int(scores.cluster.max()) + 1, "balanced": parts.balanced,
        "levels_an_item": used, "level": level, "notes": notes,
    }  # fmt: skip
    return VarianceSplit(
        estimates=_table(found, scores, method, level),
        d_study=_d_study(found, used, level),
        curves=_curves(found, used, level),
        facets=scores.facets,
        exclusions=scores.exclusions,
        settings=settings,
        provenance=Provenance.capture(seed=seed, dataset=data.digest),
    )


def _told(
    data: PreferenceData, judges: str | Sequence[str] | None, facets: Sequence[str],
    score: str | None, seed: int,
) -> tuple[Scores, Components, Pivots, list[str]]:  # fmt: skip
    """Return scores and components; facets that nobody named go where they cannot be told."""
    names, notes = list(facets), list[str]()
    while True:
        scores = scores_of(data, judges, names, score)
        parts = components_of(scores)
        found = pivots_of(parts, scores.cluster, seed)
        extra = [one for one in _FIRST_TO_GO if one in scores.codes]
        # beside the item, one facet has to stay
        named = tuple(facets) != FACETS or len(scores.codes) < 3
        if found.reason is None or named or not extra:
            return scores, parts, found, notes
        names.remove(extra[0])
        notes.append(f"{extra[0]} is left out: {found.reason.partition(':')[0]}")


def _table(found: Pivots, scores: Scores, method: str, level: float) -> pd.DataFrame:
    total = float(np.maximum(found.estimate, 0).sum())
    drawn = None if found.draws is None else np.maximum(found.draws, 0.0)
    rows: list[dict[str, Any]] = []
    for k, one in enumerate(found.effects):
        value = float(found.estimate[k])
        shown = max(value, 0.0)
        part = shown / total if total > 0 else np.nan
        row = {"term": one.name, "estimate": shown, "unbiased": value, "levels": float(one.size),
               "df": float(found.df[k]), "n": float(len(scores.y)), "reason": found.reason,
               "n_clusters": float(scores.cluster.max()) + 1, "method": method,
               "share": part}  # fmt: skip
        if drawn is not None:
            low, high = found.interval(drawn[k], level)
            whole = drawn.sum(axis=0)
            parts = np.divide(drawn[k], whole, out=np.zeros(len(whole)), where=whole > 0)
            # half a step to each side of one half is the most that verdicts vary
            high = min(high, 0.25) if scores.verdicts else high
            row |= {"conf_low": min(low, shown), "conf_high": max(high, shown)}
            why = _TRUNCATED if value < 0 else None
            row |= ends_or_reason("share", part, found.interval(parts, level), why)
            if not max(high, shown) > 1e-12 * total:
                # an interval of 0 alone would say that it is known to be nothing
                row |= dict.fromkeys(("conf_low", "conf_high", "share_low", "share_high"), np.nan)
                row["reason"] = _BELOW if value < -1e-12 * total else NO_VARIATION
        rows.append(row)
    return pd.DataFrame(rows).reindex(columns=list(_COLUMNS))


def _levels_an_item(scores: Scores, facet: str) -> float:
    """Return how many levels of a facet an item has, the harmonic mean over items."""
    item, code = scores.codes[ITEM], scores.codes[facet]
    cell, cells = compressed(crossed(item, code))
    of = np.zeros(cells, dtype=np.int64)
    of[cell] = item
    count = np.bincount(of)
    return float(len(count) / (1 / count).sum())


def _d_study(found: Pivots, used: Mapping[str, float], level: float) -> pd.DataFrame:
    """Return coefficients of designs: one of each, these data's, and with more of each facet."""
    designs = {"one of each": dict.fromkeys(used, 1.0), "as in the data": dict(used)}
    for facet, number in used.items():
        more = min(number + _MORE, 2.0) if facet == ORDER else number + _MORE
        if more > number:
            name = "both orders" if facet == ORDER else f"{_MORE} more: {facet}"
            designs[name] = {**used, facet: more}
    rows = [
        {"design": name, **{f"n_{one}": n for one, n in numbers.items()},
         **coefficients(found, numbers, level)}
        for name, numbers in designs.items()
    ]  # fmt: skip
    table = pd.DataFrame(rows)
    now = table["phi"].iloc[1]
    return table.assign(phi_gain=[np.nan, 0.0, *(table["phi"].iloc[2:] - now)])


def _curves(found: Pivots, used: Mapping[str, float], level: float) -> pd.DataFrame:
    """Return dependability over the number of levels of each facet, the others as in the data."""
    rows = []
    for facet in used:
        for number in (1, 2) if facet == ORDER else _CURVE:
            row = coefficients(found, {**used, facet: float(number)}, level)
            rows.append({"group": facet, "levels": number, "estimate": row["phi"],
                         "conf_low": row["phi_low"], "conf_high": row["phi_high"],
                         "e_rho2": row["e_rho2"], "reason": row["reason"]})  # fmt: skip
    return pd.DataFrame(rows)
