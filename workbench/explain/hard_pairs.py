"""The pairs that a fit gets most wrong, those that divide two annotators, and why."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from workbench.data.split import folds as fold_numbers
from workbench.decompose.decomposition import Decomposition
from workbench.decompose.held_out import fit_predictions
from workbench.decompose.kernel import Array
from workbench.errors import DesignError
from workbench.explain.attribution import Attribution, Scale, attribute
from workbench.explain.predicted import (
    Coefficients,
    Fit,
    are_among,
    coefficients_of,
    predict,
    rows_of,
)
from workbench.threads import on_one_thread

BLAMED = 3
"""Factors named for each pair."""


@on_one_thread
def most_wrong(
    fit: Fit,
    group: str | None = None,
    *,
    n: int = 20,
    among: Collection[str] | None = None,
    scale: Scale = "probability",
) -> pd.DataFrame:
    r"""Return the pairs on which a fit's prediction is furthest from the labels.

    Ordered by log-loss :math:`-y \log p - (1 - y) \log(1 - p)`, with y the mean label and p
    the held-out prediction where the fit was made with folds (the same folds), otherwise
    the fitted one; ``method`` says which.

    Parameters
    ----------
    fit : Decomposition, or any fit with a design and weights
    group : str, optional
        May be left out where the fit has one group.
    n : int
        Pairs returned at most.
    among : collection of str, optional
        Only these ``pair_id`` values.
    scale : {"probability", "logit"}
        Of the shares.

    Returns
    -------
    DataFrame
        One row a pair and shown order, the worst first: ``pair_id, group, order_shown,
        label, n_labels, prediction, log_loss``; ``fitted`` with ``fitted_low`` and
        ``fitted_high``, the prediction whose shares follow; ``factor_1, share_1``, ...: the
        factors that push it furthest to the wrong side; ``n`` labels behind the weights;
        ``method``. Pairs without a prediction are left out.

    Raises
    ------
    DesignError
        An unknown group, or ``n`` below 1.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> human = wb.decompose(data, annotator="human", factors=["words"])
    >>> worst = most_wrong(human, n=3)
    >>> len(worst), bool(worst["log_loss"].is_monotonic_decreasing)
    (3, True)
    """
    _check(n)
    table, how = _losses(fit, group)
    table = (
        _only(table, among)
        .sort_values(
            ["log_loss", "pair_id", "order_shown"], ascending=[False, True, True], kind="stable"
        )
        .head(n)
    )
    table = table.reset_index(drop=True)
    if table.empty:
        return _with_blame(table, np.empty((0, 1)), ["(none)"], {"share": np.empty((0, 1))})
    shares = _matching(fit, table, scale)
    wrong = np.sign(table["fitted"] - table["label"]).to_numpy()[:, None]
    pushed = np.nan_to_num(shares.shares) * wrong
    table = _with_blame(table, pushed, shares.coefficients.terms, {"share": shares.shares})
    return table.assign(n=shares.coefficients.n, method=f"{how}; shares: {shares.method}")


@on_one_thread
def disagreements(
    fit: Fit,
    a: str,
    b: str,
    *,
    against: Fit | None = None,
    n: int = 20,
    among: Collection[str] | None = None,
    scale: Scale = "probability",
) -> pd.DataFrame:
    """Return the pairs on which two annotators choose opposite sides, and the factors behind.

    Ordered by the difference of their mean labels, then by how far the two fits'
    predictions (in logits) lie apart in the same direction: pairs whose disagreement the
    factors explain come first.

    Parameters
    ----------
    fit : Decomposition, or any fit with a design and weights
    a, b : str
        Groups of ``fit``; ``b`` of ``against`` where that is given.
    against : fit, optional
        Another fit, of the same data and factors.
    n : int
        Pairs returned at most.
    among : collection of str, optional
        Only these ``pair_id`` values.
    scale : {"probability", "logit"}
        Of the shares.

    Returns
    -------
    DataFrame
        One row a pair: ``pair_id``; ``label_a, label_b, n_labels_a, n_labels_b``;
        ``prediction_a, prediction_b`` (P(A preferred) by each fit, with ``_low`` and
        ``_high``); ``factor_1, share_a_1, share_b_1``, ...: the factors whose shares differ
        most in the direction of the labels; ``group_a, group_b, n_a, n_b`` (labels behind
        the weights); ``method``. Empty where they never choose opposite sides.

    Raises
    ------
    DesignError
        An unknown group, fits on different factors, or ``n`` below 1.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> fit = wb.decompose(data, by="kind", factors=["words"], folds=0)
    >>> apart = disagreements(fit, "human", "llm", n=5)
    >>> bool(((apart["label_a"] - 0.5) * (apart["label_b"] - 0.5) < 0).all())
    True
    """
    _check(n)
    other = fit if against is None else against
    own, its = coefficients_of(fit, a), coefficients_of(other, b)
    if own.terms != its.terms:
        raise DesignError(
            "The two fits stand on different factors.",
            found=f"{', '.join(own.terms)}; and {', '.join(its.terms)}",
            expected="the same factors in both",
            fix="Fit both with the same factors=.",
        )
    first, second = _by_pair(fit, own), _by_pair(other, its)
    both = first.merge(second, left_index=True, right_index=True, suffixes=("_a", "_b"))
    both = both[(both["label_a"] - 0.5) * (both["label_b"] - 0.5) < 0]
    both = _only(both.reset_index(), among)
    gap = both["label_a"] - both["label_b"]
    both["gap"] = gap.abs()
    both["explained"] = np.sign(gap) * (both["logit_a"] - both["logit_b"])
    both = both.sort_values(["gap", "explained", "pair_id"], ascending=[False, False, True])
    chosen = both.head(n).reset_index(drop=True)
    sign = np.sign(chosen["label_a"] - chosen["label_b"]).to_numpy()[:, None]
    shares, how = {}, []
    for name, one, weights in (("share_a", fit, own), ("share_b", other, its)):
        values, method = _mean_shares(one, weights, chosen["pair_id"], scale)
        shares[name] = values
        how.append(method)
    apart = np.nan_to_num(shares["share_a"] - shares["share_b"]) * sign
    table = _with_blame(chosen.drop(columns=["gap", "explained"]), apart, own.terms, shares)
    groups = {"group_a": a, "group_b": b, "n_a": own.n, "n_b": its.n}
    return table.assign(**groups, method="; ".join(dict.fromkeys(how)))


def _check(n: int) -> None:
    if n < 1:
        raise DesignError(
            "Option n is out of range.",
            found=repr(n),
            expected="at least 1",
            fix="Pass the number of pairs wanted.",
        )


def _only(table: pd.DataFrame, among: Collection[str] | None) -> pd.DataFrame:
    return table if among is None else table[are_among(table["pair_id"], among)]


def _losses(fit: Fit, group: str | None) -> tuple[pd.DataFrame, str]:
    own = coefficients_of(fit, group)
    rows, values = rows_of(fit.design, own, None)
    level = float(fit.settings.get("level", 0.95))
    table = predict(rows, values, own, level)
    seen = table["prediction"].to_numpy()
    used, how = seen, "in-sample prediction"
    held = _held_out(fit, own.group)
    if held is not None:
        used = held[table["row"].to_numpy()]
        how = f"held-out prediction, {fit.settings['folds']} folds"
    p = np.clip(used, 1e-12, 1 - 1e-12)
    y = table["label"].to_numpy()
    loss = -(y * np.log(p) + (1 - y) * np.log1p(-p))
    table = pd.DataFrame(
        {
            "pair_id": table["pair_id"],
            "group": own.group,
            "order_shown": table["order_shown"],
            "label": y,
            "n_labels": table["n_labels"],
            "prediction": used,
            "log_loss": loss,
            "fitted": seen,
            "fitted_low": table["prediction_low"],
            "fitted_high": table["prediction_high"],
        }
    )
    return table[np.isfinite(loss)], how


def _held_out(fit: Fit, group: str) -> Array | None:
    """Return the held-out P(A) of each design row, from the folds of the fit's own scores."""
    folds = fit.settings.get("folds")
    if not isinstance(fit, Decomposition) or not folds:
        return None
    design, seed = fit.design, fit.provenance.seed or 0
    row_fold = fold_numbers(design.cluster_names.to_numpy(), folds, seed)[design.cluster]
    rows, cells = design.compact(design.groups.index(group))
    predicted = fit_predictions(design, [fit.fits[group]], [0], rows, cells, row_fold)
    # a fold that could not be fitted leaves its rows, and so the ranking, without a loss
    return None if np.isnan(predicted[rows, 0]).any() else predicted[:, 0]


