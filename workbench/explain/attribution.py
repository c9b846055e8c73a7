"""Each factor's share of a predicted preference, pair by pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from scipy.special import ndtri

from workbench.clustered import mean_and_error
from workbench.decompose.kernel import Array
from workbench.errors import DesignError
from workbench.explain.predicted import Coefficients, Fit, coefficients_of, predict, rows_of
from workbench.explain.shapley import probability_shares, share_slopes
from workbench.provenance import Provenance
from workbench.results import TIDY, Result
from workbench.threads import on_one_thread

if TYPE_CHECKING:
    import plotly.graph_objects as go

Scale = Literal["logit", "probability"]

_SCALES = ("logit", "probability")

_GAMES = 20_000
"""Shapley values computed draw by draw up to so many; beyond, the delta method."""

_DRAWS = 1_000
"""Draws used for an interval on the probability scale, evenly spaced among all."""

_BLOCK = 2_000
"""Pairs whose slopes, K x K each, are held at a time."""

_START = {"logit": 0.0, "probability": 0.5}


@dataclass(frozen=True, eq=False)
class Attribution(Result):
    """Shares of one group's predictions.

    Attributes
    ----------
    pairs : DataFrame, n rows
        One row a pair in one shown order: ``pair_id, order_shown``; ``logit`` and
        ``prediction`` (P(A preferred)) with ``prediction_low`` and ``prediction_high``;
        ``label`` (mean preference) and ``n_labels`` of the group; ``cluster``; ``reason``
        where there is no prediction.
    values : ndarray, shape (n, K)
        Coded differences, then the position.
    shares : ndarray, shape (n, K)
        In logits, or in probability. A row sums to ``logit``, or to ``prediction - 0.5``;
        0 where the sides do not differ, NaN where they do and the weight is undefined:
        such a factor takes no part in the prediction.
    coefficients : Coefficients
        The weights of the group, and how sure they are.
    settings : dict
    provenance : Provenance
    """

    heading = "Attribution of predictions"
    about = (
        "How much each factor moves the predicted preference of a pair, from sides that do not "
        "differ. Shares take a fitted model apart; they are not causes."
    )

    pairs: pd.DataFrame
    values: Array
    shares: Array
    coefficients: Coefficients = field(repr=False)
    settings: dict[str, Any]
    provenance: Provenance

    @property
    def scale(self) -> str:
        """``logit`` or ``probability``."""
        return str(self.settings["scale"])

    @property
    def method(self) -> str:
        """How shares and intervals are made."""
        how = {
            "delta": "interval: delta method",
            "draws": "interval: percentiles of the draws",
            "none": "no interval: the fit gives no errors",
        }[self._interval[0]]
        game = "w x" if self.scale == "logit" else "exact Shapley value"
        return f"{game}, {self.scale} scale; {how}; {self.coefficients.method}"

    @cached_property
    def _interval(self) -> tuple[str, Array, Array, Array]:
        """Kind of interval, standard errors, lower and upper ends."""
        level = float(self.settings["level"])
        draws = self.coefficients.draws
        if draws is not None and self.scale == "logit":
            return "draws", *_scaled(self.values, draws, level)
        if draws is not None and len(self.values) * min(len(draws), _DRAWS) <= _GAMES:
            return "draws", *_redrawn(self.values, draws, level)
        if self.coefficients.covariance is None:
            return "none", *np.full((3, *self.shares.shape), np.nan)
        if self.scale == "logit":
            error = np.abs(self.values) * np.sqrt(np.diag(self.coefficients.covariance))
        else:
            error = _delta(self.values, self.coefficients)
        error = np.where(np.isfinite(self.shares), error, np.nan)
        z = float(ndtri(0.5 + level / 2))
        return "delta", error, self.shares - z * error, self.shares + z * error

    def to_frame(self) -> pd.DataFrame:
        """Return one row a pair and factor on which its sides differ.

        Beside the tidy columns: ``group, pair_id, order_shown``; ``value`` (the coded
        difference A minus B) and ``weight``; ``method``; ``reason`` where a share is
        undefined. A share describes a prediction, so it has no p-value; ``n`` is the
        number of labels behind the weights.
        """
        row, term = np.nonzero((self.values != 0) | np.isnan(self.values))
        _, error, low, high = self._interval
        own = self.coefficients
        why = pd.Series([own.reasons.get(name) for name in own.terms], dtype="str")
        lost = self.pairs["reason"].take(row).reset_index(drop=True)
        table = pd.DataFrame(
            {
                "group": own.group,
                "pair_id": self.pairs["pair_id"].take(row).array,
                "order_shown": self.pairs["order_shown"].take(row).array,
                "term": pd.Series(own.terms, dtype="str").take(term).array,
                "estimate": self.shares[row, term],
                "std_error": error[row, term],
                "conf_low": low[row, term],
                "conf_high": high[row, term],
                "p_value": np.nan,
                "q_value": np.nan,
                "n": own.n,
                "value": self.values[row, term],
                "weight": own.values[term],
            }
        )
        table["method"] = self.method
        return table.assign(reason=lost.fillna(why.take(term).reset_index(drop=True)))

    @property
    def importance(self) -> pd.DataFrame:
        """One row a factor: the mean absolute share over the pairs.

        Errors are those of a mean over clusters of pairs, the weights taken as they are;
        ``n`` counts the pairs.
        """
        level = float(self.settings["level"])
        z = float(ndtri(0.5 + level / 2))
        rows = []
        for k, term in enumerate(self.coefficients.terms):
            size = np.abs(self.shares[:, k])
            fine = np.isfinite(size) & np.isfinite(self.coefficients.values[k])
            cluster = np.unique(self.pairs["cluster"].to_numpy()[fine], return_inverse=True)[1]
            mean, error = mean_and_error(size[fine], np.ones(int(fine.sum())), cluster)
            numbers = (mean, error, mean - z * error, mean + z * error, np.nan, np.nan)
            reason = None if fine.any() else self.coefficients.reasons.get(term, "no prediction")
            row = dict(zip(TIDY, (term, *numbers, int(fine.sum())), strict=True))
            rows.append({"group": self.coefficients.group, **row, "reason": reason})
        table = pd.DataFrame(rows).astype({"reason": "str"})
        table["method"] = f"mean absolute share, {self.scale} scale; cluster-robust error"
        return table

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the shares, the predictions and the mean absolute shares."""
        return {"shares": self.to_frame(), "pairs": self.pairs, "importance": self.importance}

    def summary(self) -> str:
        """Return the mean absolute share of each factor as text, largest first."""
        own, level = self.coefficients, 100 * float(self.settings["level"])
        table = self.importance.sort_values("estimate", ascending=False, kind="stable")
        lines = [
            f"Attribution of {own.group}: {len(self.pairs):,} pairs, weights from {own.n:,} labels",
            f"mean absolute share, {self.scale} scale ({level:g}% interval)",
        ]
        for row in table.itertuples():
            text = f"{row.estimate:.4f} [{row.conf_low:.4f}, {row.conf_high:.4f}]"
            known = bool(np.isfinite(row.estimate))
            lines.append(f"  {row.term:<24} {text if known else f'undefined: {row.reason}'}")
        lost = self.pairs["reason"].dropna()
        lines += [f"{count:,} pairs: {why}" for why, count in lost.value_counts().items()]
        return "\n".join([*lines, f"method: {self.method}"])

    def plot(self, pair_id: str | None = None) -> go.Figure:
        """Return the waterfall of one pair, or the mean absolute shares of many.

        Parameters
        ----------
        pair_id : str, optional
            May be left out where there is one pair.

        Raises
        ------
        DesignError
            The pair is not among those attributed.
        """
        from workbench.plots.forest import forest
        from workbench.plots.waterfall import waterfall

        if pair_id is None and len(self.pairs) > 1:
            return forest(self.importance, x_title=f"mean absolute share ({self.scale})")
        pair_id = self.pairs["pair_id"].iloc[0] if pair_id is None else pair_id
        at = np.flatnonzero((self.pairs["pair_id"] == pair_id).to_numpy())
        if not len(at):
            raise DesignError(
                "The pair was not attributed.",
                found=f"pair_id {pair_id!r}",
                expected=f"one of the {len(self.pairs):,} pairs of this attribution",
                fix="Name it in pairs= of attribute().",
            )
        frame = self.take(at[:1]).to_frame()
        return waterfall(frame, start=_START[self.scale], percent=self.scale == "probability")

    def take(self, rows: Sequence[int] | np.ndarray) -> Attribution:
        """Return some rows, by position."""
        at = np.asarray(rows, dtype=np.int64)
        pairs = self.pairs.iloc[at].reset_index(drop=True)
        return Attribution(
            pairs,
            self.values[at],
            self.shares[at],
            self.coefficients,
            self.settings,
            self.provenance,
        )


