"""The two halves of a screening, and what the selected factors predict on the second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from workbench.clustered import auc_and_error
from workbench.data.dataset import PreferenceData
from workbench.data.split import split
from workbench.decompose.design import POSITION, Design
from workbench.decompose.identify import identify
from workbench.decompose.kernel import Array, Cells, logistic
from workbench.decompose.logit import fit_logit
from workbench.errors import DesignError
from workbench.screening.kernel import Labels


@dataclass(frozen=True, eq=False)
class Half:
    """One half of the clusters: factors, controls and labels on its rows.

    Several labels may stand on one row: ``label_row`` is the row of each, ``label_y`` its
    preference.
    """

    X: Array
    controls: Array
    labels: Labels
    cluster_names: NDArray[np.str_]
    label_row: NDArray[np.int64]
    label_y: Array

    @property
    def n(self) -> int:
        """Number of labels."""
        return len(self.label_y)


def split_halves(
    data: PreferenceData,
    design: Design,
    controls: list[str],
    n_factors: int,
    train_share: float,
    seed: int,
) -> tuple[Half, Half, list[str]]:
    """Return the training and the held-out half, and the controls with a known position."""
    in_train = set(split(data, 1.0 - train_share, seed)[0].pairs["cluster"])
    rows, cells = design.compact(0)
    cluster = design.cluster[rows]
    train = np.array([name in in_train for name in design.cluster_names])[cluster]
    X = design.X[rows]
    if X[:, -1].any():
        controls = [*controls, POSITION]
    else:
        X = X[:, :-1]
    labels = Labels(cells.weight[:, 0], cells.votes[:, 0], cluster)
    at = np.searchsorted(rows, design.cell_row[design.label_cell])
    of_label = train[at]
    halves = []
    for keep in (train, ~train):
        mine = keep[at]
        if not mine.any():
            raise DesignError(
                "A half of the clusters has no usable label.",
                found=f"{int(of_label.sum())} labels for training, {int((~of_label).sum())} held "
                "out",
                expected="labels in both halves",
                fix="Pass another train_share or seed, or more data.",
            )
        names = design.cluster_names.to_numpy()[cluster[keep]]
        part = X[keep]
        halves.append(
            Half(
                X=part[:, :n_factors],
                controls=part[:, n_factors:],
                labels=labels.take(keep),
                cluster_names=names,
                label_row=(np.cumsum(keep) - 1)[at[mine]],
                label_y=design.label_preference[mine],
            )
        )
    return halves[0], halves[1], controls


def joint_auc(train: Half, test: Half, chosen: NDArray[np.bool_], level: float) -> pd.DataFrame:
    """Return the held-out AUC of joint fits to the training half, a row a model."""
    width = float(ndtri(0.5 + level / 2))
    decided = test.label_y != 0.5
    row, won = test.label_row[decided], test.label_y[decided] > 0.5
    cluster = test.labels.cluster[row]
    rows = []
    for model, use in (("selected and controls", chosen), ("controls", np.zeros_like(chosen))):
        parts = [np.column_stack([half.X[:, use], half.controls]) for half in (train, test)]
        auc, error, reason = np.nan, np.nan, None
        if parts[0].shape[1] == 0:
            reason = "no factor was selected" if use is chosen else "there are no controls"
        else:
            eta = parts[1] @ _joint_fit(parts[0], train)
            auc, error = auc_and_error(logistic(eta)[row], won, cluster)
            reason = None if np.isfinite(auc) else "all held-out labels are on one side, or tied"
        rows.append(
            {
                "model": model,
                "n_factors": parts[0].shape[1],
                "auc": auc,
                "auc_low": auc - width * error,
                "auc_high": auc + width * error,
                "n": int(decided.sum()),
                "n_clusters": len(np.unique(cluster)),
                "reason": reason,
            }
        )
    return pd.DataFrame(rows)


def _joint_fit(X: Array, train: Half) -> Array:
    X = np.ascontiguousarray(X)
    cells = Cells(train.labels.weight[:, None], train.labels.votes[:, None])
    n = np.array([train.n])
    active = identify(X, cells, [f"{k}" for k in range(X.shape[1])], n)[0].active[None]
    return np.asarray(fit_logit(X, cells, active=active, n_labels=n).coef[0])
