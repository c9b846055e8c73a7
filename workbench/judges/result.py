"""What judges said, and how far their verdicts can be trusted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.provenance import Provenance
from workbench.results import Result

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True, eq=False)
class Judgement(Result):
    """Labels of judges, with measures of their verdicts.

    Attributes
    ----------
    data : PreferenceData
        The data with the labels added: each judge is an annotator.
    measures : DataFrame
        One row a judge and measure, with the tidy columns.
    verdicts : DataFrame
        Per judge, order shown and verdict: how many labels.
    failures : DataFrame
        Labels without a verdict: by judge and reason, with an example of the raw reply.
    spending : DataFrame
        Requests, tokens and cost by judge and stage.
    """

    heading: ClassVar[str] = "Judges"
    about: ClassVar[str] = (
        "How far verdicts can be trusted: consistency over both orders, the pull of standing "
        "first, ties, failures, and agreement with people."
    )

    data: PreferenceData = field(repr=False)
    measures: pd.DataFrame
    verdicts: pd.DataFrame
    failures: pd.DataFrame
    spending: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return the measures, one row a judge and measure."""
        return self.measures

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return measures, verdicts, failures and spending."""
        return {
            "measures": self.measures,
            "verdicts": self.verdicts,
            "failures": self.failures,
            "spending": self.spending,
        }

    def summary(self) -> str:
        """Return what was measured as text, with n, interval and method."""
        level = self.settings["level"]
        lines = [f"Judges on {len(self.data):,} pairs; {level:.0%} intervals"]
        for name, rows in self.measures.groupby("group", sort=False):
            lines += ["", str(name)]
            for row in rows.to_dict("records"):
                if pd.isna(row["estimate"]):
                    lines.append(f"  {row['term']}: undefined ({row['reason']})")
                else:
                    interval = f"[{row['conf_low']:.3f}, {row['conf_high']:.3f}]"
                    lines.append(
                        f"  {row['term']}: {row['estimate']:.3f} {interval}, n = {row['n']:,.0f}"
                    )
        methods = "; ".join(self.measures["method"].unique())
        lines += ["", f"method: {methods}"]
        if len(self.failures):
            lines += ["", "labels without a verdict, by reason:"]
            counts = self.failures[["group", "reason", "count"]]
            lines.append(counts.to_string(index=False))
        if len(self.spending):
            lines += ["", "asked:", self.spending.to_string(index=False)]
        return "\n".join(lines)

    def plot(self) -> go.Figure:
        """Return the measures with their intervals, a colour a judge."""
        from workbench.plots.forest import forest

        return forest(self.measures, x_title="share (pull of the first: -1 to 1)", reference=0.5)
