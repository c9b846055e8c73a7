"""Preference dissection: ratings of 29 properties become factors."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.dataset import PreferenceData
from workbench.data.dissection_ratings import (
    APPLIES,
    ERRORS,
    INAPPLICABLE,
    MISSING,
    PROPERTY_NAMES,
    REPETITIVE,
    UNREADABLE,
    read_facts,
    read_values,
    written_facts,
)
from workbench.data.formats.records import excerpt
from workbench.data.load_report import LoadReport
from workbench.errors import DesignError
from workbench.factors.catalog import FactorSpec
from workbench.factors.coding import Coding, apply
from workbench.factors.dissection_properties import PROPERTIES, Code, properties
from workbench.factors.dissection_subsets import (
    CASES,
    SCENARIOS,
    SUBSETS,
    in_subsets,
    only_subsets,
    subsets,
)
from workbench.factors.dissection_tables import Sides, from_pairs, from_table, word_counts

Array = NDArray[np.float64]

__all__ = [
    "CASES",
    "PROPERTIES",
    "SCENARIOS",
    "SUBSETS",
    "dissection_factors",
    "in_subsets",
    "only_subsets",
    "properties",
    "rating_problems",
    "subsets",
]


@dataclass(frozen=True, eq=False)
class _Rated:
    """Values of one property on both sides, what is wrong with each, and where it applies."""

    values: Array
    trouble: NDArray[np.str_]
    applies: NDArray[np.bool_]


def dissection_factors(
    data: PreferenceData,
    ratings: pd.DataFrame | None = None,
    *,
    coding: Code = "ternary",
    legacy: bool = False,
) -> PreferenceData:
    r"""Make the 29 factors of preference dissection from ratings of both responses.

    Parameters
    ----------
    data : PreferenceData
    ratings : DataFrame, optional
        Wide: one row a pair and side, with ``pair_id``, ``side`` (``a`` or ``b``) and a
        column a property, under its short or its published long name
        (:data:`workbench.data.dissection_ratings.PROPERTY_NAMES`). Long: one row a rating,
        with ``pair_id``, ``side``, ``property`` and ``value``; several rows of one property
        are its items (each constraint, stance or mistake). Values: ratings 0 to 3;
        ``repetitive`` in place of ``non-repetitive``; numbers of errors, or ``not
        applicable`` where they could not be checked; stances by label (strongly opposed to
        strongly supported) or -2 to 2; mistakes by label or 0 to 3; words for ``lengthy``. A
        list of values, or a dict by item, is taken by its mean.
        Facts of the query are further columns (or properties): ``intent_clear``,
        ``feelings``, ``constraints``, ``stances``, ``mistakes``; the pairs' own columns of
        these names are used where the table has none.
        When None, the pairs' own columns ``<property>_a`` and ``<property>_b``, as the
        format ``dissection`` reads them.
    coding : {"ternary", "normalised"}
        See :func:`workbench.factors.dissection_properties.properties`.
    legacy : bool
        Take what cannot be read for 0, as the paper does. It is missing otherwise, and the
        pair left out of a fit.

    Returns
    -------
    PreferenceData
        With a factor for each property that was rated at all, in the published order; the
        facts as columns of ``pairs``; notes in ``load_report`` of what was missing,
        unreadable or not applicable (:func:`rating_problems` counts them).

    Raises
    ------
    DesignError
        No property is rated, or one twice under two names.
    DataError
        The ratings name no pair of the data.

    Notes
    -----
    Ternary coding of a property with values a, b: :math:`\operatorname{sign}(a - b)`, with the
    exceptions of the paper. ``relevant`` differs only where one side alone is above 0; errors
    count :math:`\operatorname{sign}(b - a)`, and are missing where either side could not be
    checked, so that the pair is left out of every fit; ``repetitive`` has its sign turned;
    length follows a table. A property that applies to some queries only is 0 on the others;
    where a query's fact is unknown, it applies if either side is rated. ``lengthy`` is
    counted in the responses where the ratings hold no words.

    References
    ----------
    Li et al. (2024), "Dissecting human and LLM preferences", sections 2 and 3.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> first = data.pairs["pair_id"].iloc[:2].repeat(2)
    >>> table = pd.DataFrame({"pair_id": first, "side": list("abab"), "clear": [3, 1, 2, 2]})
    >>> scored = dissection_factors(data, table)
    >>> scored.factor_names, scored.factors["clear"].iloc[:2].tolist()
    (['clear', 'lengthy'], [1.0, 0.0])
    """
    specs = properties(coding)
    sides = _sides(data, ratings)
    rated = _rated(data, sides, np.nan if not legacy else 0.0)
    if not set(rated) - {"lengthy"}:
        raise DesignError(
            "No property of preference dissection is rated.",
            found="columns " + ", ".join(map(str, sides.columns)),
            expected="columns such as " + ", ".join(PROPERTY_NAMES[:4]),
            fix="See workbench.data.dissection_ratings.PROPERTY_NAMES for the names.",
        )
    coded: dict[str, Array] = {}
    values: dict[str, Array] = {}
    records = {}
    for spec in specs:
        if spec.name not in rated:
            continue
        found = rated[spec.name]
        spec = _as_rated(spec, sides)
        coded[spec.name], fitted = _coded(found, spec, legacy)
        values[f"{spec.name}_a"], values[f"{spec.name}_b"] = found.values.T
        records[spec.name] = {**spec.to_dict(), "coding": fitted.to_dict()}
    noted = replace(data, pairs=_with_facts(data, sides), load_report=_noted(data, sides, rated))
    return _ordered(noted.with_factors(pd.DataFrame(coded), pd.DataFrame(values), records))


def rating_problems(data: PreferenceData, ratings: pd.DataFrame | None = None) -> pd.DataFrame:
    """Count what is missing, unreadable or not applicable among ratings.

    Parameters
    ----------
    data : PreferenceData
    ratings : DataFrame, optional
        As for :func:`dissection_factors`.

    Returns
    -------
    DataFrame
        ``property, reason, n, n_pairs, example``: ratings, the pairs they concern, and one of
        them as ``pair side: value``. The property is empty where whole rows are concerned.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> pair = data.pairs["pair_id"].iloc[0]
    >>> table = pd.DataFrame({"pair_id": pair, "side": ["a", "b"], "clear": [3, "fine"]})
    >>> rating_problems(data, table).query("reason == 'unreadable'")["property"].tolist()
    ['clear']
    """
    sides = _sides(data, ratings)
    return _problems(data, sides, _rated(data, sides, np.nan))


def _sides(data: PreferenceData, ratings: pd.DataFrame | None) -> Sides:
    return from_pairs(data) if ratings is None else from_table(data, ratings)


def _rated(data: PreferenceData, sides: Sides, unreadable: float) -> dict[str, _Rated]:
    rated = {}
    for name in PROPERTY_NAMES:
        key = REPETITIVE if name == "non-repetitive" and REPETITIVE in sides.values else name
        if key in sides.values:
            read = [read_values(column, key, unreadable) for column in sides.values[key]]
        elif name == "lengthy":
            read = word_counts(data)
        else:
            continue
        values = np.column_stack([part[0] for part in read])
        trouble = np.column_stack([part[1] for part in read])
        if not (np.isfinite(values).any() or (trouble == UNREADABLE).any()):
            continue
        rated[name] = _Rated(values, trouble, _applies(sides, name, trouble))
    return _with_unchecked(rated)


def _applies(sides: Sides, name: str, trouble: NDArray[np.str_]) -> NDArray[np.bool_]:
    """Return where a property applies: as the query's fact says, else where a side is rated."""
    if name not in APPLIES:
        return np.ones(len(trouble), dtype=bool)
    known = (trouble != MISSING) & (trouble != INAPPLICABLE)
    given = np.asarray(known.any(axis=1))
    fact = APPLIES[name]
    if fact not in sides.facts:
        return given
    holds = read_facts(sides.facts[fact])
    if fact == "intent_clear":
        holds = 1.0 - holds
    return np.where(np.isnan(holds), given, holds == 1.0)


