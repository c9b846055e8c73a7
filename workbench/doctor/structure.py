"""Checks of the structure of disagreement: people with names, items that close triangles."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from workbench.doctor.checkup import Check, State
from workbench.doctor.facts import Facts
from workbench.doctor.fits import NO_FACTOR
from workbench.structure.labels import FEW_EACH, LEAST_EACH


def people(facts: Facts) -> Check:
    """Check whether people can be told apart."""
    name, command = "people", "workbench people DATA"
    if not facts.factors:
        return Check(name, command, "needs more", lacking=NO_FACTOR)
    labels = facts.people
    if len(labels) < 2:
        need = "names of two people or more (--map annotator=COLUMN --kind human)"
        return Check(name, command, "needs more", len(labels), "people", 2, lacking=need)
    mean = float(labels.mean())
    raters = facts.human_raters
    twice = raters.index[raters > 1]
    pairs = facts.data.pairs
    prompts = pairs.loc[pairs["pair_id"].isin(raters.index), "cluster"].nunique()
    shared = pairs.loc[pairs["pair_id"].isin(twice), "cluster"].nunique()
    also = f"of {len(labels):,} people; {shared:,} of {prompts:,} prompts have a pair with two"
    if mean < LEAST_EACH:
        need = "at least two labels of a person: with one each, nothing is about people"
        return Check(
            name, command, "needs more", int(mean), "label a person", LEAST_EACH, lacking=need
        )
    state: State = "yes" if mean >= FEW_EACH else "too small"
    return Check(name, command, state, int(mean), "labels a person", FEW_EACH, also=also)


def transitivity(facts: Facts) -> Check:
    """Check whether anything can be said of cycles between models."""
    name, command = "transitivity", "workbench transitivity DATA"
    pairs = facts.data.pairs
    named = pairs["model_a"].notna() & pairs["model_b"].notna()
    judged = pairs["pair_id"].isin(facts.verdicts["pair_id"])
    both = pairs.loc[named & judged, ["model_a", "model_b"]].to_numpy(dtype=object)
    names, code = np.unique(both.astype(str), return_inverse=True)
    if len(names) < 3:
        need = "names of three models or more (model_a, model_b)"
        return Check(name, command, "needs more", len(names), "models", 3, lacking=need)
    n = triangles(code.reshape(-1, 2), len(names))
    if not n:
        need = "three models that all met each other"
        return Check(name, command, "needs more", 0, "triangles of models", 1, lacking=need)
    return Check(name, command, "yes", n, "triangles of models", 1)


def triangles(edges: np.ndarray, items: int) -> int:
    """Return how many threes of items all met each other.

    Examples
    --------
    >>> triangles(np.array([[0, 1], [1, 2], [2, 0], [2, 0], [2, 3]]), 4)
    1
    """
    met = sparse.csr_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), (items, items))
    met = ((met + met.T) > 0).astype(np.float64)
    met.setdiag(0)
    return int((met @ met).multiply(met).sum() + 0.5) // 6
