"""The verb that says which categories an annotator prefers where it errs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from workbench.clustered import Array, count_clusters, resample, t_row
from workbench.decompose.errors.tidy import p_values, q_values, t_interval
from workbench.errors import (
    DesignError,
    level_option,
    listed,
    refuse_out_of_range,
    seed_option,
    whole,
)
from workbench.intervals import NO_VARIATION, ONE_CLUSTER
from workbench.provenance import Provenance
from workbench.results import TIDY
from workbench.structure.categories.answers import Answers, read_answers
from workbench.structure.categories.proficiency import (
    MACRO,
    difference_error,
    macro_pull,
    proficiency_rows,
)
from workbench.structure.categories.result import AS_COUNTED, BIAS, Categories
from workbench.structure.categories.strengths import (
    NO_ERRORS,
    ONLY_NEVER_RIGHT,
    Strengths,
    parted,
    resampled,
    spread,
    spread_difference,
    spread_ends,
    unbounded,
)
from workbench.threads import on_one_thread

LEAST_WRONG, LEAST_TALKS = 10, 5
"""Wrong answers, and conversations that they are in, without which nothing is told of them."""

_METHOD = "Bradley-Terry with a ridge; SD less that of noise, conversations resampled"
_DIFFERENCE = "difference of two such SDs, from the ends of both intervals (Zou and Donner)"
_EACH = "Bradley-Terry with a ridge, conversations resampled, Student's t"
_F1 = "mid-P interval over conversations"
_COLUMNS = ("group", *TIDY, "n_clusters", "n_wrong", "uncorrected", "noise", "method", "reason")


class _One(NamedTuple):
    """What is known of one annotator."""

    name: str
    counts: Array
    n_wrong: int
    n: int
    clusters: int
    strengths: dict[str, Strengths]
    likely: dict[str, Array | None]


@on_one_thread
def categories(
    table: str | Path | pd.DataFrame,
    *,
    columns: Mapping[str, str] | None = None,
    annotators: str | Iterable[str] | None = None,
    reference: str | None = None,
    ridge: float = 0.25,
    replicates: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Categories:
    r"""Say which categories an annotator gives where others are right, and how far it errs.

    .. math:: \log \frac{w_{ij} / N_j}{w_{ji} / N_i} = \theta_i - \theta_j

    with :math:`w_{ij}` answers i where j is right, and :math:`N_j` items of which j is right.

    Parameters
    ----------
    table : str, Path or DataFrame
        One row an answer: ``given, right`` and, where there are any, ``annotator``,
        ``conversation`` (answers of one depend) and ``item``.
    columns : mapping of str to str, optional
        The table's own names of these.
    annotators : str or iterable of str, optional
        Only these.
    reference : str, optional
        Annotator beside whom the others are put; the first by name when None.
    ridge : float
        Penalty of the strengths: the precision of a normal prior, in log-odds.
    replicates : int
        Of resampled conversations, 200 at least.
    level : float
    seed : int

    Returns
    -------
    Categories

    Raises
    ------
    DataError
        No such columns or annotator, or an item with two right categories.
    DesignError
        No answer that can be used, fewer than two categories, or an option out of range.

    Notes
    -----
    The preference bias is the standard deviation of the strengths of these categories, without
    the part that noise makes: an annotator who prefers none has about 0. At equal base rates,
    errors that fall on all categories alike are no preference; as counted (no :math:`N`), they
    look like one for what is seldom right, and errors in proportion to the base rates do not.

    References
    ----------
    Kang et al. (2024), arXiv:2402.13211, for the question; Bradley and Terry (1952); Caussinus
    (1965): strengths are those of the table's quasi-symmetry.

    Examples
    --------
    >>> from workbench.structure.categories.planted import planted_answers
    >>> answers = planted_answers({"ask": 1.0, "inform": 0.0, "advise": -1.0})
    >>> found = categories(answers, replicates=200)
    >>> rows = found.to_frame().set_index("term")
    >>> bool(rows.loc["preference bias", "conf_low"] > 0.3)
    True
    """
    refuse_out_of_range(
        {
            "ridge": (isinstance(ridge, float | int) and 0 < ridge < np.inf, ridge, "above 0"),
            "replicates": (whole(replicates, 200), replicates, "200 or more"),
            "level": level_option(level),
            "seed": seed_option(seed),
        }
    )
    names = None if annotators is None else listed("annotators", annotators)
    answers = read_answers(table, columns, names)
    each = [_one(answers, k, ridge, replicates, seed) for k in range(len(answers.annotators))]
    first = _reference(reference, answers.annotators)
    rows = [row for k in range(len(each)) for row in _measured(answers, each[k], k, level)]
    estimates = pd.DataFrame(rows).reindex(columns=list(_COLUMNS))
    estimates["q_value"] = q_values(estimates["p_value"].to_numpy("float64"))
    given = pd.concat([_proficiency(answers, k, level) for k in range(len(each))])
    return Categories(
        estimates=estimates,
        strengths=_strengths(answers, each, level),
        proficiency=given.reset_index(drop=True),
        confusions=_confusions(answers, each),
        contrast=_contrast(answers, each, first, level),
        exclusions=answers.exclusions,
        settings={
            "annotators": answers.annotators,
            "categories": answers.categories,
            "reference": first,
            "columns": dict(columns or {}),
            "ridge": ridge,
            "replicates": replicates,
            "level": level,
            "n_answers": len(answers.given),
            "n_conversations": answers.n_clusters,
            "notes": _notes(answers, each),
        },
        provenance=Provenance.capture(seed=seed, dataset=answers.digest),
    )


def _one(answers: Answers, k: int, ridge: float, replicates: int, seed: int) -> _One:
    """Resample the conversations of one annotator: draws of all annotators are the same."""
    by_talk = answers.tallies(k)
    counts, C = by_talk.sum(axis=0), len(answers.categories)
    drawn = resample(by_talk.reshape(len(by_talk), -1), replicates, seed).reshape(-1, C, C)
    mine = answers.annotator == k
    found = {name: resampled(counts, drawn, ridge, name == BIAS) for name in (BIAS, AS_COUNTED)}
    clusters = count_clusters(answers.cluster[mine])
    wrong = int(counts.sum() - np.trace(counts))
    one = _One(answers.annotators[k], counts, wrong, int(mine.sum()), clusters, found, {})
    likely = {
        name: None if _unknown(answers, one, k, two) else spread(two)[1]
        for name, two in found.items()
    }
    return one._replace(likely=likely)


def _measured(answers: Answers, one: _One, k: int, level: float) -> list[dict[str, Any]]:
    """Return the rows of one annotator: the bias in two ways, macro F1 and accuracy."""
    counts = {"n": float(one.n), "n_clusters": float(one.clusters), "n_wrong": one.n_wrong}
    rows: list[dict[str, Any]] = []
    for name, found in one.strengths.items():
        row = {"group": one.name, "term": name, **counts, "method": _METHOD}
        why = _unknown(answers, one, k, found)
        if why:
            rows.append(row | {"estimate": np.nan, "reason": why})
            continue
        record, likely = spread(found)
        row |= record
        # as often as noise alone makes strengths that lie as far apart
        p = float((1 + (likely <= 0).sum()) / (1 + len(likely)))
        error = float(likely.std(ddof=1))
        ends = spread_ends(likely, level, record["estimate"])
        rows.append(row | ends | {"std_error": error, "p_value": min(p, 1.0)})
    mine = answers.annotator == k
    parts = (answers.given[mine], answers.right[mine], answers.cluster[mine])
    for row in proficiency_rows(*parts, answers.categories, level)[:2]:
        rows.append({"group": one.name, **row, "n_wrong": one.n_wrong, "method": _F1})
    return rows


def _unknown(answers: Answers, one: _One, k: int, found: Strengths) -> str | None:
    """Return why an annotator's bias cannot be told, if it cannot."""
    wrong = (answers.annotator == k) & (answers.given != answers.right)
    talks = count_clusters(answers.cluster[wrong])
    if not np.isfinite(found.estimate).any():
        return NO_ERRORS if one.n_wrong == 0 else ONLY_NEVER_RIGHT
    if one.clusters < 2:
        return ONE_CLUSTER
    if one.n_wrong < LEAST_WRONG or talks < LEAST_TALKS:
        return (f"too few errors: {one.n_wrong} wrong answers in {talks} conversations "
                f"({LEAST_WRONG} in {LEAST_TALKS} are needed)")  # fmt: skip
    return None if found.noise.any() else NO_VARIATION


