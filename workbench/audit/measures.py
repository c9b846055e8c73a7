"""The plainest result of an audit: measures, one row each, with their intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from workbench.provenance import Provenance
from workbench.results import TIDY, Result

if TYPE_CHECKING:
    import plotly.graph_objects as go

COLUMNS = (*TIDY, "n_clusters", "method", "reason")


@dataclass(frozen=True, eq=False)
class Measures(Result):
    """Measures with their intervals.

    Attributes
    ----------
    estimates : DataFrame
        The tidy columns, ``n_clusters, method, reason``.
    settings : dict
        ``what`` was measured, and ``level``.
    provenance : Provenance
    """

    estimates: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return the measures, one row each."""
        return self.estimates

    def summary(self) -> str:
        """Return the measures as text."""
        lines = [f"{self.settings['what']}, {self.settings['level']:.0%} intervals"]
        for row in self.estimates.to_dict("records"):
            if pd.isna(row["estimate"]):
                lines.append(f"  {row['term']}: undefined: {row['reason']}")
                continue
            kappa = f", kappa {row['kappa']:.3f}" if pd.notna(row.get("kappa")) else ""
            sign = "" if row["method"].startswith("share") else "+"
            ends = f" [{row['conf_low']:{sign}.3f}, {row['conf_high']:{sign}.3f}]"
            if pd.isna(row["conf_low"]):
                # a test statistic has no interval, but a p-value
                ends = f", p = {row['p_value']:.3g}" if pd.notna(row["p_value"]) else ""
            lines.append(
                f"  {row['term']}: {row['estimate']:{sign}.3f}{ends}{kappa}, "
                f"n = {row['n']:,.0f} ({row['method']})"
            )
        return "\n".join(lines)

    def plot(self) -> go.Figure:
        """Return the measures with their intervals."""
        from workbench.plots.forest import forest

        return forest(self.estimates, x_title="difference")