def _with_unchecked(rated: dict[str, _Rated]) -> dict[str, _Rated]:
    """Take all errors of a pair for unchecked where those of one severity are."""
    names = [name for name in ERRORS.values() if name in rated]
    if not names:
        return rated
    unchecked = np.stack([rated[name].trouble == INAPPLICABLE for name in names]).any(axis=0)
    for name in names:
        found = rated[name]
        values = np.where(unchecked, np.nan, found.values)
        trouble = np.where(unchecked, INAPPLICABLE, found.trouble)
        rated[name] = replace(found, values=values, trouble=trouble)
    return rated


def _as_rated(spec: FactorSpec, sides: Sides) -> FactorSpec:
    """Turn the sign of ``non-repetitive`` only where it is ``repetitive`` that was rated."""
    if spec.name != "non-repetitive" or REPETITIVE in sides.values:
        return spec
    return replace(spec, coding=replace(spec.coding, reverse=False))


def _coded(found: _Rated, spec: FactorSpec, legacy: bool) -> tuple[Array, Coding]:
    a, b = found.values.T
    if legacy and spec.name not in ERRORS.values():
        # the paper's score of "N/A" is 0, but a property that nobody rated has no difference
        a, b = np.where(found.trouble == INAPPLICABLE, 0.0, found.values).T
    coded, fitted = apply(a, b, spec.coding)
    coded = np.where(found.applies, coded, 0.0)
    return coded, fitted


