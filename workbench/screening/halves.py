"""The two halves of a screening, and what the selected factors predict on the second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import ndtri

from workbench.clustered import auc_and_error
from workbench.data.dataset import PreferenceData
from workbench.data.split import pairs_held_out
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
    columns: sparse.csc_array,
    train_share: float,
    seed: int,
) -> tuple[Half, Half, list[str]]:
    """Return the training and the held-out half, and the controls with a known position.

    Parameters
    ----------
    data : PreferenceData
    design : Design
        Of the controls.
    controls : list of str
    columns : sparse array, shape (pairs, P)
        The factors to screen, see :func:`factor_columns`.
    train_share : float
    seed : int
    """
    rows, cells = design.compact(0)
    cluster = design.cluster[rows]
    train = ~pairs_held_out(data, 1.0 - train_share, seed)[design.pair[rows]]
    if design.X[rows, -1].any():
        controls = [*controls, POSITION]
    beside = design.X[rows][:, [design.terms.index(name) for name in controls]]
    X = on_rows(columns, design.pair[rows])
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


def factor_columns(factors: pd.DataFrame) -> sparse.csc_array:
    """Return the columns of a table by their values that are not 0, NaN among them.

    A column at a time: all of them as they stand may not fit in memory, and need not.

    Parameters
    ----------
    factors : DataFrame
        Columns of numbers, pandas' sparse ones among them.

    Examples
    --------
    >>> table = pd.DataFrame({"a": [0.0] * 9 + [1.0], "b": [0.0] * 10})
    >>> factor_columns(table).nnz
    1
    """
    values: list[Array] = []
    places: list[NDArray[np.int32]] = []
    for _, column in factors.items():
        if isinstance(column.dtype, pd.SparseDtype) and column.dtype.fill_value == 0:
            place = column.array.sp_index.to_int_index().indices
            value = np.asarray(column.array.sp_values, dtype=np.float64)
            if not value.all():
                place, value = place[value != 0], value[value != 0]
        else:
            whole = column.to_numpy("float64")
            place = np.flatnonzero(whole)
            value = whole[place]
        values.append(value)
        places.append(place.astype(np.int32))
    ends = np.append(0, np.cumsum([len(place) for place in places]))
    parts = (np.concatenate(values), np.concatenate(places), ends)
    return sparse.csc_array(parts, shape=factors.shape)


def on_rows(columns: sparse.csc_array, rows: NDArray[np.int64]) -> Array | sparse.csc_array:
    """Return some rows of columns, sparse where most values are 0.

    Examples
    --------
    >>> on_rows(sparse.csc_array(np.eye(10)), np.arange(5)).nnz
    5
    >>> on_rows(sparse.csc_array(np.eye(2)), np.array([1, 1]))
    array([[0., 1.],
           [0., 1.]])
    """
    whole = len(rows) == columns.shape[0] and bool((rows == np.arange(len(rows))).all())
    found = columns if whole else sparse.csc_array(columns[rows])
    few = found.nnz <= _SPARSE * max(found.shape[0] * found.shape[1], 1)
    return found if few else np.asarray(found.toarray(), dtype=np.float64)


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