@on_one_thread
def attribute(
    fit: Fit,
    *,
    group: str | None = None,
    pairs: Sequence[str] | None = None,
    scale: Scale = "probability",
) -> Attribution:
    r"""Say how much each factor contributes to the predicted preference on each pair.

    On the logit scale the share is :math:`w_k x_k`. On the probability scale it is the
    Shapley value of the game :math:`v(S) = \sigma(\sum_{k \in S} w_k x_k)`, exact to 1e-11
    (see :mod:`workbench.explain.shapley`). Both compare with a pair whose sides do not
    differ: logit 0, probability 0.5.

    Parameters
    ----------
    fit : Decomposition, or any fit with a design and weights
    group : str, optional
        Whose predictions; may be left out where the fit has one group.
    pairs : sequence of str, optional
        ``pair_id`` values; by default all pairs that the group labelled. A pair that the
        group did not label is predicted without a shown order.
    scale : {"probability", "logit"}

    Returns
    -------
    Attribution
        Intervals come from draws of the weights where the fit has them (on the probability
        scale for some twenty pairs at most), otherwise from their covariance by the delta
        method.

    Raises
    ------
    DesignError
        An unknown group, scale or pair, or no pair.

    References
    ----------
    Shapley (1953); Lundberg and Lee (2017) for the use on predictions.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> human = wb.decompose(data, annotator="human", factors=["words"], folds=0)
    >>> shares = attribute(human, pairs=[data.pairs["pair_id"][0]])
    >>> bool(np.isclose(shares.shares.sum() + 0.5, shares.pairs["prediction"][0]))
    True
    """
    if scale not in _SCALES:
        raise DesignError(
            "Unknown scale.",
            found=repr(scale),
            expected=" or ".join(map(repr, _SCALES)),
            fix='Pass scale="probability" or scale="logit".',
        )
    own = coefficients_of(fit, group)
    rows, values = rows_of(fit.design, own, pairs)
    level = float(fit.settings.get("level", 0.95))
    table = predict(rows, values, own, level).drop(columns="row")
    settings = {"group": own.group, "scale": scale, "background": "zero", "level": level}
    return Attribution(table, values, _shares(values, own, scale), own, settings, fit.provenance)


