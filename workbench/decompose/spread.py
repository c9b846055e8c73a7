"""How much each factor differs among the labels of each group."""

from __future__ import annotations

import numpy as np

from workbench.decompose.design import Design
from workbench.decompose.kernel import Array


def label_sd(design: Design) -> Array:
    """Return the standard deviation of each coded difference among each group's labels.

    Returns
    -------
    ndarray, shape (groups, terms)
        About 0, as :func:`workbench.standardised.difference_sd`; the last term is the shown
        order.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> fit = wb.decompose(data, annotator="human", factors=["words"], folds=0)
    >>> label_sd(fit.design).shape
    (1, 2)
    """
    return np.stack([group_sd(design, group) for group in range(len(design.groups))])


def group_sd(design: Design, group: int) -> Array:
    """Return the same of one group, by its position, shape (terms,)."""
    return design.sd(group)