def _proficiency(answers: Answers, k: int, level: float) -> pd.DataFrame:
    mine = answers.annotator == k
    parts = (answers.given[mine], answers.right[mine], answers.cluster[mine])
    rows = proficiency_rows(*parts, answers.categories, level)
    table = pd.DataFrame(rows).assign(group=answers.annotators[k], method=_F1)
    columns = ["group", "category", *TIDY, "n_clusters", "method", "reason"]
    return table.reindex(columns=columns)


def _strengths(answers: Answers, each: list[_One], level: float) -> pd.DataFrame:
    """Return the strengths at equal base rates, one row an annotator and category."""
    tables = []
    for one in each:
        found = one.strengths[BIAS]
        error = np.sqrt(found.variance)
        known = np.isfinite(found.estimate) & (error > 0) & (one.clusters > 1)
        error = np.where(known, error, np.nan)
        df = max(one.clusters - 1, 1)
        low, high = t_interval(found.estimate, error, level, df)
        given, right = one.counts.sum(axis=1), one.counts.sum(axis=0)
        hits = np.diag(one.counts)
        why = [
            _alone(one) if np.isnan(value) else None if fine else ONE_CLUSTER
            for value, fine in zip(found.estimate, known, strict=True)
        ]
        tables.append(pd.DataFrame({
            "group": one.name, "term": answers.categories, "estimate": found.estimate,
            "std_error": error, "conf_low": low, "conf_high": high,
            "p_value": p_values(found.estimate, error, df), "q_value": np.nan,
            "n": given + right - 2 * hits, "n_given": given, "n_right": right,
            "given_where_another_was_right": given - hits, "missed": right - hits,
            "method": _EACH, "reason": why,
        }))  # fmt: skip
    table = pd.concat(tables, ignore_index=True)
    table["q_value"] = q_values(table["p_value"].to_numpy("float64"))
    return table


