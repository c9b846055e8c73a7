"""The verb that says how far many raters agree."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.clustered import share
from workbench.data.dataset import PreferenceData
from workbench.errors import level_option, refuse_out_of_range, seed_option
from workbench.provenance import Provenance
from workbench.results import TIDY
from workbench.structure.raters.alpha import METRICS, Metric, alpha_of, disagreement
from workbench.structure.raters.each import without_each
from workbench.structure.raters.icc import FORMS, correlation, incomplete, records
from workbench.structure.raters.interval import Measured, coefficient
from workbench.structure.raters.kappas import beyond_chance, chance_to_agree
from workbench.structure.raters.ratings import Ratings, ratings_of
from workbench.structure.raters.result import RaterAgreement, verdict_of
from workbench.structure.raters.two import each_two
from workbench.threads import on_one_thread

_COLUMNS = (*TIDY, "n_clusters", "k", "method", "reason")
_METHOD = "influence values over clusters, mid-P interval of (1 + value) / 2"


@on_one_thread
def rater_agreement(
    data: PreferenceData,
    *,
    annotators: str | Iterable[str] | None = None,
    by: str = "annotator",
    measures: Sequence[str] | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> RaterAgreement:
    r"""Say how far raters agree on A, tie or B, beyond chance, and which rater stands apart.

    Parameters
    ----------
    data : PreferenceData
    annotators : str or iterable of str, optional
        Names, or one kind such as ``"llm"``; people where the data have some, else everybody.
    by : str
        Column of labels or pairs that names the rater.
    measures : sequence of str, optional
        Of ``agreement``, ``alpha nominal``, ``alpha ordinal``, ``alpha interval``, ``fleiss``,
        ``ac1`` and ``icc``; all but ``alpha interval``, which is the ordinal one here, when None.
    level : float
    seed : int
        Recorded; nothing is drawn.

    Returns
    -------
    RaterAgreement

    Raises
    ------
    DesignError
        No pair with two ratings, or an unknown measure or column.
    DataError
        An annotator that the data do not have.

    Notes
    -----
    Every pair counts in either orientation: which response is called A says nothing, so chance
    must not learn it. The marginal shares of A and B are then equal, the coefficients those of the
    table with its mirror image below, and no exchange of sides changes a number. Ordinal and
    interval alpha coincide. Intervals are over clusters of pairs (prompts), for these raters.

    References
    ----------
    Krippendorff (2018); Fleiss (1971); Gwet (2008); Shrout and Fleiss (1979).

    Examples
    --------
    >>> import workbench as wb
    >>> found = wb.rater_agreement(wb.load("sample"))
    >>> found.to_frame()["term"].tolist()[:2], len(found.tables()["alpha_without_each"])
    (['agreement of two raters', 'Krippendorff alpha, nominal'], 12)
    """
    known = [name for name in MEASURES if name != "alpha interval"]
    wanted = known if measures is None else list(dict.fromkeys(measures))
    unknown = [name for name in wanted if name not in MEASURES]
    refuse_out_of_range(
        {
            "level": level_option(level),
            "seed": seed_option(seed),
            "measures": (bool(wanted) and not unknown, unknown or wanted, " or ".join(MEASURES)),
        }
    )
    found = ratings_of(data, annotators, by)
    rows = [row for name in MEASURES if name in wanted for row in MEASURES[name](found, level)]
    table = pd.DataFrame(rows).reindex(columns=list(_COLUMNS))
    n = found.counts.sum(axis=1)
    settings: dict[str, Any] = {
        "annotators": [annotators] if isinstance(annotators, str) else
                      None if annotators is None else list(annotators),
        "by": by,
        "measures": wanted,
        "n_labels": found.n_labels,
        "n_ratings": float(n.sum()),
        "n_pairs": len(n),
        "n_clusters": int(found.cluster.max()) + 1,
        "raters": len(found.names),
        "unnamed_votes": found.votes,
        "complete": found.complete,
        "sides": "every pair counts in either orientation",
        "verdict": verdict_of(table),
        "level": level,
    }  # fmt: skip
    return RaterAgreement(
        estimates=table,
        without=without_each(found, level) if len(found.names) > 1 else pd.DataFrame(),
        pairs_of_raters=each_two(found, level),
        exclusions=found.exclusions,
        settings=settings,
        provenance=Provenance.capture(seed=seed, dataset=data.digest),
    )


def _raw(found: Ratings, level: float) -> list[dict[str, Any]]:
    agree = chance_to_agree(found.both_ways)[: len(found.counts)]
    row = share(agree, found.cluster, level)
    return [{"term": "agreement of two raters", **row, "method": "mid-P interval over clusters"}]


def _alpha(metric: Metric) -> Callable[[Ratings, float], list[dict[str, Any]]]:
    def measured(found: Ratings, level: float) -> list[dict[str, Any]]:
        made = alpha_of(disagreement(found.both_ways, metric))
        return [_row(f"Krippendorff alpha, {metric}", made, found, level)]

    return measured


def _fleiss(found: Ratings, level: float) -> list[dict[str, Any]]:
    return [_row("Fleiss kappa", beyond_chance(found.both_ways, ac1=False), found, level)]


def _ac1(found: Ratings, level: float) -> list[dict[str, Any]]:
    return [_row("Gwet AC1", beyond_chance(found.both_ways, ac1=True), found, level)]


def _icc(found: Ratings, level: float) -> list[dict[str, Any]]:
    if found.complete:
        table = found.matrix()
        both = np.concatenate([table, 1 - table])
        made = {form: correlation(both, form, complete=True) for form in FORMS}
    else:
        made = incomplete(found.both_ways)
    rows = []
    for form, (measured, k) in made.items():
        records_of = records(form, _folded(measured), k, found.cluster, level)
        rows += [{"term": name, **row, "method": _METHOD} for name, row in records_of.items()]
    return rows


def _row(term: str, made: Measured, found: Ratings, level: float) -> dict[str, Any]:
    return {"term": term, **coefficient(_folded(made), found.cluster, level), "method": _METHOD}


def _folded(made: Measured) -> Measured:
    """Add what a pair's two orientations do, so that it counts once."""
    if made.reason is not None:
        return made
    half = len(made.pull) // 2
    return made._replace(pull=made.pull[:half] + made.pull[half:])


MEASURES: dict[str, Callable[[Ratings, float], list[dict[str, Any]]]] = {
    "agreement": _raw,
    **{f"alpha {metric}": _alpha(metric) for metric in METRICS},
    "fleiss": _fleiss,
    "ac1": _ac1,
    "icc": _icc,
}
"""How each measure is taken, by the name that ``measures`` takes."""
