"""Factors that a model scored, and how far its scores can be trusted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.provenance import Provenance
from workbench.results import TIDY, Result

if TYPE_CHECKING:
    import plotly.graph_objects as go

COLUMNS = ("group", *TIDY, "n_clusters", "method", "reason")


@dataclass(frozen=True, eq=False)
class RubricScores(Result):
    """Scores of a rubric.

    Attributes
    ----------
    data : PreferenceData
        The data with the factors added.
    quality : DataFrame
        One row a measure (``group``) and factor (``term``), with the tidy columns: share of
        pairs whose orders contradict each other, agreement and kappa of repeats, kappa and
        direction beside ratings that the data hold.
    coverage : DataFrame
        Per factor: pairs scored, scores that failed, scores not asked yet.
    failures : DataFrame
        Questions without a readable reply, by reason, with an example of the raw reply.
    spending : DataFrame
        Requests, tokens and cost by stage.
    """

    heading: ClassVar[str] = "Scored factors"
    about: ClassVar[str] = (
        "Factors that a model scored: how often its two orders contradict each other (those pairs "
        "count as no difference), how far repeats agree, and how far it agrees with ratings that "
        "the data hold."
    )

    data: PreferenceData = field(repr=False)
    quality: pd.DataFrame
    coverage: pd.DataFrame
    failures: pd.DataFrame
    spending: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return the measures, one row a measure and factor."""
        return self.quality

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return measures, coverage, failures and spending."""
        return {
            "quality": self.quality,
            "coverage": self.coverage,
            "failures": self.failures,
            "spending": self.spending,
        }

    def summary(self) -> str:
        """Return what was scored as text, with n, interval and method."""
        level = self.settings["level"]
        lines = [
            f"{len(self.coverage)} factors of the rubric {self.settings['rubric']['name']} on "
            f"{len(self.data):,} pairs, scored by {self.settings['model']}; {level:.0%} intervals",
        ]
        for name, rows in self.quality.groupby("group", sort=False):
            lines += ["", str(name)]
            for row in rows.to_dict("records"):
                if pd.isna(row["estimate"]):
                    lines.append(f"  {row['term']}: undefined ({row['reason']})")
                    continue
                interval = f"[{row['conf_low']:.3f}, {row['conf_high']:.3f}]"
                lines.append(
                    f"  {row['term']}: {row['estimate']:.3f} {interval}, n = {row['n']:,.0f}"
                )
        if len(self.quality):
            lines += ["", f"method: {'; '.join(self.quality['method'].unique())}"]
        for title, table in (("coverage", self.coverage), ("asked", self.spending)):
            lines += ["", f"{title}:", table.to_string(index=False)] if len(table) else []
        if len(self.failures):
            counts = self.failures[["reason", "count"]].to_string(index=False)
            lines += ["", "questions without a readable reply:", counts]
        return "\n".join(lines)

    def plot(self) -> go.Figure:
        """Return the measures with their intervals, a colour a measure."""
        from workbench.plots.forest import forest

        return forest(self.quality, x_title="share or kappa", reference=None)


def quality_frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return measures as a table with every column.

    Examples
    --------
    >>> quality_frame([{"group": "order-inconsistent", "term": "x"}])["estimate"].tolist()
    [nan]
    """
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    numbers = [name for name in COLUMNS if name not in ("group", "term", "method", "reason")]
    return frame.astype(dict.fromkeys(numbers, "float64"))
