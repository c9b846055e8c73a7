"""What a curation chose and did: the result."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from workbench.curate.effect import AFTER, BEFORE, GAP
from workbench.curate.findings import curation_findings
from workbench.data.dataset import PreferenceData
from workbench.finding import Finding
from workbench.intervals import ends_text
from workbench.provenance import Provenance
from workbench.results import TIDY, Result

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from workbench.curate.rules import Rule


@dataclass(frozen=True, eq=False)
class Curation(Result):
    """Curated data, the rule, rows by reason, and what it did.

    Attributes
    ----------
    data : PreferenceData
        The pairs that stay, one label each: the chosen side; ``weight``; ``strength`` is the
        margin. ``pairs`` has ``p``, ``stage`` and ``split`` where the rule makes them.
    rule : Rule
    rows : DataFrame
        ``reason, n, share`` of all pairs; what stays is the first row.
    weights : DataFrame
        Factor weights before and after; empty without factors.
    held_out : DataFrame
        Accuracy, ECE, Brier and log-loss on untouched labels of other prompts: of fits to every
        pair's majority, of fits to the curated pairs, and their difference.
    balance : DataFrame
        How far balanced factors tell the label, held out, before and after.
    pairs : DataFrame
        What became of every pair of the data before, in their order: ``pair_id, reason``
        (``kept``, or why it is left out), ``chosen`` (a, b; missing where neither is),
        ``flipped``, ``n_votes``, ``agreement``, ``p`` (P(chosen preferred), where the rule asks
        for it) and ``weight`` (0 where it is left out).
    settings : dict
    provenance : Provenance
        ``dataset`` is the digest of the data before.
    """

    heading: ClassVar[str] = "Curation"
    about: ClassVar[str] = (
        "Which pairs go to training, and the price: what a rule does to the factor weights, and "
        "to predictions of labels that it never touched. Leaving the divided pairs out makes "
        "predictions too sure."
    )

    data: PreferenceData = field(repr=False)
    rule: Rule
    rows: pd.DataFrame
    weights: pd.DataFrame
    held_out: pd.DataFrame
    balance: pd.DataFrame
    pairs: pd.DataFrame = field(repr=False)
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return held-out scores before and after, or shares of the pairs without factors."""
        if len(self.held_out):
            return self.held_out
        shares = {"term": self.rows["reason"], "estimate": self.rows["share"]}
        counted = self.rows[["n"]].assign(**shares, method="share of all pairs, counted")
        return counted.reindex(columns=[*TIDY, "method"])

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return held-out scores, balance, weights and rows by reason, those there are."""
        found = {"held_out": self.held_out, "balance": self.balance, "weights": self.weights}
        return {**{name: table for name, table in found.items() if len(table)}, "rows": self.rows}

    def summary(self) -> str:
        """Return the rule, the rows by reason and what it did as text."""
        rule = ", ".join(f"{k}={v}" for k, v in self.settings["rule"].items()) or "nothing"
        lines = [f"Curation: {rule}"]
        lines += [f"  {row.reason}: {row.n:,} pairs ({row.share:.1%})"
                  for row in self.rows.itertuples()]  # fmt: skip
        lines += [f"  {name}: {value}" for name, value in self.settings["notes"].items()]
        for table, title in ((self.balance, "what balanced factors tell, held out"),
                             (self.held_out, "untouched labels of other prompts")):  # fmt: skip
            if len(table):
                lines += [f"{title}, {self.settings['level']:.0%} intervals"]
                lines += [_line(row) for row in table.to_dict("records")]
        if self.held_out.empty:
            lines.append("its effect is not known: no scored factors, or too few prompts")
        return "\n".join([*lines, f"digest of the curated data: {self.data.digest}"])

    def findings(self) -> list[Finding]:
        """Return the price that the rule has, and what it did not reach."""
        return curation_findings(self.rows, self.held_out, self.balance)

    def plot(self) -> go.Figure:
        """Return held-out scores before and after, or rows by reason without factors."""
        from workbench.plots.forest import forest

        table = self.balance if len(self.balance) else self.held_out
        if table.empty:
            ends = {"estimate": self.rows["share"], "conf_low": self.rows["share"]}
            shown = self.rows.assign(term=self.rows["reason"], conf_high=self.rows["share"], **ends)
            return forest(shown, x_title="share of the pairs", reference=None)
        shown = table[table["group"].isin([BEFORE, AFTER])]
        return forest(shown, x_title="value", reference=0.5 if len(self.balance) else None)

    def figures(self) -> dict[str, go.Figure]:
        """Return every figure: scores before and after, their differences, factor weights."""
        from workbench.plots.forest import forest

        found = {self.heading: self.plot()}
        if len(self.held_out):
            if len(self.balance):
                both = self.held_out[self.held_out["group"].isin([BEFORE, AFTER])]
                drawn = forest(both, x_title="value", reference=None)
                found["Accuracy and calibration on untouched labels"] = drawn
            gaps = self.held_out[self.held_out["group"] == GAP]
            found["What the rule changes on untouched labels"] = forest(gaps, x_title="difference")
            found["Factor weights before and after"] = forest(self.weights)
        return found

    def write(self, folder: str | Path, format: str = "trl", kind: str = "jsonl") -> list[Path]:
        """Write the curated pairs for a trainer; see ``workbench.curate.writers``."""
        from workbench.curate.writers.write import write

        return write(self.data, folder, format, kind)


def _line(row: dict[Any, Any]) -> str:
    if pd.isna(row["estimate"]):
        return f"  {row['term']}, {row['group']}: undefined: {row['reason']}"
    sign = "+" if row["group"] == GAP else ""
    ends = ends_text(row["conf_low"], row["conf_high"], row["reason"], sign)
    return (
        f"  {row['term']}, {row['group']}: {row['estimate']:{sign}.3f} {ends}, n = {row['n']:,.0f}"
    )
