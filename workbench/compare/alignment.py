"""Factor-level alignment of two annotators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.compare.concordance import Concordance
from workbench.compare.tau_interval import interval
from workbench.decompose.errors.tidy import p_values, q_values
from workbench.decompose.kernel import Array
from workbench.errors import DesignError
from workbench.intervals import ends_text
from workbench.provenance import Provenance
from workbench.results import Result
from workbench.threads import on_one_thread

if TYPE_CHECKING:
    import plotly.graph_objects as go

_METHOD = "correlation of factor taus; percentile interval, joint cluster bootstrap"
_FEWEST_FACTORS = 3
_BLOCK_VALUES = 2_000_000


@dataclass(frozen=True, eq=False)
class Alignment(Result):
    """How alike two groups' factor scores are.

    Attributes
    ----------
    estimates : DataFrame
        Rows ``kendall`` (tau-b), ``spearman`` and ``pearson``, with the tidy columns; ``n``
        counts factors.
    scores : DataFrame
        ``term`` and the tau of each group: what is correlated.
    settings : dict
    provenance : Provenance
    """

    heading = "Factor-level alignment"
    about = "Whether two annotators order the factors alike, by the taus of each."

    estimates: pd.DataFrame
    scores: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return one row a coefficient."""
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the coefficients and the factor scores behind them."""
        return {"estimates": self.estimates, "scores": self.scores}

    def summary(self) -> str:
        """Return the coefficients as text."""
        level = f"{100 * self.settings['level']:g}% interval"
        lines = [f"Alignment of {self.settings['a']} and {self.settings['b']} ({level})"]
        lines += [_text_row(row) for row in self.estimates.itertuples()]
        lines.append(f"method: {_METHOD}. Noise in the taus draws the intervals towards 0.")
        return "\n".join(lines)

    def plot(self) -> go.Figure:
        """Return the coefficients with their intervals."""
        from workbench.plots.forest import forest

        return forest(self.estimates, x_title="correlation of factor taus")


@on_one_thread
def align(found: Concordance, a: str, b: str) -> Alignment:
    """Correlate the factor taus of two groups.

    Parameters
    ----------
    found : Concordance
        Both groups of one call, so that their replicates drew the same clusters.
    a, b : str
        Names of the groups.

    Returns
    -------
    Alignment
        NaN with a reason where fewer than three factors have a tau in both groups.

    Raises
    ------
    DesignError
        An unknown group.

    Notes
    -----
    Replicates are noisier than the estimate, so that the interval lies low where taus are
    unsure: an interval that holds low values does not show that the annotators differ.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> from workbench.compare.concordance import concordance
    >>> taus = concordance(data, by="kind", replicates=100)
    >>> align(taus, "llm", "human").to_frame()["term"].tolist()
    ['kendall', 'spearman', 'pearson']
    """
    at = [place(found, name) for name in (a, b)]
    tables = [found.estimates[found.estimates["group"] == name] for name in (a, b)]
    x, y = (table["estimate"].to_numpy() for table in tables)
    both = np.isfinite(x) & np.isfinite(y)
    draws = found.draws[:, :, both]
    estimate = correlations(x[None, both], y[None, both])[0]
    replicates = correlations(draws[:, at[0]], draws[:, at[1]])
    error, low, high = interval(replicates, found.settings["level"])
    # noise in the taus draws replicates towards 0: the interval still holds the estimate
    low, high = np.minimum(low, estimate), np.maximum(high, estimate)
    flat = ~(high - low > 1e-9) & np.isfinite(low)
    error, low, high = (np.where(flat, np.nan, part) for part in (error, low, high))
    reason = None
    if both.sum() < _FEWEST_FACTORS:
        reason = f"fewer than {_FEWEST_FACTORS} factors have a tau in both groups"
        estimate = error = low = high = np.full(3, np.nan)
        flat = np.zeros(3, dtype=bool)
    p = p_values(estimate, error)
    reasons = [reason or _reason(*row) for row in zip(estimate, low, flat, strict=True)]
    table = pd.DataFrame(
        {
            "group": f"{a} and {b}",
            "term": ["kendall", "spearman", "pearson"],
            "estimate": estimate,
            "std_error": error,
            "conf_low": low,
            "conf_high": high,
            "p_value": p,
            "q_value": q_values(p),
            "n": int(both.sum()),
            "method": _METHOD,
            "reason": pd.Series(reasons, dtype="str"),
        }
    )
    scores = pd.DataFrame({"term": tables[0]["term"].to_numpy(), a: x, b: y})
    settings = {"a": a, "b": b, **found.settings}
    return Alignment(table, scores, settings, found.provenance)


def correlations(x: Array, y: Array) -> Array:
    """Return Kendall's tau-b, Spearman's and Pearson's coefficient of each row.

    Parameters
    ----------
    x, y : ndarray, shape (R, K)

    Returns
    -------
    ndarray, shape (R, 3)
        NaN where a row is constant or holds an undefined value.

    Examples
    --------
    >>> x = np.array([[1.0, 2.0, 3.0, 4.0]])
    >>> correlations(x, x**2).round(3).tolist()
    [[1.0, 1.0, 0.984]]
    """
    out = np.full((len(x), 3), np.nan)
    fine = np.isfinite(x).all(axis=1) & np.isfinite(y).all(axis=1)
    rows = np.flatnonzero(fine)
    if x.shape[1] < 2:
        return out
    # it loads what no other comparison needs
    from scipy.stats import rankdata

    i, j = np.triu_indices(x.shape[1], 1)
    for part in np.array_split(rows, max(1, len(rows) * len(i) // _BLOCK_VALUES)):
        out[part, 0] = _cosine(
            np.sign(x[part][:, i] - x[part][:, j]), np.sign(y[part][:, i] - y[part][:, j])
        )
    out[rows, 1] = _pearson(rankdata(x[rows], axis=1), rankdata(y[rows], axis=1))
    out[rows, 2] = _pearson(x[rows], y[rows])
    return out


def _pearson(x: Array, y: Array) -> Array:
    return _cosine(x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True))


def _cosine(x: Array, y: Array) -> Array:
    size = np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    out = np.full(len(x), np.nan)
    cosine = np.divide((x * y).sum(axis=1), size, out=out, where=size > 0)
    return np.asarray(np.clip(cosine, -1.0, 1.0))


def place(found: Concordance, name: str) -> int:
    """Return the position of a group in the draws."""
    if name not in found.groups:
        raise DesignError(
            f"There is no group {name!r}.",
            found=", ".join(found.groups),
            expected="one of the groups of the concordance",
            fix="Check the spelling, or pass another by=.",
        )
    return found.groups.index(name)


def _reason(estimate: float, low: float, flat: bool) -> str | None:
    if not np.isfinite(estimate):
        return "the taus do not vary"
    if flat:
        return "no interval: the same in every replicate"
    return None if np.isfinite(low) else "no interval: undefined in the replicates"


def _text_row(row: Any) -> str:
    if not np.isfinite(row.estimate):
        return f"  {row.term:<10} undefined: {row.reason}"
    ends = ends_text(row.conf_low, row.conf_high, row.reason)
    return f"  {row.term:<10} {row.estimate:+.3f} {ends}  n = {row.n} factors"
