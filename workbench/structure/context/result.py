"""What was asked, and what turns by it: the result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from workbench.compare.scenarios import ScenarioPool
from workbench.decompose.decomposition import Decomposition
from workbench.finding import Finding
from workbench.intervals import ends_text
from workbench.provenance import Provenance
from workbench.results import TIDY, Result
from workbench.structure.context.findings import context_findings
from workbench.structure.context.trade_offs import ANY, WINS

if TYPE_CHECKING:
    import plotly.graph_objects as go

_SHOWN = 12


@dataclass(frozen=True, eq=False)
class Context(Result):
    """Flip rates and gains of contexts, trade-offs of aspects, and weights that turn by group.

    Attributes
    ----------
    estimates : DataFrame
        One row a measure and group: flip rate, accuracy with and without the criterion, context
        gain, placebo and negation flips; empty with one criterion.
    trade_offs : DataFrame
        Aspects that disagree, and which of two the overall label follows.
    reversals : DataFrame
        Three rows a column and factor: ``estimate`` is the pooled weight, ``within`` the
        precision-weighted mean of the groups' weights, ``reversed`` where q < 0.05;
        ``differs`` where a group's weight is another one, of either sign.
    composition : DataFrame
        The groups behind each reversal.
    prompts : DataFrame
        What factors of prompts tell, where two sides answer different prompts.
    interaction : ScenarioPool or None
        Weights of factors under each criterion, partially pooled.
    joint : Decomposition or None
        Weights of all aspects in the overall label.
    settings : dict
        ``skipped`` says which parts and columns were left out, and why.
    provenance : Provenance
    """

    heading: ClassVar[str] = "Context"
    about: ClassVar[str] = (
        "Which labels turn when the question turns, what a criterion is worth to those who are "
        "asked by it, and which weights turn when labels are taken apart. Descriptive: a group "
        "in which a weight turns need not be its cause."
    )

    estimates: pd.DataFrame
    trade_offs: pd.DataFrame
    reversals: pd.DataFrame
    composition: pd.DataFrame
    prompts: pd.DataFrame
    interaction: ScenarioPool | None = field(repr=False)
    joint: Decomposition | None = field(repr=False)
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return the first table that the data have: of contexts, trade-offs, or reversals."""
        for table in (self.estimates, self.trade_offs, self.prompts, self.reversals):
            if len(table):
                return table
        return pd.DataFrame(columns=list(TIDY))

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the tables that the data have, by name."""
        found = {
            "contexts": self.estimates, "trade_offs": self.trade_offs,
            "reversals": self.reversals, "composition": self.composition,
            "prompts": self.prompts,
        }  # fmt: skip
        return {name: table for name, table in found.items() if len(table)}

    def parts(self) -> list[Result]:
        """Return the weights under each criterion, and those of the aspects."""
        return [part for part in (self.interaction, self.joint) if part is not None]

    def summary(self) -> str:
        """Return the measures, the clearest trade-offs and the reversals as text."""
        level = self.settings["level"]
        lines = [f"Context ({100 * level:g}% interval)"]
        lines += [f"  {row['group']}, {row['term']}: {_value(row)}"
                  for row in self.estimates.to_dict("records")]  # fmt: skip
        lines += [f"  {row['term']}: {_value(row)}" for row in self.prompts.to_dict("records")]
        apart = self.trade_offs[self.trade_offs["term"] == ANY].to_dict("records")
        apart += self._clearest()
        lines += [f"  {row['group']}, {row['term']}: {_value(row)}" for row in apart]
        if len(self.reversals):
            turned = self.reversals[self.reversals["reversed"]]
            columns = self.reversals["column"].nunique()
            lines.append(
                f"  {len(turned)} reversals with q < 0.05 of {self.reversals['term'].nunique()} "
                f"factors by {columns} columns, n = {self.settings['n_scanned']:,}"
            )
            lines += [f"    {_turned(row)}" for row in turned.to_dict("records")]
            apart = self.reversals[self.reversals["differs"]].sort_values("p_value", kind="stable")
            lines.append(f"  {len(apart)} weights of which a group differs with q < 0.05")
            lines += [f"    {_apart(row)}" for row in apart.head(_SHOWN).to_dict("records")]
        if self.settings["by_construction"]:
            lines.append(
                f"note: {self.settings['n_opposed']:,} pairs have two opposed criteria: an answer "
                "without context is right on exactly one half, whoever gives it"
            )
        lines += [f"note: {text}" for text in self.settings["notes"]]
        lines += [f"note: {what}: {why}" for what, why in self.settings["skipped"].items()]
        return "\n".join([*lines, "method: see the tables; q: Benjamini-Hochberg"])

    def findings(self) -> list[Finding]:
        """Return who ignores a context, placebos that turn labels, and reversals."""
        return context_findings(self.estimates, self.reversals, self.prompts)

    def plot(self) -> go.Figure:
        """Return the measures of contexts; else which aspect wins; else pooled weights."""
        from workbench.plots.forest import forest

        if len(self.estimates):
            return forest(self.estimates, x_title="share of pairs or labels")
        if len(self.trade_offs):
            return forest(
                pd.DataFrame(self._clearest()), reference=0.5,
                x_title="share that follows the first aspect",
            )  # fmt: skip
        if len(self.prompts):
            return forest(self.prompts, x_title="gain of log-loss, and share")
        first = self.reversals.drop_duplicates("term")
        return forest(first, x_title="pooled weight (log-odds per unit)")

    def figures(self) -> dict[str, go.Figure]:
        """Return the figure of every table there is, and the groups of each reversal."""
        from workbench.plots.forest import forest

        found = {self.heading: self.plot()}
        if len(self.estimates) and len(self.trade_offs):
            found["Which aspect the overall label follows"] = forest(
                pd.DataFrame(self._clearest()), reference=0.5,
                x_title="share that follows the first aspect",
            )  # fmt: skip
        turned = self.reversals[self.reversals["reversed"].astype(bool)]
        for column, term in dict.fromkeys(zip(turned["column"], turned["term"], strict=True)):
            behind = self.composition
            table = behind[(behind["column"] == column) & (behind["term"] == term)]
            groups = table.assign(term=table["group"]).drop(columns="group")
            found[f"{term} by {column}"] = forest(groups)
        return found

    def _clearest(self) -> list[dict[Any, Any]]:
        """Return the clearest trade-offs: those farthest from one half."""
        if self.trade_offs.empty:
            return []
        wins = self.trade_offs[self.trade_offs["term"].str.contains(WINS, regex=False)]
        distance = (wins["estimate"] - 0.5).abs() / wins["std_error"].replace(0.0, np.nan)
        order = distance.fillna(-1.0).sort_values(ascending=False, kind="stable").index
        return list(wins.loc[order[:_SHOWN]].to_dict("records"))


def _value(row: dict[Any, Any]) -> str:
    if pd.isna(row["estimate"]):
        return f"undefined: {row['reason']}"
    ends = ends_text(row["conf_low"], row["conf_high"], row["reason"], "")
    return f"{row['estimate']:.3f} {ends}, n = {row['n']:,.0f}"


def _apart(row: dict[Any, Any]) -> str:
    sides = [f"{way} {row[f'groups_{way}']}" for way in ("above", "below") if row[f"groups_{way}"]]
    return f"{row['term']} by {row['column']}: {'; '.join(sides)}, q = {row['q_value']:.3g}"


def _turned(row: dict[Any, Any]) -> str:
    text = (
        f"{row['term']} by {row['column']}, {row['kind']}: pooled {row['estimate']:+.3f} "
        f"{ends_text(row['conf_low'], row['conf_high'], row['reason'])}, within "
        f"{row['within']:+.3f} {ends_text(row['within_low'], row['within_high'], row['reason'])}"
    )
    return f"{text}, {row['n_groups']:.0f} groups, q = {row['q_value']:.3g}"
