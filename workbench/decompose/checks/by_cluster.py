"""A fit laid out by the clusters that were asked for, so that its tests are by them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.decompose.decomposition import Decomposition
from workbench.decompose.design import CLUSTER, Design, cell_sums


def by_cluster(fit: Decomposition, name: str) -> Decomposition:
    """Return a fit whose design's rows are of one cluster of a dimension each.

    Weights and labels are the same; a row that labels of several clusters share stands once
    for each.

    Parameters
    ----------
    fit : Decomposition
    name : str
        A dimension of its design.
    """
    if name == CLUSTER:
        return fit
    design, row = _laid_out(fit.design, name)
    fits = {
        group: replace(own, decided=np.flatnonzero(np.isin(row, own.decided)))
        for group, own in fit.fits.items()
    }
    return replace(fit, fits=fits, design=design)


def _laid_out(design: Design, name: str) -> tuple[Design, NDArray[np.int64]]:
    """Return the design by a dimension's clusters, and the old row of each of its rows."""
    old, group = design.cell_row[design.label_cell], design.cell_group[design.label_cell]
    distinct, new = np.unique(design.codes[name] * len(design.X) + old, return_inverse=True)
    cluster, row = np.divmod(distinct, len(design.X))
    cell, cell_of = np.unique(new * len(design.groups) + group, return_inverse=True)
    names = pd.Series(design.code_names[name], dtype="str")
    alone = pd.Series(f"(no {name}) " + names.index.astype("str"), dtype="str")
    laid_out = replace(
        design,
        X=design.X[row],
        pair=design.pair[row],
        cluster=cluster,
        cluster_names=pd.Index(names.fillna(alone)),
        cell_row=cell // len(design.groups),
        cell_group=cell % len(design.groups),
        sums=cell_sums(design.label_weight, design.label_preference, cell_of, len(cell)),
        repeated=len(cell) < len(cell_of),
        label_cell=cell_of,
    )
    return laid_out, row
