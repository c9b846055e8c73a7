"""What the weights of one group predict for single pairs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from workbench.decompose.decomposition import Decomposition
from workbench.decompose.design import Design
from workbench.decompose.kernel import Array, logistic
from workbench.decompose.weights import Weights
from workbench.errors import DesignError
from workbench.provenance import Provenance

NOT_FITTED = "not in the fit: a factor value is missing, or nobody's label of it is usable"
"""Reason of a pair without a prediction."""

_SHOWN = {1.0: "ab", -1.0: "ba"}


class Fit(Protocol):
    """A fit whose predictions can be taken apart: a decomposition, a posterior, a bootstrap."""

    @property
    def design(self) -> Design:
        """The rows and labels that were fitted."""

    @property
    def settings(self) -> dict[str, Any]:
        """Options of the fit."""

    @property
    def provenance(self) -> Provenance:
        """Where the fit came from."""

    def weights(self) -> Weights:
        """Return the weights of all groups."""


@dataclass(frozen=True, eq=False)
class Coefficients:
    """Weights of one group on the terms of its design.

    Attributes
    ----------
    group : str
    terms : list of str
        The K terms: the factors, then the position where the fit has a weight for it.
    values : ndarray, shape (K,)
        NaN where undefined.
    covariance : ndarray, shape (K, K), or None
    draws : ndarray, shape (S, K), or None
    n : int
        Labels behind them.
    reasons : dict of str to str
        Why a term has no weight.
    method : str
    """

    group: str
    terms: list[str]
    values: Array
    covariance: Array | None
    draws: Array | None
    n: int
    reasons: dict[str, str]
    method: str


def are_among(pair_ids: pd.Series, among: Collection[str]) -> NDArray[np.bool_]:
    """Tell which pairs are among some, in a time that allows for all pairs of a large set.

    Examples
    --------
    >>> are_among(pd.Series(["p", "q"]), {"q", "r"}).tolist()
    [False, True]
    """
    wanted = pd.Index(pd.Series(list(among), dtype="str").unique())
    return np.asarray(wanted.get_indexer(pd.Index(pair_ids)) >= 0)


def coefficients_of(fit: Fit, group: str | None) -> Coefficients:
    """Return the coefficients of one group of a fit.

    A fit that gives no weight of the shown order predicts without it.

    Raises
    ------
    DesignError
        An unknown group, or none named where the fit has several.
    """
    weights = fit.weights()
    at = _position(weights.groups, group)
    name = weights.groups[at]
    if isinstance(fit, Decomposition):
        own = fit.fits[name]
        return Coefficients(
            name, fit.terms, own.coef, own.covariance, None, own.n, own.reasons, weights.method
        )
    values, terms = weights.values[at], weights.terms
    draws = None if weights.draws is None else weights.draws[:, at]
    whole = getattr(fit, "draws", None)
    if draws is not None and whole is not None and np.isfinite(whole[:, at, len(terms) :]).any():
        # a posterior also holds draws of the shown order, which its weights leave out
        draws, terms = whole[:, at], list(fit.design.terms)
        values = np.append(values, draws[:, -1].mean())
    covariance = None
    if draws is not None:
        draws = draws[np.isfinite(draws[:, np.isfinite(values)]).all(axis=1)]
        covariance = np.cov(draws, rowvar=False).reshape(2 * values.shape)
    reasons = {terms[k]: "the fit gives no weight" for k in np.flatnonzero(np.isnan(values))}
    n = int(weights.n[at])
    return Coefficients(name, terms, values, covariance, draws, n, reasons, weights.method)


def rows_of(
    design: Design, own: Coefficients, pairs: Sequence[str] | None
) -> tuple[pd.DataFrame, Array]:
    """Return the pairs of a group as rows, and their differences on its K terms.

    Parameters
    ----------
    design : Design
    own : Coefficients
        Of the group.
    pairs : sequence of str, optional
        ``pair_id`` values; by default all that the group labelled, by name.

    Returns
    -------
    rows : DataFrame
        ``pair_id, order_shown, label, n_labels, cluster, reason``. A pair labelled in both
        orders has two rows.
    values : ndarray, shape (rows, K)
        NaN where the design does not hold the pair.
    """
    labelled = _labelled(design, design.groups.index(own.group))
    if pairs is None:
        chosen = labelled
    else:
        asked = pd.DataFrame({"pair": _known(design, pairs)})
        chosen = asked.merge(labelled, on="pair", how="left")
    row = chosen["row"].fillna(-1).to_numpy("int64")
    pair = chosen["pair"].to_numpy("int64")
    values = np.where(row[:, None] >= 0, design.X[row], _elsewhere(design, pair))
    shown = pd.Series(values[:, -1]).map(_SHOWN).astype("str")
    cluster = _cluster_names(design, pair)
    reason = pd.Series([None] * len(row), dtype="str").mask(np.isnan(values[:, 0]), NOT_FITTED)
    table = pd.DataFrame(
        {
            "pair_id": design.pair_ids[pair],
            "order_shown": shown,
            "label": chosen["label"].to_numpy("float64"),
            "n_labels": chosen["n_labels"].fillna(0).to_numpy("int64"),
            "cluster": cluster,
            "reason": reason,
            "row": row,
        }
    )
    if pairs is None:
        table = table.sort_values(["pair_id", "order_shown"])
        values = values[table.index]
    columns = [design.terms.index(term) for term in own.terms]
    return table.reset_index(drop=True), values[:, columns]


def predict(rows: pd.DataFrame, values: Array, own: Coefficients, level: float) -> pd.DataFrame:
    """Add the predicted preference of each row, with its interval on the logit scale.

    Returns
    -------
    DataFrame
        ``rows`` and ``logit, prediction, prediction_low, prediction_high``.
    """
    known = np.isfinite(own.values)
    reason = rows["reason"]
    logit = values[:, known] @ own.values[known]
    if not known.any():
        logit = np.full(len(rows), np.nan)
        reason = reason.fillna("no weight could be estimated")
    half = np.full(len(rows), np.nan)
    if own.covariance is not None and known.any():
        part = own.covariance[np.ix_(known, known)]
        variance = np.einsum("nk,kl,nl->n", values[:, known], part, values[:, known], optimize=True)
        half = float(ndtri(0.5 + level / 2)) * np.sqrt(np.maximum(variance, 0.0))
    return rows.assign(
        logit=logit,
        prediction=logistic(logit.copy()),
        prediction_low=logistic(logit - half),
        prediction_high=logistic(logit + half),
        reason=reason,
    )


def _position(groups: list[str], group: str | None) -> int:
    if group is None and len(groups) == 1:
        return 0
    if group not in groups:
        raise DesignError(
            "Name one group." if group is None else f"There is no group {group!r}.",
            found=", ".join(groups),
            expected="one of the groups that were fitted",
            fix="Pass group= with one of these names.",
        )
    return groups.index(group)


def _labelled(design: Design, group: int) -> pd.DataFrame:
    mine = np.flatnonzero(design.cell_group == group)
    row = design.cell_row[mine]
    labels = np.bincount(design.label_cell, minlength=len(design.cell_group))
    return pd.DataFrame(
        {
            "pair": design.pair[row],
            "row": row,
            "label": design.sums[1, mine] / design.sums[0, mine],
            "n_labels": labels[mine],
        }
    )


def _known(design: Design, pairs: Sequence[str]) -> NDArray[np.int64]:
    at = design.pair_ids.get_indexer(pd.Index(pairs))
    if not len(at) or (at < 0).any():
        missing = [name for name, place in zip(pairs, at, strict=True) if place < 0]
        raise DesignError(
            f"The fit has no pair {missing[0]!r}." if missing else "No pair was asked for.",
            found=f"{len(missing)} unknown of {len(at)} pairs",
            expected="pair_id values of the data that were fitted",
            fix="Take them from data.pairs['pair_id'].",
        )
    return np.asarray(at, dtype=np.int64)


def _elsewhere(design: Design, pair: NDArray[np.int64]) -> Array:
    """Return the differences of pairs that others labelled, without a shown order."""
    row_of = np.full(len(design.pair_ids), -1)
    row_of[design.pair] = np.arange(len(design.pair))
    row = row_of[pair]
    values = np.where(row[:, None] >= 0, design.X[row], np.nan)
    values[row >= 0, -1] = 0.0
    return values


def _cluster_names(design: Design, pair: NDArray[np.int64]) -> pd.Series:
    code_of = np.full(len(design.pair_ids), -1)
    code_of[design.pair] = design.cluster
    names = design.cluster_names.take(np.maximum(code_of[pair], 0))
    return pd.Series(np.asarray(names), dtype="str").where(code_of[pair] >= 0)
