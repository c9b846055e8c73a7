"""What is said of a fit: over what it generalises, its warnings, its held-out scores."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.data.alike.clusters import PROMPT
from workbench.decompose.design import ANNOTATOR, CLUSTER, ENOUGH_PEOPLE, POSITION, Design
from workbench.decompose.group_fit import GroupFit
from workbench.decompose.identify import HIGH_CONDITION, HIGH_VIF
from workbench.reasons import Missing


def generalises_over(fit: GroupFit) -> str:
    """Say what the intervals of a fit generalise over."""
    names = {CLUSTER: "clusters of prompts", ANNOTATOR: "annotators"}
    over = " and ".join(names.get(name, name) for name in fit.dimensions) or "labels"
    over += "".join(f", for one {name}" for name in fit.single)
    if fit.people > 1 and ANNOTATOR not in fit.dimensions:
        return f"{over}, for these {fit.people} annotators"
    return over


def warnings_of(fit: GroupFit, terms: list[str]) -> list[str]:
    """Return what a reader should know before trusting a weight of a fit."""
    lost: dict[str, list[str]] = {}
    for row in missing_of(fit):
        lost.setdefault(row.reason, []).append(row.term)
    none = [f"no weight for {', '.join(names)}: {reason}" for reason, names in lost.items()]
    return [*none, *doubts_of(fit, terms)]


def missing_of(fit: GroupFit) -> list[Missing]:
    """Return the factors of a fit that have no weight, and why."""
    lost = fit.reasons.items()
    return [Missing(fit.name, term, reason) for term, reason in lost if term != POSITION]


def doubts_of(fit: GroupFit, terms: list[str]) -> list[str]:
    """Return the warnings of a fit about the weights that it has."""
    found = fit.identification
    texts = []
    if found.collinear:
        names = ", ".join(found.collinear)
        texts.append(
            f"collinear factors {names} (condition number {found.condition_number:.0f} > "
            f"{HIGH_CONDITION:.0f}): their single weights are hardly told apart"
        )
    else:
        with np.errstate(invalid="ignore"):
            inflated = np.flatnonzero(found.vif > HIGH_VIF)
        if len(inflated):
            names = ", ".join(f"{terms[k]} ({found.vif[k]:.1f})" for k in inflated)
            texts.append(f"variance inflated by collinearity: {names}")
    if fit.people > 1 and ANNOTATOR not in fit.dimensions:
        why = "too few to generalise over" if fit.people < ENOUGH_PEOPLE else "not clustered by"
        texts.append(
            f"{fit.people} annotators are pooled, {why}: what is said holds for these annotators"
        )
    # that one judge is one annotator needs no warning
    for name in (one for one in fit.single if one != ANNOTATOR):
        kept = " and ".join(fit.dimensions)
        texts.append(f"all labels are of one {name}: errors are by {kept} only")
    if not fit.dimensions and 0 < fit.n_clusters < fit.n:
        texts.append("labels of one cluster are taken for independent: errors may be too small")
    return texts


def without_cluster(design: Design, group: int) -> list[str]:
    """Return how many labels of a group do not say of which cluster they are.

    Parameters
    ----------
    design : Design
    group : int
        Its position among the design's groups.
    """
    # a pair without the text of its prompt has its cluster
    named = [name for name in design.clustered_by if name not in (CLUSTER, PROMPT)]
    texts = []
    for name in named:
        lacking = design.lacking(group, name)
        if lacking:
            texts.append(
                f"{lacking:,} of {int(design.n_labels[group]):,} labels have no {name}: each is a "
                "cluster of its own in that dimension"
            )
    return texts


def score_text(row: Any) -> str:
    """Return one row of the held-out scores as text."""
    if not np.isfinite(row.accuracy):
        return f", {row.predictor}: undefined: {row.reason}"
    ends = f"[{row.accuracy_low:.3f}, {row.accuracy_high:.3f}]"
    interval = ends if np.isfinite(row.accuracy_low) else f"({row.reason})"
    auc = f"AUC {row.auc:.3f}, " if np.isfinite(row.auc) else ""
    return (
        f", {row.predictor}: accuracy {row.accuracy:.3f} {interval}, {auc}"
        f"log-loss {row.log_loss:.3f}, Brier {row.brier:.3f}, n = {row.n:,}"
    )