def _ordered(data: PreferenceData) -> PreferenceData:
    """Return the data with the properties in the published order, after other factors."""
    names = data.factor_names
    others = [name for name in names if name not in PROPERTY_NAMES]
    mine = [name for name in PROPERTY_NAMES if name in names]
    return replace(data, factors=data.factors[["pair_id", *others, *mine]])


def _with_facts(data: PreferenceData, sides: Sides) -> pd.DataFrame:
    given = {name: written_facts(sides.facts[name]) for name in sorted(sides.new_facts)}
    return data.pairs.assign(**given) if given else data.pairs


def _problems(data: PreferenceData, sides: Sides, rated: dict[str, _Rated]) -> pd.DataFrame:
    rows = []
    for name, found in rated.items():
        for reason in (MISSING, UNREADABLE, INAPPLICABLE):
            bad = (found.trouble == reason) & found.applies[:, None]
            if not bad.any():
                continue
            row, side = np.argwhere(bad)[0].tolist()
            given = sides.values.get(name, sides.values.get(REPETITIVE))
            value = excerpt(given[side].iloc[row]) if given is not None else "no text"
            example = f"{data.pairs['pair_id'].iloc[row][:12]} {'ab'[side]}: {value}"
            rows.append((name, reason, int(bad.sum()), int(bad.any(axis=1).sum()), example))
    rows += [("", reason, n, 0, example) for reason, n, example in sides.problems]
    return pd.DataFrame(rows, columns=["property", "reason", "n", "n_pairs", "example"])


def _noted(data: PreferenceData, sides: Sides, rated: dict[str, _Rated]) -> LoadReport:
    """Return the load report with a note for each thing that could not be used as it stands."""
    problems = _problems(data, sides, rated)
    notes = []
    for reason, part in problems.groupby("reason", sort=True):
        whole = part["property"].eq("").all()
        parts = [f"{n} {r.n:,}" for r in part.itertuples() if (n := r.property)]
        where = "" if whole else f" ({', '.join(parts)})"
        notes.append(
            f"ratings: {part['n'].sum():,} {reason}{where}, such as {part['example'].iloc[0]}"
        )
    absent = [name for name in PROPERTY_NAMES if name not in rated]
    if absent:
        notes.append(f"ratings: no values of {', '.join(absent)}; no factor is made of them")
    report = data.load_report
    if report is None:
        n = len(data.labels)
        report = LoadReport("tables", "tables", n, n, len(data), n)
    return replace(report, notes=(*dict.fromkeys((*report.notes, *notes)),))
