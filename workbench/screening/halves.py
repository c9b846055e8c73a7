"""The two halves of a screening, and what the selected factors predict on the second."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import ndtri

from workbench.clustered import auc_and_error
from workbench.data.dataset import PreferenceData
from workbench.data.split import split
from workbench.decompose.design import POSITION, Design
from workbench.decompose.identify import identify
from workbench.decompose.kernel import Array, Cells, logistic
from workbench.decompose.logit import fit_logit
from workbench.errors import DesignError
from workbench.screening.kernel import Labels, in_full

_SPARSE = 0.15
"""Share of values that are not 0 up to which factors are held by those."""


@dataclass(frozen=True, eq=False)
class Half:
    """One half of the clusters: factors, controls and labels on its rows.

    Several labels may stand on one row: ``label_row`` is the row of each, ``label_y`` its
    preference.
    """

    X: Array | sparse.csc_array
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
    names: list[str],
    train_share: float,
    seed: int,
) -> tuple[Half, Half, list[str]]:
    """Return the training and the held-out half, and the controls with a known position.

    Parameters
    ----------
    data : PreferenceData
    design : Design
        Of the controls.
    controls, names : list of str
        Controls, and the factors to screen.
    train_share : float
    seed : int
    """
    bare = replace(data, factors=data.factors[[]])
    in_train = set(split(bare, 1.0 - train_share, seed)[0].pairs["cluster"])
    rows, cells = design.compact(0)
    cluster = design.cluster[rows]
    train = np.array([name in in_train for name in design.cluster_names])[cluster]
    if design.X[rows, -1].any():
        controls = [*controls, POSITION]
    beside = design.X[rows][:, [design.terms.index(name) for name in controls]]
    X = factor_columns(data.factors[names], design.pair[rows])
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
        halves.append(
            Half(
                X=X[np.flatnonzero(keep)],
                controls=beside[keep],
                labels=labels.take(keep),
                cluster_names=design.cluster_names.to_numpy()[cluster[keep]],
                label_row=(np.cumsum(keep) - 1)[at[mine]],
                label_y=design.label_preference[mine],
            )
        )
    return halves[0], halves[1], controls


def factor_columns(factors: pd.DataFrame, rows: NDArray[np.int64]) -> Array | sparse.csc_array:
    """Return the columns of a table on some of its rows, sparse where most values are 0.

    A column at a time: all of them as they stand may not fit in memory, and need not.

    Parameters
    ----------
    factors : DataFrame
        Columns of numbers, pandas' sparse ones among them.
    rows : ndarray of int

    Examples
    --------
    >>> table = pd.DataFrame({"a": [0.0] * 9 + [1.0], "b": [0.0] * 10})
    >>> factor_columns(table, np.arange(10)).nnz
    1
    """
    values, places = [], []
    for name in factors:
        column = factors[name].to_numpy("float64")[rows]
        place = np.flatnonzero(column)
        values.append(column[place])
        places.append(place.astype(np.int32))
    ends = np.append(0, np.cumsum([len(place) for place in places]))
    parts = (np.concatenate(values), np.concatenate(places), ends)
    found = sparse.csc_array(parts, shape=(len(rows), factors.shape[1]))
    return (
        found if ends[-1] <= _SPARSE * max(found.shape[0] * found.shape[1], 1) else found.toarray()
    )


def joint_auc(train: Half, test: Half, chosen: NDArray[np.bool_], level: float) -> pd.DataFrame:
    """Return the held-out AUC of joint fits to the training half, a row a model."""
    width = float(ndtri(0.5 + level / 2))
    decided = test.label_y != 0.5
    row, won = test.label_row[decided], test.label_y[decided] > 0.5
    cluster = test.labels.cluster[row]
    rows = []
    for model, use in (("selected and controls", chosen), ("controls", np.zeros_like(chosen))):
        parts = [
            np.column_stack([in_full(half.X[:, use]), half.controls]) for half in (train, test)
        ]
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
