"""What a posterior says of itself: which weights the data reach, how well the chains mixed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.decompose.design import Design
from workbench.decompose.kernel import Array
from workbench.decompose.sampling.sampler import Draws

HIGH_RHAT = 1.05
FEW_DRAWS = 200
"""Effective draws below which tail quantiles are not to be trusted."""


def with_position(design: Design, found: Draws, terms: int) -> tuple[Array, Array, Array]:
    """Return draws (S, J, terms), effective sizes and R-hats; NaN where no order was shown."""
    J, S, fitted = found.values.shape
    draws = np.full((S, J, terms), np.nan)
    ess, rhat = np.full((J, terms), np.nan), np.full((J, terms), np.nan)
    draws[:, :, :fitted] = found.values.transpose(1, 0, 2)
    ess[:, :fitted], rhat[:, :fitted] = found.ess, found.rhat
    if terms == len(design.terms):
        unknown = ~varies(design)[:, -1]
        draws[:, unknown, -1], ess[unknown, -1], rhat[unknown, -1] = np.nan, np.nan, np.nan
    return draws, ess, rhat


def varies(design: Design) -> NDArray[np.bool_]:
    """Return which terms are not 0 on all rows of a group, shape (J, K)."""
    reached = np.zeros((len(design.groups), len(design.terms)), dtype=bool)
    order = np.argsort(design.cell_group, kind="stable")
    ends = np.searchsorted(design.cell_group[order], np.arange(len(reached) + 1))
    for group in range(len(reached)):
        reached[group] = design.X[design.cell_row[order[ends[group] : ends[group + 1]]]].any(axis=0)
    return reached


def diagnostics(design: Design, found: Draws, terms: int) -> pd.DataFrame:
    """One row a group: counts, how well the chains mixed, and warnings."""
    reached = varies(design)
    lines = []
    for j, group in enumerate(design.groups):
        mine = design.cell_group == j
        rows, weight, votes = design.cell_row[mine], *design.sums[:2, mine]
        line = {
            "group": group,
            "n": int(design.n_labels[j]),
            "n_clusters": len(np.unique(design.cluster[rows])),
            "draws": found.values.shape[1],
            "smallest_ess": float(found.ess[j].min()),
            "largest_rhat": float(found.rhat[j].max()),
            "acceptance": float(found.acceptance[j]),
            "moves_per_draw": int(found.effort[j]),
        }
        absent = [design.terms[k] for k in np.flatnonzero(~reached[j, :-1])]
        line["warnings"] = "; ".join(_warnings(line, terms, absent, weight, votes))
        lines.append(line)
    return pd.DataFrame(lines)


def _warnings(
    line: dict[str, Any], terms: int, absent: list[str], weight: Array, votes: Array
) -> list[str]:
    texts = []
    if line["n"] < terms:
        texts.append(f"fewer labels ({line['n']}) than terms ({terms}): the prior decides much")
    if absent:
        texts.append(f"no difference on {', '.join(absent)}: posterior equals prior")
    if not votes.any() or np.array_equal(votes, weight):
        texts.append("every label prefers the same side: only the prior bounds the weights")
    if line["smallest_ess"] < FEW_DRAWS or line["largest_rhat"] > HIGH_RHAT:
        texts.append(
            f"the chains mixed badly (effective size {line['smallest_ess']:.0f}, R-hat "
            f"{line['largest_rhat']:.2f}): take more draws, or a tighter prior"
        )
    return texts
