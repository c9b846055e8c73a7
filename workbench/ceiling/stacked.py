"""What the factors and the black boxes say of prompts that they have not seen, and all weighed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logit

from workbench.ceiling.ridge import ridge_logit
from workbench.ceiling.rows import BlackBox, Rows
from workbench.decompose.design import Design
from workbench.decompose.group_fit import GroupFit
from workbench.decompose.held_out import fit_predictions
from workbench.decompose.kernel import Array, Cells, Codes
from workbench.decompose.scores.shared_training import CERTAIN

FACTORS, CEILING = "factors", "ceiling"
"""The fit whose share is wanted, and the best weighting of everything, itself among it."""

_DRAWN = 4.0
"""Ridge penalty that draws to the factors alone: weights of 1 and 0, with half a unit's doubt."""


@dataclass(frozen=True, eq=False)
class FactorFit:
    """The logit of the factors, fitted as :func:`workbench.decompose` fits its held-out folds.

    Attributes
    ----------
    name : str
    design : Design
        Of one group.
    fit : GroupFit
    place : ndarray of int, shape (n,)
        Design row of each row.
    """

    name: str
    design: Design
    fit: GroupFit
    place: Codes

    def predict(self, rows: Rows, train: Codes, test: Codes, inner: Codes) -> tuple[Array, Array]:
        """Return log-odds of training and test rows; see :class:`workbench.ceiling.rows.BlackBox`.

        NaN where a training part cannot be fitted.
        """
        both = np.concatenate([train, test])
        outside = np.r_[np.zeros(len(train)), np.ones(len(test))].astype(np.int64)
        return self._fold(rows, train, inner), self._fold(rows, both, outside)[len(train) :]

    def _fold(self, rows: Rows, part: Codes, fold: Codes) -> Array:
        row_fold = np.zeros(len(self.design.X), dtype=np.int64)
        row_fold[self.place[part]] = fold
        cells = Cells(rows.weight[part, None], rows.votes[part, None])
        found = fit_predictions(self.design, [self.fit], [0], self.place[part], cells, row_fold)
        p = found[self.place[part], 0]
        return np.asarray(logit(np.clip(p, CERTAIN, 1 - CERTAIN)))


def out_of_fold(
    rows: Rows, factors: BlackBox, boxes: Sequence[BlackBox]
) -> tuple[dict[str, Array], Array]:
    r"""Return log-odds of every predictor where it was not trained, and the ceiling's weights.

    The ceiling is :math:`\sum_m a_m \eta_m` with weights :math:`a_m \ge 0` of the least log-loss
    on the inner folds of the training (Wolpert 1992; van der Laan, Polley and Hubbard 2007): what
    each predictor is worth is never looked up in the labels on which it is scored. A ridge penalty
    draws to the factors as they are; without it, few labels let noise of black boxes in, and a
    share of 1 came out as 1.05.

    Parameters
    ----------
    rows : Rows
    factors : BlackBox
        The factors' own fit.
    boxes : sequence of BlackBox

    Returns
    -------
    log_odds : dict of str to ndarray, shape (n,)
        By predictor.
    weights : ndarray, shape (folds, 1 + boxes)
    """
    every = [factors, *boxes]
    found = {box.name: np.full(len(rows.fold), np.nan) for box in every}
    found[CEILING] = np.full(len(rows.fold), np.nan)
    weights = []
    for f in np.unique(rows.fold):
        train, test = np.flatnonzero(rows.fold != f), np.flatnonzero(rows.fold == f)
        inner = rows.inner(train)
        said = [box.predict(rows, train, test, inner) for box in every]
        within = np.column_stack([one for one, _ in said])
        beyond = np.column_stack([one for _, one in said])
        alone = np.r_[1.0, np.zeros(len(boxes))]
        each = ridge_logit(
            np.nan_to_num(within), rows.weight[train], rows.votes[train], _DRAWN, alone,
            centre=alone, least=0.0,
        )  # fmt: skip
        weights.append(each)
        for box, one in zip(every, beyond.T, strict=True):
            found[box.name][test] = one
        found[CEILING][test] = beyond @ each
    return found, np.array(weights)
