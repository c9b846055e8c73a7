"""The main job: what the reference rewards, what each judge rewards, where they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from workbench.compare.contrast import MARGIN, contrast
from workbench.data.dataset import PreferenceData
from workbench.data.parts.parted import PartedData
from workbench.decompose.decomposition import decompose
from workbench.decompose.labelled import Ties
from workbench.decompose.logit import Covariance
from workbench.errors import DataError, DesignError
from workbench.factors.columns import from_columns
from workbench.factors.score import score_factors
from workbench.report.further import further as add_further
from workbench.report.job import MainJob, listed

AGENTS = 0.05
"""Share of the responses that call a tool from which steps are among the factors by default."""


def main_job(
    data: PreferenceData,
    reference: str | None = None,
    *,
    annotators: Sequence[str] | None = None,
    factors: Sequence[str] | None = None,
    covariance: Covariance = "cluster",
    cluster: Sequence[str] | None = None,
    ties: Ties = "half",
    folds: int = 5,
    level: float = 0.95,
    seed: int = 0,
    further: Sequence[str] = (),
    margin: float = MARGIN,
) -> MainJob:
    """Decompose the reference and every judge, and test where the judges differ.

    Parameters
    ----------
    data : PreferenceData
        Factors are computed if it has none (see :func:`ensure_factors`).
    reference : str, optional
        An annotator, or a kind whose annotators are pooled (``"human"``: the people); when
        None :func:`default_reference`.
    annotators : sequence of str, optional
        Compare only these; by default all that are not people.
    factors, covariance, cluster, ties, folds, level, seed
        As in :func:`workbench.decompose`.
    further : sequence of str
        Results to add: names of :data:`workbench.report.further.FURTHER`.
    margin : float
        As in :func:`workbench.contrast`.

    Returns
    -------
    MainJob
        Without ``judges`` and ``gap`` where nobody is left to compare.

    Raises
    ------
    DesignError
        The reference is neither an annotator nor a kind of the data.
    DataError
        An annotator that the data do not have.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> job = main_job(data, factors=["words"], folds=0)
    >>> job.people.groups, len(job.judges.groups) == len(job.gap.wald)
    (['human'], True)
    """
    data = ensure_factors(data.decided())
    reference = reference or default_reference(data)
    others = others_than(data, reference, annotators)
    options: dict[str, Any] = {
        "factors": factors,
        "covariance": covariance,
        "cluster": cluster,
        "ties": ties,
        "folds": folds,
        "level": level,
        "seed": seed,
    }
    people = decompose(data, annotator=reference, **options)
    job = MainJob(data, people)
    if others:
        judges = decompose(data, annotator=others, **options)
        job = replace(job, judges=judges, gap=contrast(judges, people, margin=margin))
    return replace(job, further=add_further(job, further))


def default_reference(data: PreferenceData | PartedData) -> str:
    """Return whom judges are compared with unless said: people, who else is no model.

    An annotator that is called ``human`` is taken for people. Labels whose kind the file does not
    say come next, then gold answers.

    Examples
    --------
    >>> import workbench as wb
    >>> default_reference(wb.load("sample"))
    'human'
    """
    table = data.annotators
    if table["annotator"].eq("human").any():
        return "human"
    for kind in ("human", "unknown", "objective"):
        names = table.loc[table["kind"] == kind, "annotator"]
        if len(names):
            # one annotator of no stated kind is called by its name
            return kind if kind == "human" or len(names) > 1 else str(names.iloc[0])
    return "human"


def ensure_factors(data: PreferenceData) -> PreferenceData:
    """Return the data with factors, computed where it has none.

    Data with text get the text factors that do not repeat each other
    (:data:`workbench.factors.CORE`), and factors of steps where at least :data:`AGENTS` of the
    responses call a tool; data without text get a factor from each numeric column pair
    ``x_a``, ``x_b``.

    Raises
    ------
    DesignError
        Neither text nor column pairs.

    Examples
    --------
    >>> import workbench as wb
    >>> data = ensure_factors(wb.load("sample"))
    >>> "words" in data.factor_names
    True
    """
    if data.factor_names:
        return data
    if has_text(data):
        from workbench.factors.catalog import CORE, CORE_STEPS
        from workbench.factors.steps.values import call_share

        # a response that happens to call a tool makes no set of agents
        steps = CORE_STEPS if call_share(data) >= AGENTS else ()
        return score_factors(data, (*CORE, *steps))
    return from_columns(data)


def with_factors(data: PreferenceData) -> PreferenceData:
    """Return the data with factors where they can have any: battles alone have none.

    Examples
    --------
    >>> import pandas as pd
    >>> import workbench as wb
    >>> battles = pd.DataFrame({"model_a": ["m"], "model_b": ["n"], "winner": ["model_a"]})
    >>> with_factors(wb.load(battles)).factor_names
    []
    """
    try:
        return ensure_factors(data)
    except (DataError, DesignError):
        return data


def has_text(data: PreferenceData) -> bool:
    """Tell whether any pair has the text of both responses.

    Examples
    --------
    >>> import workbench as wb
    >>> has_text(wb.load("sample"))
    True
    """
    return bool((data.pairs["response_a"].notna() & data.pairs["response_b"].notna()).any())


def others_than(
    data: PreferenceData | PartedData, reference: str, annotators: Sequence[str] | None
) -> list[str]:
    """Return whom a main job compares with the reference.

    Parameters
    ----------
    data : PreferenceData or PartedData
    reference : str
        An annotator, or a kind.
    annotators : sequence of str, optional
        Only these; all that are no people when None.

    Raises
    ------
    DesignError
        The reference is neither an annotator nor a kind of the data.

    Examples
    --------
    >>> import workbench as wb
    >>> len(others_than(wb.load("sample"), "human", None))
    4
    """
    table = data.annotators
    names, kinds = set(table["annotator"]), set(table["kind"])
    if reference not in names | kinds:
        raise DesignError(
            f"The data have no annotator or kind {reference!r} to compare with.",
            found=f"annotators {listed(names)}; kinds {listed(kinds)}",
            expected="one of these as the reference",
            fix="Choose the reference: --reference NAME, or reference= in Python.",
        )
    chosen = table["annotator"].eq(reference) if reference in names else table["kind"].eq(reference)
    if annotators:
        return [name for name in annotators if name not in set(table["annotator"][chosen])]
    return list(table["annotator"][~chosen & table["kind"].ne("human")])
