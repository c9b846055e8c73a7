"""One public or several: the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from workbench.finding import Finding
from workbench.intervals import ends_text
from workbench.provenance import Provenance
from workbench.results import Result
from workbench.structure.groups.findings import OVERLAP, group_findings

if TYPE_CHECKING:
    import plotly.graph_objects as go

_LINES = 12
_FINE = 4e-4
"""Width below which four digits say too little."""


@dataclass(frozen=True, eq=False)
class Groups(Result):
    """How many publics there are, what each rewards, and who is near which.

    Attributes
    ----------
    weights : DataFrame
        One row a group and term (log-odds per unit); of everybody where there is one public.
    number : DataFrame
        One row a number of groups: log-loss on prompts held out, behind the best by how much;
        ``p_exchange`` of two groups; log-likelihood, BIC by people and by labels, simulated
        likelihood ratio of one more (a misfit: labels of one prompt share more than simulated).
    detectable : DataFrame
        The shift between two equal groups that this design shows, term by term.
    shares, differences, membership, columns, pairs, new_people : DataFrame
        Empty where there is one public, or where that cannot be told.
    exclusions : DataFrame
        Labels left out: ``annotator, reason, n``.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "One public or several"
    about: ClassVar[str] = (
        "Whether people fall into groups that weigh factors otherwise, by what predicts labels of "
        "other prompts. Groups are numbered by size and named by nobody; they describe who was "
        "asked, no cause. That none is found says only what the design could have shown; a "
        "minority is not noise."
    )

    weights: pd.DataFrame
    number: pd.DataFrame
    detectable: pd.DataFrame
    shares: pd.DataFrame
    differences: pd.DataFrame
    membership: pd.DataFrame
    columns: pd.DataFrame
    pairs: pd.DataFrame
    new_people: pd.DataFrame
    exclusions: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    @property
    def groups(self) -> int:
        """Return the number of groups that is shown; 1 is one public, or an undefined verdict."""
        return int(self.settings["groups"])

    def to_frame(self) -> pd.DataFrame:
        """Return the weights, one row a group and term."""
        return self.weights

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the tables there are."""
        found = {
            "weights": self.weights, "number": self.number, "detectable": self.detectable,
            "shares": self.shares, "differences": self.differences,
            "membership": self.membership, "columns": self.columns, "pairs": self.pairs,
            "new_people": self.new_people, "exclusions": self.exclusions,
        }  # fmt: skip
        return {name: frame for name, frame in found.items() if len(frame)}

    def summary(self) -> str:
        """Return what could be seen, the verdict, and the weights as text."""
        used = self.settings
        told = used["detectable"]
        lines = [f"Detectable before any group was fitted: {told}"] if told else []
        lines += [
            f"Verdict: {used['verdict']}, of {used['n_people']:,} people with "
            f"{used['n_labels']:,} labels ({used['labels_a_person']:.1f} each); "
            f"{used['level']:.0%} intervals",
        ]
        lines += [_number_line(row) for row in self.number.to_dict("records")]
        if self.groups > 1:
            lines += [_line(row, f"{row['group']}, {row['term']}", 3)
                      for row in self.shares.to_dict("records")]  # fmt: skip
            r2 = used["entropy_r2"]
            told = "groups overlap: read weights, do not assign people" if r2 < OVERLAP else (
                "groups are apart")  # fmt: skip
            lines.append(f"  entropy R^2 of membership {r2:.3f} (n = {used['n_people']:,}): {told}")
        if used["few_labels"]:
            lines.append("  few labels a person: groups are hardly seen")
        rows = self.weights.to_dict("records")
        lines += [_line(row, f"{row['group']}: {row['term']}", 3) for row in rows[:_LINES]]
        if len(rows) > _LINES:
            lines.append(f"  ... {len(rows) - _LINES} more in the table")
        left = used["n_left_out"]
        lines.append(f"  {left:,} labels left out" if left else "  no label left out")
        lines += [f"note: {text}" for text in used["notes"]]
        return "\n".join([*lines, f"method: {rows[0]['method']}; held out by prompts"])

    def findings(self) -> list[Finding]:
        """Return that there are several publics, that they overlap, that labels are few."""
        return group_findings(self.number, self.pairs, self.settings)

    def plot(self) -> go.Figure:
        """Return the weights of each group with their intervals."""
        from workbench.plots.forest import forest

        return forest(self.weights)

    def figures(self) -> dict[str, go.Figure]:
        """Return the weights, and the log-loss on prompts held out by the number of groups."""
        from workbench.plots.forest import forest

        held = self.number.assign(
            term=[f"{c} group{'s' if c > 1 else ''}" for c in self.number["groups"]],
            estimate=self.number["behind_best"], method="held out by prompts",
        ).drop(columns="reason", errors="ignore")  # fmt: skip
        # the best is the reference of the others: it has no interval of its own
        rest = held[held["std_error"].notna()]
        found = {self.heading: self.plot()}
        if len(rest):
            title = "log-loss on prompts held out, behind the best"
            found["Number of groups"] = forest(rest, x_title=title)
        return found


def _number_line(row: dict[Any, Any]) -> str:
    c = row["groups"]
    text = f"  {c} group{'s' if c > 1 else ''}: held-out log-loss {row['held_out_log_loss']:.4f}"
    if np.isfinite(row["std_error"]):
        # no interval of width 0: differences that are next to nothing get their digits
        kind = ".4f" if row["conf_high"] - row["conf_low"] >= _FINE else ".1e"
        text += f", behind the best by {row['behind_best']:{kind}}"
        text += f" [{row['conf_low']:+{kind}}, {row['conf_high']:+{kind}}]"
    if np.isfinite(row.get("bic_people", np.nan)):
        text += f"; BIC {row['bic_people']:.1f} by people, {row['bic_labels']:.1f} by labels"
    if np.isfinite(row["p_exchange"]):
        text += f"; people exchanged within prompts: p = {row['p_exchange']:.3f}"
    if np.isfinite(row.get("misfit_p", np.nan)):
        text += f"; misfit: LR of one more {row['misfit_lr']:.2f} (simulated mean "
        text += f"{row['misfit_mean']:.2f}), p = {row['misfit_p']:.3f}"
    return text + (" <- chosen" if row["chosen"] else "")


def _line(row: dict[Any, Any], name: str, digits: int) -> str:
    if np.isnan(row["estimate"]):
        return f"  {name} undefined: {row['reason']}"
    sign = "" if "share" in str(row["term"]) else "+"
    ends = ends_text(row["conf_low"], row["conf_high"], row["reason"], sign)
    return f"  {name}: {row['estimate']:{sign}.{digits}f} {ends}, n = {row['n']:,.0f}"