def _matching(fit: Fit, table: pd.DataFrame, scale: Scale) -> Attribution:
    """Return the attribution of exactly the rows of a table, in its order."""
    group = str(table["group"].iloc[0])
    shares = attribute(fit, group=group, pairs=list(table["pair_id"].unique()), scale=scale)
    keys = ["pair_id", "order_shown"]
    at = pd.MultiIndex.from_frame(shares.pairs[keys].fillna(""))
    return shares.take(at.get_indexer(pd.MultiIndex.from_frame(table[keys].fillna(""))))


def _by_pair(fit: Fit, own: Coefficients) -> pd.DataFrame:
    """Return one row a pair, by ``pair_id``: means over the orders in which it was shown."""
    rows, values = rows_of(fit.design, own, None)
    table = predict(rows, values, own, float(fit.settings.get("level", 0.95)))
    means = ["label", "logit", "prediction", "prediction_low", "prediction_high"]
    if table["pair_id"].is_unique:
        # shown in one order each: every mean is of one row
        table = table.set_index("pair_id")[[*means, "n_labels"]]
    else:
        sums: dict[str, Any] = {"n_labels": "sum"}
        table = table.groupby("pair_id").agg({**dict.fromkeys(means, "mean"), **sums})
    return table[table["logit"].notna()]


def _mean_shares(fit: Fit, own: Coefficients, pairs: pd.Series, scale: Scale) -> tuple[Array, str]:
    if pairs.empty:
        return np.empty((0, len(own.terms))), "no pair"
    shares = attribute(fit, group=own.group, pairs=list(pairs), scale=scale)
    table = pd.DataFrame(shares.shares).groupby(shares.pairs["pair_id"].to_numpy()).mean()
    return table.loc[pairs].to_numpy(), f"shares: {shares.method}"


def _with_blame(
    table: pd.DataFrame, pushed: Array, terms: list[str], shares: dict[str, Array]
) -> pd.DataFrame:
    """Add the terms with the largest positive push, and their shares."""
    order = np.argsort(-pushed, axis=1, kind="stable")[:, :BLAMED]
    rows = np.arange(len(table))
    names = pd.Series(terms, dtype="str")
    columns: dict[str, Any] = {}
    for k in range(order.shape[1]):
        at = order[:, k]
        pushes = pushed[rows, at] > 0
        columns[f"factor_{k + 1}"] = names.take(at).reset_index(drop=True).where(pushes)
        for name, values in shares.items():
            columns[f"{name}_{k + 1}"] = np.where(pushes, values[rows, at], np.nan)
    return table.assign(**columns)
