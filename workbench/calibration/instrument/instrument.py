"""The verb that measures judges as instruments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.calibration.instrument.functioning import by_family, by_group, refuse_groups
from workbench.calibration.instrument.graded_judges import (
    GRADE_MARGINS,
    SEVERITY,
    changes_of,
    functioning_of,
    graded_judges,
    rows_of,
)
from workbench.calibration.instrument.judged import Judged, judged
from workbench.calibration.instrument.result import Instrument
from workbench.calibration.instrument.strength import HOW, SOURCES, Source, Strength, strength_of
from workbench.calibration.instrument.values import DISCRIMINATION, NULL, Value, row_of, values_of
from workbench.calibration.instrument.verdicts import Fit, Said, fit_verdicts
from workbench.calibration.instrument.versions import MARGINS, changes, two_versions
from workbench.data.dataset import PreferenceData
from workbench.decompose.errors.tidy import q_values
from workbench.errors import DesignError, level_option, refuse_out_of_range, seed_option, whole
from workbench.provenance import Provenance
from workbench.results import TIDY
from workbench.structure.named import named_once
from workbench.threads import on_one_thread

_METHOD = "ordered logit on the reference's strength ({}), t over clusters"
_RESIDUALS = "squares of residuals, t of logs over clusters"
_GRADED = {
    SEVERITY: "many-facet Rasch, pairwise conditional likelihood, t over clusters",
    DISCRIMINATION: "graded response, pairwise likelihood, t over clusters",
}
_COLUMNS = (*TIDY, "measure", "against", "n_clusters", "method", "reason")
_FUNCTIONING = (
    "term", "by", "group", "measure", "estimate", "std_error", "conf_low", "conf_high", "p_value",
    "q_value", "n", "value", "own", "n_clusters", "method", "reason",
)  # fmt: skip
_VERSIONS = (*TIDY, "old", "new", "margin", "equivalent", "n_clusters", "method", "reason")


@on_one_thread
def instrument(
    data: PreferenceData,
    judges: str | Sequence[str] | None = None,
    reference: str = "human",
    *,
    grades: str | None = None,
    strength: Source | None = None,
    factors: Sequence[str] | None = None,
    by: str | None = None,
    families: Mapping[str, Sequence[str]] | None = None,
    versions: Sequence[str] | None = None,
    margins: Mapping[str, float] | None = None,
    level: float = 0.95,
    folds: int = 5,
    seed: int = 0,
) -> Instrument:
    r"""Measure judges as instruments: how sharply and how severely each reads people's strength.

    Parameters
    ----------
    data : PreferenceData
    judges : str or sequence of str, optional
        Annotators; everybody who is no person, no gold and no reference when None.
    reference : str
        An annotator or a kind.
    grades : str, optional
        Column of the labels with each pair's grade, or the stem of two with those of the responses,
        such as ``grade`` of ``grade_a`` and ``grade_b``: judges are measured by grades, not
        verdicts, and people are one more grader where they graded. A grade counts once, whatever
        its weight; neither ``strength`` nor ``factors`` nor folds have a part in it.
    strength : {"votes", "models", "factors"}, optional
        What people's log-odds z for A are taken from; the first of these that the data have
        when None, factors where some are named.
    factors : sequence of str, optional
        Factors that tell the strength.
    by : str, optional
        Column of the pairs: each judge is measured in each group too, beside the others.
    families : mapping of str to sequence of str, optional
        Models of each family; by the letters that their names begin with when None.
    versions : two str, optional
        The old and the new version of a judge, compared on the pairs that both judged.
    margins : mapping of str to float, optional
        Changes that do not matter, by measure.
    level : float
    folds, seed : int
        Folds by prompt of strengths from models and factors.

    Returns
    -------
    Instrument

    Raises
    ------
    DataError
        A judge that the data do not have.
    DesignError
        No reference, no judge, one that is of the reference, nothing that tells how strongly
        people prefer, ``margins`` without ``versions``, or options that grades have no use for.

    Notes
    -----
    With z from people's labels alone, o = 1 where A was shown first and -1 where B was,

    .. math:: P(A) = \sigma(\eta - \tau),\quad P(B) = \sigma(-\eta - \tau),\quad
              \eta = a z + b\,o

    *Discrimination* is a as a multiple of people's own slope, *readiness to tie*
    :math:`\tanh(\tau / 2)`, the chance of a tie at z = 0, and *favour* b. From votes, z is not
    known but has a posterior under a normal distribution whose spread people's agreement tells
    (marginal likelihood by quadrature): noise of few votes does not make judges look blunt. From
    models and factors, z is a fit on other prompts. Exchanging A and B changes nothing. Errors
    are over clusters (prompts) and hold that of the spread; q-values are Benjamini and Hochberg's
    over the tests of a table.

    Of grades, *severity* is that of a many-facet Rasch model, by the likelihood of the grades of
    two judges given their sum. No quality of an item is estimated, as in joint maximum likelihood,
    which is biased. *Discrimination* is the slope of a graded response model on qualities of
    standard deviation 1, by the likelihood of pairs of judges over quadrature. A judge that shares
    no item with the others, over any chain, cannot be compared.

    References
    ----------
    Samejima (1969); Linacre (1989); Zwinderman (1995); Bock and Aitkin (1981); Wright and Masters
    (1982) on infit and outfit.

    Examples
    --------
    >>> import workbench as wb
    >>> found = wb.instrument(wb.load("sample"), ["sim-judge-length"])
    >>> found.to_frame()["measure"].tolist()[:2]
    ['discrimination', 'tie at equal strength']
    """
    names = named_once(factors)
    _refuse(strength, level, folds, seed, margins)
    _refuse_unused(grades, strength, names, versions, margins)
    if grades is not None:
        return _by_grades(data, judges, reference, grades, by, families, versions, margins, level,
                          seed)  # fmt: skip
    seen = judged(data, judges, reference)
    pair = None if versions is None else two_versions(versions, seen.judges)
    found = strength_of(seen.data, seen.people, source=strength, factors=names, folds=folds,
                        seed=seed)  # fmt: skip
    own = None if found.source == "votes" else _own_votes(found)
    people = None if own is None else fit_verdicts(own, found, seen.cluster)
    fits = {name: fit_verdicts(seen.said[name], found, seen.cluster) for name in seen.judges}
    method = _METHOD.format(HOW[found.source])
    favour, members = by_family(seen, found, families, level)
    groups = [] if by is None else by_group(seen, found, by, own, level)
    apart = MARGINS | dict(margins or {})
    changed = [] if pair is None else changes(seen, found, pair, people, reference, apart, level)
    settings: dict[str, Any] = {
        "judges": seen.judges, "reference": reference, "reference_is": data.noun(reference),
        "people": len(seen.people),
        "strength": found.source, "strength_is": HOW[found.source], "spread": found.spread,
        "n_pairs": int(found.known.sum()), "factors": names, "by": by,
        "families": members, "versions": pair, "margins": apart if pair else None,
        "level": level, "folds": folds,
    }  # fmt: skip
    return Instrument(
        estimates=_with_q(_rows(seen, fits, people, level), _COLUMNS).assign(method=method),
        misfit=_with_q(_misfit(fits, level), _COLUMNS).drop(columns=["p_value", "q_value"]),
        functioning=_with_q([*favour, *groups], _FUNCTIONING),
        versions=_with_q(changed, _VERSIONS),
        exclusions=seen.exclusions,
        settings=settings,
        provenance=Provenance.capture(seed=seed, dataset=data.digest),
    )


def _by_grades(
    data: PreferenceData, judges: str | Sequence[str] | None, reference: str, grades: str,
    by: str | None, families: Mapping[str, Sequence[str]] | None, versions: Sequence[str] | None,
    margins: Mapping[str, float] | None, level: float, seed: int,
) -> Instrument:  # fmt: skip
    seen = graded_judges(data, judges, reference, grades)
    if by is not None:
        refuse_groups(data, by)
    pair = None if versions is None else two_versions(versions, seen.judges)
    found, used = seen.values()
    rows, members = functioning_of(seen, by, families, level)
    apart = GRADE_MARGINS | dict(margins or {})
    changed = [] if pair is None else changes_of(seen, pair, apart, level)
    settings: dict[str, Any] = {
        "judges": seen.judges, "reference": reference, "reference_is": data.noun(reference),
        "people": len(seen.people),
        "strength": "grades", "strength_is": f"{grades}, severity from {seen.base}",
        "grades": used.values.tolist(), "cut": used.cut, "n_pairs": len(used.cluster),
        "by": by, "families": members, "versions": pair, "margins": apart if pair else None,
        "level": level,
    }  # fmt: skip
    table = _with_q(rows_of(found, seen.judges, (SEVERITY, DISCRIMINATION), level), _COLUMNS)
    fit = _with_q(rows_of(found, seen.judges, ("infit", "outfit"), level), _COLUMNS)
    return Instrument(
        estimates=table.assign(method=table["measure"].map(_GRADED)),
        misfit=fit.assign(method=_RESIDUALS).drop(columns=["p_value", "q_value"]),
        functioning=_with_q(rows, _FUNCTIONING),
        versions=_with_q(changed, _VERSIONS),
        exclusions=seen.exclusions,
        settings=settings,
        provenance=Provenance.capture(seed=seed, dataset=data.digest),
    )


def _refuse(
    strength: object, level: object, folds: object, seed: object,
    margins: Mapping[str, float] | None,
) -> None:  # fmt: skip
    refuse_out_of_range(
        {
            "strength": (strength is None or strength in SOURCES, strength, " or ".join(SOURCES)),
            "level": level_option(level),
            "folds": (whole(folds, 2), folds, "a whole number, 2 or more"),
            "seed": seed_option(seed),
        }
    )
    for name, margin in (margins or {}).items():
        if name not in {*MARGINS, *GRADE_MARGINS} or not margin > 0:
            raise DesignError(
                "The margins cannot be used.",
                found=f"{name}: {margin}",
                expected=f"numbers above 0 of {', '.join({**MARGINS, **GRADE_MARGINS})}",
                fix="Correct margins=.",
            )


def _refuse_unused(
    grades: str | None, strength: Source | None, factors: Sequence[str] | None,
    versions: Sequence[str] | None, margins: Mapping[str, float] | None,
) -> None:  # fmt: skip
    """Refuse options that would have no part in the result."""
    of = {"strength": strength, "factors": factors} if grades is not None else {}
    unused = [f"{name}={value!r}" for name, value in of.items() if value]
    if margins and versions is None:
        unused.append(f"margins={dict(margins)!r}")
    if unused:
        raise DesignError(
            "An option would have no part in the result.",
            found=", ".join(unused),
            expected="strength= and factors= without grades=, margins= with versions=",
            fix="Leave it out, or measure what it is of.",
        )


def _own_votes(strength: Strength) -> Said:
    """Return people's votes as verdicts, whose order nobody says."""
    votes = strength.votes
    parts = [(side, part) for side, part in enumerate((votes.b, votes.ties, votes.a))]
    pair = np.concatenate([np.flatnonzero(part > 0) for _, part in parts])
    side = np.concatenate([np.full(int((part > 0).sum()), k) for k, part in parts])
    weight = np.concatenate([part[part > 0] for _, part in parts])
    return Said(pair, np.zeros(len(pair), dtype=np.int64), side, weight)


def _rows(
    seen: Judged, fits: Mapping[str, Fit], people: Fit | None, level: float
) -> list[dict[str, Any]]:
    rows = []
    for name in seen.judges:
        for measure, value in values_of(fits[name], people).items():
            rows.append({"term": name, "measure": measure, "against": NULL[measure],
                         **row_of(measure, value, level)})  # fmt: skip
    return rows


def _misfit(fits: Mapping[str, Fit], level: float) -> list[dict[str, Any]]:
    return [
        {"term": name, "measure": kind, "method": _RESIDUALS,
         **row_of(kind, Value(found, pull, fit.share, fit.n,
                              fit.reasons[0] if np.isnan(found) else None), level)}
        for name, fit in fits.items()
        for kind, (found, pull) in fit.misfit.items()
    ]  # fmt: skip


def _with_q(rows: list[dict[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    table = pd.DataFrame(rows).reindex(columns=list(columns))
    table["q_value"] = q_values(table["p_value"].to_numpy("float64"))
    return table
