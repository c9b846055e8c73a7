"""The plainest result of an audit: measures, one row each, with their intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pandas as pd

from workbench.clustered import Array, Codes, share
from workbench.decompose.errors.tidy import q_values
from workbench.flips import paired_difference
from workbench.intervals import MID_P
from workbench.provenance import Provenance
from workbench.results import TIDY, Result

if TYPE_CHECKING:
    import plotly.graph_objects as go

COLUMNS = (*TIDY, "n_clusters", "method", "reason")
SHARE = f"share, {MID_P}"
DIFFERENCE = "paired difference, score interval at the size that the clusters leave"


@dataclass(frozen=True, eq=False)
class Measures(Result):
    """Measures with their intervals.

    Attributes
    ----------
    columns, closing, x_title, reference : class attributes
        Of the table; last line of the summary; the axis of the plot and its line.
    estimates : DataFrame
        One row a measure: the tidy columns, ``n_clusters, method, reason``, and what the
        class adds.
    settings : dict
        ``what`` was measured, and ``level``; ``notes`` are lines under the summary.
    provenance : Provenance
    """

    columns: ClassVar[tuple[str, ...]] = COLUMNS
    closing: ClassVar[str] = ""
    x_title: ClassVar[str] = "difference"
    reference: ClassVar[float] = 0.0

    estimates: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    @classmethod
    def from_rows(
        cls, rows: Iterable[Mapping[str, Any]], settings: dict[str, Any], *,
        dataset: str | None = None, seed: int | None = None,
    ) -> Self:  # fmt: skip
        """Return the result of some rows, whose tests are one family of Benjamini-Hochberg's.

        Parameters
        ----------
        rows : iterable of mapping
            Values by column; a column that a row lacks is NaN there.
        settings : dict
        dataset : str, optional
            Digest of the data.
        seed : int, optional

        Examples
        --------
        >>> rows = [share_row("right", np.array([1.0, 0.0]), np.arange(2))]
        >>> found = Measures.from_rows(rows, {"what": "Answers", "level": 0.95})
        >>> found.to_frame()["estimate"].tolist()
        [0.5]
        """
        table = pd.DataFrame(list(rows)).reindex(columns=list(cls.columns))
        table["q_value"] = q_values(table["p_value"].to_numpy("float64"))
        return cls(table, settings, Provenance.capture(seed=seed, dataset=dataset))

    def to_frame(self) -> pd.DataFrame:
        """Return the measures, one row each."""
        return self.estimates

    def summary(self) -> str:
        """Return the measures as text."""
        lines = [f"{self._what()}, {self.settings['level']:.0%} intervals"]
        for row in self.estimates.to_dict("records"):
            undefined = pd.isna(row["estimate"])
            text = f"undefined: {row['reason']}" if undefined else self._numbers(row)
            lines.append(f"  {row['term']}: {text}")
        lines += [f"  {one}" for one in self.settings.get("notes", ())]
        return "\n".join([*lines, self.closing] if self.closing else lines)

    def plot(self) -> go.Figure:
        """Return the measures with their intervals."""
        from workbench.plots.forest import forest

        return forest(self._plotted(), x_title=self.x_title, reference=self.reference)

    def _what(self) -> str:
        return str(self.settings["what"])

    def _numbers(self, row: Mapping[Any, Any]) -> str:
        kappa = f", kappa {row['kappa']:.3f}" if pd.notna(row.get("kappa")) else ""
        sign = "" if row["method"].startswith("share") else "+"
        ends = f" [{row['conf_low']:{sign}.3f}, {row['conf_high']:{sign}.3f}]"
        if pd.isna(row["conf_low"]):
            # a test statistic has no interval, but a p-value
            why = "" if pd.isna(row["reason"]) else f" ({row['reason']})"
            ends = f", p = {row['p_value']:.3g}" if pd.notna(row["p_value"]) else why
        return f"{row['estimate']:{sign}.3f}{ends}{kappa}, n = {row['n']:,.0f} ({row['method']})"

    def _plotted(self) -> pd.DataFrame:
        return self.estimates

    def _with_columns(self, name: str, others: Mapping[str, str]) -> pd.DataFrame:
        """Return the estimates and other columns as groups of one plot.

        Their names stand by column; the ends of a column are ``{column}_low`` and ``_high``.
        """
        table = self.estimates
        groups = [table.assign(group=name)]
        for column, label in others.items():
            ends = {f"conf_{end}": table.get(f"{column}_{end}", np.nan) for end in ("low", "high")}
            groups.append(table.assign(group=label, estimate=table[column], **ends))
        return pd.concat(groups, ignore_index=True)


def share_row(
    term: str, values: Array, cluster: Codes, level: float = 0.95, empty: str = "no value"
) -> dict[str, Any]:
    """Return a share as a row of a table; see :func:`workbench.clustered.share`.

    Parameters
    ----------
    term : str
    values : ndarray, shape (n,)
        In [0, 1].
    cluster : ndarray of int, shape (n,)
    level : float
    empty : str
        The reason where there is no value.

    Examples
    --------
    >>> share_row("right", np.array([]), np.array([], int), empty="no pair")["reason"]
    'no pair'
    """
    if not len(values):
        return {"term": term, "estimate": np.nan, "n": 0.0, "reason": empty, "method": SHARE}
    return {"term": term, **share(values, cluster, level), "method": SHARE}


def difference_row(term: str, values: Array, cluster: Codes, level: float = 0.95) -> dict[str, Any]:
    """Return a mean of paired differences in [-1, 1] as a row; see :func:`share_row`.

    Examples
    --------
    >>> difference_row("gain", np.array([1.0, 0.0]), np.arange(2))["estimate"]
    0.5
    """
    return {"term": term, **paired_difference(values, cluster, level), "method": DIFFERENCE}
