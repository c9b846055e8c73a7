"""The verb that says which values a judge's choices hold to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.decompose.design import POSITION, build_design
from workbench.decompose.errors.tidy import q_values
from workbench.decompose.labelled import Ties
from workbench.errors import DesignError, level_option, refuse_out_of_range, seed_option, whole
from workbench.factors.listed import Listed, read_lists, with_lists
from workbench.provenance import Provenance
from workbench.results import TIDY
from workbench.structure.values import choices, joint
from workbench.structure.values.by_theory import ByTheory, by_theory
from workbench.structure.values.choices import Choices, choices_of, judges_in, marginals
from workbench.structure.values.readings import with_readings
from workbench.structure.values.result import Values
from workbench.structure.values.theories import Table, Theories, read_theories, theories_in
from workbench.threads import on_one_thread

LEAST = 10
"""Decisions that a value must tell apart for a weight of its own, where nothing else is said."""

_JOINT = {"estimate": "joint", "std_error": "joint_std_error", "conf_low": "joint_low",
          "conf_high": "joint_high", "p_value": "joint_p", "reason": "joint_reason",
          "companion": "companion", "correlation": "correlation"}  # fmt: skip
_COLUMNS = (
    "group", *TIDY, "n_clusters", "n_differ", "n_both", "joint", "joint_std_error", "joint_low",
    "joint_high", "joint_p", "joint_q", "companion", "correlation", "companion_joint", "reading",
    "method", "joint_method", "reason", "joint_reason",
)  # fmt: skip


@on_one_thread
def values(
    data: PreferenceData,
    *,
    column: str = "values",
    theories: Table | None = None,
    annotators: str | Iterable[str] | None = None,
    reference: str | None = None,
    separator: str | None = None,
    least: int = LEAST,
    ties: Ties = "half",
    folds: int = 5,
    level: float = 0.95,
    seed: int = 0,
) -> Values:
    r"""Say which values choices hold to: as they come in bundles, and each at given others.

    .. math:: m_v = 100 \Big(\frac{\text{selected}}{\text{total}} -
              \frac{\text{neglected}}{\text{total}}\Big), \qquad
              \log \frac{P(A)}{P(B)} = \sum_v b_v (1[v \in A] - 1[v \in B]) + \pi s

    Parameters
    ----------
    data : PreferenceData
        Pairs with ``column_a`` and ``column_b``, the lists of what each response holds
        (:func:`workbench.factors.from_lists`).
    column : str
    theories : str, Path, DataFrame or mapping, optional
        Of what kind each value is, a column a theory
        (:func:`workbench.structure.values.theories.read_theories`). What the file says in
        columns ``theory_NAME_a`` and ``_b`` when None.
    annotators : str or iterable of str, optional
        Judges; a kind stands for all of it as one. Everybody, people as one, when None.
    reference : str, optional
        Judge beside whom the others are put; people, or else the first by name, when None.
    separator : str, optional
        What parts the names of a cell that is no list.
    least : int
        Decisions that a value must tell apart for a weight and a test of its own. Rarer ones are
        pooled in the joint fit, and counted.
    ties : {"half", "drop"}
    folds : int
        Of prompts, 3 at least: they choose the ridge.
    level : float
    seed : int
        Of the folds.

    Returns
    -------
    Values

    Raises
    ------
    DesignError
        No such lists, an option out of range, or no label that can be used.
    DataError
        An annotator that the data do not have, or a table of theories that says nothing.

    Notes
    -----
    The share is a *marginal* of correlated values: an action that holds one holds others. The
    joint weights come from a logistic fit of all values with a ridge chosen on held-out prompts;
    of theories, whose kinds are few, from a fit without a penalty. A value whose clear share and
    whose joint weight differ in sign is named with the value that it comes with most.

    References
    ----------
    Chiu et al. (2025), *DailyDilemmas*, arXiv:2410.02683, for the marginal, as read in the code
    of kellycyy/daily_dilemmas at 3b579ab; Hoerl and Kennard (1970) for the ridge; Wahba (1983)
    and Nychka (1988) for its intervals; Bell and McCaffrey (2002) for the theories' errors.

    Examples
    --------
    >>> import workbench as wb
    >>> from workbench.structure.values.planted import planted_dilemmas
    >>> data, truth = planted_dilemmas(dilemmas=200, weights={"care": 2.0, "fame": -1.0})
    >>> found = wb.values(data)
    >>> table = found.to_frame().set_index("term")
    >>> bool(table.loc["care", "joint"] > 0 > table.loc["fame", "joint"])
    True
    """
    refuse_out_of_range(
        {
            "least": (whole(least, 2), least, "2 or more"),
            "folds": (whole(folds, 3), folds, "3 or more"),
            "level": level_option(level),
            "seed": seed_option(seed),
        }
    )
    listed = read_lists(data, column, separator=separator)
    kinds = theories_in(data, column) if theories is None else read_theories(theories)
    chosen = judges_in(data, annotators)
    names = listed.names
    coded = with_lists(chosen, listed, {name: (name,) for name in names})
    factors = [f"{column}: {name}" for name in names]
    design = build_design(coded, by=["annotator"], factors=factors, ties=ties)
    judges = [choices_of(design, group) for group in sorted(design.groups)]
    held = listed.held({name: (name,) for name in names})
    table, scores = _estimates(judges, names, held, least, folds, level, seed)
    first = _reference(reference, judges)
    found = _theories(
        chosen, listed, kinds, judges, first,
        ties=ties, folds=folds, least=least, level=level, seed=seed,
    )  # fmt: skip
    settings: dict[str, Any] = {
        "column": column,
        "separator": listed.separator,
        "judges": [one.name for one in judges],
        "reference": first,
        "least": least,
        "ties": ties,
        "folds": folds,
        "level": level,
        "n_values": len(names),
        "n_pairs": len(np.unique(np.concatenate([one.pair for one in judges]))),
        "theories": list(kinds.kinds) if kinds else [],
        "theories_from": kinds.source if kinds else None,
        "position": bool((design.X[:, design.terms.index(POSITION)] != 0).any()),
        "notes": _notes(kinds, names, found),
    }
    return Values(
        estimates=table,
        theories=found.kinds,
        contrast=found.contrast,
        held_out=scores,
        theories_held_out=found.held_out,
        rare=_rare(table),
        exclusions=design.exclusions,
        settings=settings,
        provenance=Provenance.capture(seed=seed, dataset=data.digest),
    )


def _estimates(
    judges: list[Choices], names: list[str], held: tuple[Any, Any], least: int, folds: int,
    level: float, seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:  # fmt: skip
    """Return shares and joint weights of all judges side by side, and the held-out scores."""
    rows, scores = [], []
    for judge in judges:
        shares = marginals(judge, names, held, least, level)
        fit = joint.joint_weights(judge, names, held[0] - held[1], least, folds, level, seed)
        weights = fit.table[list(_JOINT)].rename(columns=_JOINT)
        both = shares.join(weights, on="term")
        if joint.RARE in weights.index:
            more = weights.loc[[joint.RARE]].reset_index(names="term")
            more = more.assign(group=judge.name, n_differ=fit.table.loc[joint.RARE, "n"],
                               reason="several values: no one share")  # fmt: skip
            both = pd.concat([both, more], ignore_index=True)
        both["companion_joint"] = both["companion"].map(weights["joint"]).astype("float64")
        rows.append(both)
        scores.append(fit.held_out)
    table = pd.concat(rows, ignore_index=True)
    table["q_value"] = q_values(table["p_value"].to_numpy("float64"))
    table["joint_q"] = q_values(table["joint_p"].to_numpy("float64"))
    table = with_readings(table).assign(method=choices.METHOD, joint_method=joint.METHOD)
    return table.reindex(columns=list(_COLUMNS)), pd.DataFrame(scores)


def _reference(reference: str | None, judges: list[Choices]) -> str | None:
    names = [one.name for one in judges]
    if reference is not None and reference not in names:
        raise DesignError(
            f"There is no judge {reference!r} to put others beside.",
            found=", ".join(names),
            expected="one of the judges that have labels here",
            fix="Name one of these: reference= (--reference).",
        )
    if len(names) < 2:
        return None
    return reference or ("human" if "human" in names else names[0])


def _theories(
    data: PreferenceData, listed: Listed, kinds: Theories | None, judges: list[Choices],
    reference: str | None, **options: Any,
) -> ByTheory:  # fmt: skip
    if kinds is None:
        return ByTheory(pd.DataFrame(), pd.DataFrame(), pd.DataFrame(), [])
    return by_theory(data, listed, kinds, judges, reference, **options)


def _rare(table: pd.DataFrame) -> pd.DataFrame:
    """Return the values that have no joint weight, and why."""
    rows = table[table["joint"].isna()]
    rows = rows[["group", "term", "n", "n_differ", "joint_reason"]]
    return rows.rename(columns={"joint_reason": "reason"}).reset_index(drop=True)


def _notes(kinds: Theories | None, names: list[str], found: ByTheory) -> list[str]:
    notes = [f"theory {row['theory']}: {row['reason']}" for row in found.left_out]
    for theory, of in kinds.kinds.items() if kinds else ():
        without = [name for name in names if name not in of]
        if without:
            shown = ", ".join(without[:5]) + (" and others" if len(without) > 5 else "")
            notes.append(f"theory {theory}: {len(without):,} of {len(names):,} values have no kind "
                         f"({shown}); they are in no sum")  # fmt: skip
    return notes