def _alone(one: _One) -> str:
    if one.n_wrong == 0:
        return NO_ERRORS
    return "never confused with a category that is right somewhere"


def _confusions(answers: Answers, each: list[_One]) -> pd.DataFrame:
    """Return how often each category was given where each was right."""
    rows = [
        {"group": one.name, "given": answers.categories[i], "right": answers.categories[j],
         "n": int(one.counts[i, j]), "opposite": int(one.counts[j, i])}
        for one in each for i, j in zip(*np.nonzero(one.counts), strict=True)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _reference(reference: str | None, names: list[str]) -> str | None:
    if reference is not None and reference not in names:
        raise DesignError(
            f"There is no annotator {reference!r} to put others beside.",
            found=", ".join(names[:12]),
            expected="one of the annotators that have answers here",
            fix="Name one of these: reference= (--reference).",
        )
    return None if len(names) < 2 else reference or names[0]


def _contrast(
    answers: Answers, each: list[_One], reference: str | None, level: float
) -> pd.DataFrame:
    """Return each annotator less the reference: bias, macro F1, and every strength."""
    if reference is None:
        return pd.DataFrame()
    base = answers.annotators.index(reference)
    rows: list[dict[str, Any]] = []
    for k, one in enumerate(each):
        if k != base:
            own = {"group": one.name, "reference": reference}
            rows += [{**own, **row} for row in _beside(answers, one, each[base], k, base, level)]
    table = pd.DataFrame(rows)
    table["q_value"] = q_values(table["p_value"].to_numpy("float64"))
    columns = ["group", "reference", "category", *TIDY, "n_clusters", "method", "reason"]
    return table.reindex(columns=columns)


def _beside(
    answers: Answers, one: _One, other: _One, k: int, base: int, level: float
) -> list[dict[str, Any]]:
    n = {"n": float(one.n + other.n)}
    rows = [{"term": BIAS, **n, "n_clusters": float(answers.n_clusters), "method": _DIFFERENCE}
            | _bias_gap(one, other, level)]  # fmt: skip
    at = [answers.annotator == j for j in (k, base)]
    found = [macro_pull(answers.given[m], answers.right[m], len(answers.categories)) for m in at]
    clusters = tuple(answers.cluster[m] for m in at)
    error = difference_error((found[0][1], found[1][1]), clusters)
    gap = t_row(found[0][0] - found[1][0], error, one.n + other.n, np.concatenate(clusters), level)
    rows.append({"term": MACRO, **gap, "method": "paired over conversations, Student's t"})
    mine, theirs = one.strengths[BIAS], other.strengths[BIAS]
    difference = mine.estimate - theirs.estimate
    noise = (mine.noise - theirs.noise).var(axis=0, ddof=1)
    noise = np.sqrt(noise + np.diag(mine.taken) + np.diag(theirs.taken))
    noise = np.where(
        (noise > 0) & np.isfinite(difference) & (min(one.clusters, other.clusters) > 1),
        noise,
        np.nan,
    )
    df = max(min(one.clusters, other.clusters) - 1, 1)
    low, high = t_interval(difference, noise, level, df)
    p = p_values(difference, noise, df)
    for c, name in enumerate(answers.categories):
        why = None if np.isfinite(p[c]) else "no strength in one of the two, or no error"
        rows.append({
            "term": "strength", "category": name, "estimate": difference[c],
            "std_error": noise[c], "conf_low": low[c], "conf_high": high[c], "p_value": p[c],
            **n, "n_clusters": float(df + 1), "method": _EACH, "reason": why,
        })  # fmt: skip
    return rows


def _bias_gap(one: _One, other: _One, level: float) -> dict[str, Any]:
    mine, theirs = one.likely[BIAS], other.likely[BIAS]
    if mine is None or theirs is None:
        return {"estimate": np.nan, "reason": "no preference bias in one of the two"}
    both = [
        (spread(two.strengths[BIAS])[0]["estimate"], likely)
        for two, likely in ((one, mine), (other, theirs))
    ]
    error = float(np.hypot(mine.std(ddof=1), theirs.std(ddof=1)))
    return {**spread_difference(both[0], both[1], level), "std_error": error, "reason": None}


def _notes(answers: Answers, each: list[_One]) -> list[str]:
    notes = []
    for one in each:
        groups = parted(one.counts, answers.categories)
        if groups:
            shown = "; ".join(", ".join(group[:4]) for group in groups[:4])
            notes.append(f"{one.name}: categories fall into groups that were never given for one "
                         f"another ({shown}): between them only the ridge speaks")  # fmt: skip
        ends = unbounded(one.counts, answers.categories)
        if ends:
            notes.append(f"{one.name}: given wrongly but never missed, or the reverse: "
                         f"{', '.join(ends[:6])}; how strong is for the ridge to say")  # fmt: skip
        right = one.counts.sum(axis=0)
        never = [name for name, n in zip(answers.categories, right, strict=True) if n == 0]
        if never:
            notes.append(f"{one.name}: never right here: {', '.join(never[:6])}; at equal base "
                         "rates they are in no comparison")  # fmt: skip
    return notes
