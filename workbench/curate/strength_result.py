"""How strong and how sure each label is: the result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from workbench.curate.findings import strength_findings
from workbench.finding import Finding
from workbench.intervals import ends_text
from workbench.provenance import Provenance
from workbench.results import Result

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True, eq=False)
class Strength(Result):
    """P(A preferred) of every pair by source, suspects, and what they may be.

    Attributes
    ----------
    estimates : DataFrame
        One row a measure of a source: correlation of votes, calibration on votes.
    suspects : DataFrame
        What votes of the smallest out-of-fold margins are worth; empty without factors.
    cells : DataFrame
        The model's verdict by that of the other voters.
    people : DataFrame
        Who is at odds with both.
    cutpoints : DataFrame
        Of graded labels.
    pairs : DataFrame
        One row a pair: ``pair_id, cluster, side`` of the majority, ``n_votes, agreement``,
        ``p_<source>``, ``p_soft``, ``p_sd``, ``strength`` = ``|2 P - 1|``; ``margin`` and
        ``margin_sd`` of the fits.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "Strength of labels"
    about: ClassVar[str] = (
        "How sure each preference is, and which labels speak against what the others teach. A "
        "suspect is not an error: the share that other voters outvote stands beside that of all "
        "labels, and a minority is not noise."
    )

    estimates: pd.DataFrame
    suspects: pd.DataFrame
    cells: pd.DataFrame
    people: pd.DataFrame
    cutpoints: pd.DataFrame
    pairs: pd.DataFrame = field(repr=False)
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return the measures of the sources, one row each."""
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the measures, suspects, two-way table, annotators and cutpoints there are."""
        found = {
            "strength": self.estimates, "suspects": self.suspects, "two_way": self.cells,
            "annotators": self.people, "cutpoints": self.cutpoints,
        }  # fmt: skip
        return {name: table for name, table in found.items() if name == "strength" or len(table)}

    def summary(self) -> str:
        """Return the measures, the suspects and the two-way table as text."""
        used = self.settings
        lines = [f"Strength of labels, {used['level']:.0%} intervals: P(A preferred) of "
                 f"{used['n_pairs']:,} pairs from {used['source']}"]  # fmt: skip
        lines += [f"  {name}: {how}" for name, how in used["sources"].items()]
        lines += [_line(row) for row in self.estimates.to_dict("records")]
        for row in self.suspects.to_dict("records"):
            lines.append(
                f"  {row['term']}: outvoted {_value(row)}, base rate {row['base_rate']:.3f}; "
                f"expected {row['expected']:.3f}, base {row['expected_base']:.3f}"
            )
        for row in self.cells.to_dict("records"):
            if row["reading"]:
                lines.append(f"  {row['term']}: {_value(row)}")
        return "\n".join([*lines, "method: see the tables; suspects are out of fold"])

    def findings(self) -> list[Finding]:
        """Return labels that others contradict, who is at odds, and strengths to doubt."""
        return strength_findings(
            self.estimates, self.suspects, self.people, self.pairs, self.settings
        )

    def plot(self) -> go.Figure:
        """Return the share of suspects that others outvote, or the measures without suspects."""
        from workbench.plots.forest import forest

        if self.suspects.empty:
            return forest(self.estimates, x_title="value", reference=None)
        base = self.suspects["base_rate"].iloc[0]
        reference = None if pd.isna(base) else float(base)
        return forest(
            self.suspects, x_title="share outvoted by the other voters (line: all votes)",
            reference=reference,
        )  # fmt: skip


def _value(row: dict[Any, Any]) -> str:
    if pd.isna(row["estimate"]):
        return f"undefined: {row['reason']}"
    ends = ends_text(row["conf_low"], row["conf_high"], row["reason"], "")
    return f"{row['estimate']:.3f} {ends}, n = {row['n']:,.0f}"


def _line(row: dict[Any, Any]) -> str:
    return f"  {row['term']}: {_value(row)}"
