"""Kinds of values by theory: their shares, their weights, and judges side by side."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from workbench.compare.contrast import contrast
from workbench.data.dataset import PreferenceData
from workbench.decompose.decomposition import Decomposition, decompose
from workbench.decompose.design import POSITION
from workbench.decompose.errors.tidy import q_values
from workbench.decompose.labelled import Ties
from workbench.errors import WorkbenchError
from workbench.factors.listed import Listed, with_lists
from workbench.structure.values.choices import Choices, marginals
from workbench.structure.values.readings import with_readings
from workbench.structure.values.theories import Theories

METHOD = "joint logit of the theory's kinds, CR2 errors over clusters"


class ByTheory(NamedTuple):
    """What theories say of judges.

    Attributes
    ----------
    kinds, contrast, held_out : DataFrame
    left_out : list of dict
        Theories that could not be fitted: ``theory, reason``.
    """

    kinds: pd.DataFrame
    contrast: pd.DataFrame
    held_out: pd.DataFrame
    left_out: list[dict[str, str]]


def by_theory(
    data: PreferenceData,
    listed: Listed,
    theories: Theories,
    judges: list[Choices],
    reference: str | None,
    *,
    ties: Ties,
    folds: int,
    least: int,
    level: float,
    seed: int,
) -> ByTheory:
    """Decompose judges on the kinds of each theory, one fit a theory, and contrast them."""
    # a judge of few prompts leaves no fold to hold out, and has weights all the same
    folds = folds if min(one.clusters for one in judges) >= folds else 0
    known, kinds, gaps, scores, lost = set(listed.names), [], [], [], []
    for theory in theories.kinds:
        groups = theories.groups(theory, known)
        try:
            fit = _fitted(data, listed, theory, groups, ties, folds, level, seed)
        except WorkbenchError as error:
            lost.append({"theory": theory, "reason": error.what})
            continue
        held = listed.held(groups)
        shares = pd.concat([marginals(one, list(groups), held, least, level) for one in judges])
        kinds.append(_rows(theory, fit, shares))
        scores.append(fit.held_out.assign(theory=theory))
        if reference is not None and len(fit.groups) > 1:
            gaps.append(_contrast(theory, fit, reference, lost))
    table, gap = _joined(kinds), _joined(gaps)
    for column, p in (("q_value", "p_value"), ("joint_q", "joint_p")):
        if len(table):
            table[column] = q_values(table[p].to_numpy("float64"))
    if len(table):
        table = with_readings(table)
    if len(gap):
        gap["q_value"] = q_values(gap["p_value"].to_numpy("float64"))
    return ByTheory(table, gap, _joined(scores), lost)


def _fitted(
    data: PreferenceData, listed: Listed, theory: str, groups: dict[str, list[str]], ties: Ties,
    folds: int, level: float, seed: int,
) -> Decomposition:  # fmt: skip
    coded = with_lists(data, listed, groups, theory)
    names = [f"{theory}: {kind}" for kind in groups]
    options = {"ties": ties, "folds": folds, "level": level, "seed": seed}
    return decompose(coded, by="annotator", factors=names, **options)  # type: ignore[arg-type]


def _rows(theory: str, fit: Decomposition, shares: pd.DataFrame) -> pd.DataFrame:
    """Return shares and weights of a theory's kinds side by side."""
    weights = fit.to_frame()
    weights = weights[weights["term"] != POSITION]
    weights = weights.assign(term=weights["term"].str.removeprefix(f"{theory}: "))
    taken = {"estimate": "joint", "std_error": "joint_std_error", "conf_low": "joint_low",
             "conf_high": "joint_high", "p_value": "joint_p", "reason": "joint_reason",
             "per_sd": "joint_per_sd", "n_clusters": "joint_n_clusters"}  # fmt: skip
    weights = weights[["group", "term", *taken]].rename(columns=taken)
    both = shares.merge(weights, on=["group", "term"], how="left")
    both.insert(0, "theory", theory)
    return both.assign(joint_q=float("nan"), joint_method=METHOD)


def _contrast(
    theory: str, fit: Decomposition, reference: str, lost: list[dict[str, str]]
) -> pd.DataFrame:
    try:
        found = contrast(fit, reference).estimates
    except WorkbenchError as error:
        lost.append({"theory": theory, "reason": f"no contrast: {error.what}"})
        return pd.DataFrame()
    found = found[found["term"] != POSITION]
    found = found.assign(term=found["term"].str.removeprefix(f"{theory}: "))
    found.insert(0, "theory", theory)
    return found


def _joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    kept = [table for table in tables if len(table)]
    return pd.concat(kept, ignore_index=True) if kept else pd.DataFrame()