def _shares(values: Array, own: Coefficients, scale: Scale) -> Array:
    # sides that do not differ on a factor owe nothing to it, even where its weight is undefined
    shares = np.where(values == 0, 0.0, values * own.values)
    if scale == "probability":
        known = np.isfinite(own.values)
        whole = np.isfinite(values).all(axis=1)
        part = np.ix_(whole, known)
        shares[part] = probability_shares(shares[part])
    return shares


def _scaled(values: Array, draws: Array, level: float) -> tuple[Array, Array, Array]:
    """Interval of w x from draws of w: its ends change places where x is negative."""
    low, high = (values * end for end in np.quantile(draws, _tails(level), axis=0))
    error = np.abs(values) * draws.std(axis=0, ddof=1)
    return error, np.minimum(low, high), np.maximum(low, high)


def _redrawn(values: Array, draws: Array, level: float) -> tuple[Array, Array, Array]:
    """Interval of the Shapley value, computed anew for each draw of the weights."""
    at = np.linspace(0, len(draws) - 1, min(len(draws), _DRAWS)).astype(np.int64)
    known = np.isfinite(draws).all(axis=0)
    ends = np.full((3, *values.shape), np.nan)
    for i in np.flatnonzero(np.isfinite(values).all(axis=1)):
        shares = probability_shares(draws[np.ix_(at, known)] * values[i, known])
        ends[0, i, known] = shares.std(axis=0, ddof=1)
        ends[1:, i, known] = np.quantile(shares, _tails(level), axis=0)
    return ends[0], ends[1], ends[2]


def _delta(values: Array, own: Coefficients) -> Array:
    r"""Return errors of Shapley values: the slopes in w are the slopes in z times x."""
    known = np.flatnonzero(np.isfinite(own.values))
    errors = np.full(values.shape, np.nan)
    if own.covariance is None:
        return errors
    covariance = own.covariance[np.ix_(known, known)]
    whole = np.flatnonzero(np.isfinite(values).all(axis=1))
    for start in range(0, len(whole), _BLOCK):
        rows = whole[start : start + _BLOCK]
        x = values[np.ix_(rows, known)]
        slopes = share_slopes(x * own.values[known]) * x[:, None, :]
        variance = ((slopes @ covariance) * slopes).sum(axis=2)
        errors[np.ix_(rows, known)] = np.sqrt(np.maximum(variance, 0.0))
    return errors


def _tails(level: float) -> tuple[float, float]:
    return 0.5 - level / 2, 0.5 + level / 2
