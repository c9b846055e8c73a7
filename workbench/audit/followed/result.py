"""Whether stated preferences are followed: the result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from workbench.finding import Finding, Rule, finding
from workbench.intervals import ends_text
from workbench.provenance import Provenance
from workbench.results import TIDY, Result

if TYPE_CHECKING:
    import plotly.graph_objects as go

TOLD, UNTOLD, LIFT = "with the preference", "without it", "lift"
COLUMNS = (
    "condition", "turns", *TIDY, "n_clusters", "n_unread", "chance", "only_with", "only_without",
    "method", "reason",
)  # fmt: skip

RULES = {
    "stating-preferences-makes-no-difference": Rule(
        "share followed with the preference in context, less that without it, paired by item",
        "the interval holds 0 or lies below it",
        "Do not read the share that is followed as following: as many replies fit by chance.",
    ),
}
"""What replies may show, by ``rule_id``."""


@dataclass(frozen=True, eq=False)
class Followed(Result):
    """Whether replies follow stated preferences, by turn distance and beside no preference.

    Attributes
    ----------
    estimates : DataFrame
        One row a share or lift: see :meth:`to_frame`.
    cases : DataFrame
        One row a reply: ``item, turns, told`` and what it does.
    exclusions : DataFrame
        What is in no denominator: ``group, reason, n``.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "Stated preferences followed"
    about: ClassVar[str] = (
        "How many replies are helpful and do not violate a preference that was stated turns ago, "
        "how the others come to violate it, and how many would have fitted without its being "
        "stated: the lift is the difference, paired by question. Answers of the grader that are "
        "neither yes nor no are in no share."
    )

    estimates: pd.DataFrame
    cases: pd.DataFrame = field(repr=False)
    exclusions: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    @property
    def lift(self) -> pd.DataFrame:
        """The rows of the paired lift, by turn distance."""
        return self.estimates[self.estimates["condition"].eq(LIFT)]

    def to_frame(self) -> pd.DataFrame:
        """Return one row a share or lift.

        ``condition`` (with the preference, without it, lift) and ``turns`` (a distance, or all);
        the tidy columns; ``n_clusters`` items; ``n_unread`` replies that are in no denominator;
        ``chance`` of choices; ``only_with`` and ``only_without``, the discordant pairs of a lift.
        """
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return shares and lifts, what was left out, and every case."""
        found = {"followed": self.estimates, "exclusions": self.exclusions, "cases": self.cases}
        return {name: table for name, table in found.items() if name == "followed" or len(table)}

    def summary(self) -> str:
        """Return every share and lift as text."""
        s = self.settings
        who = f" of {s['model']}" if s.get("model") else ""
        by = f", graded by {s['grader']}" if s.get("grader") else ""
        lines = [
            f"Stated preferences followed: {s['n']:,} {s['kind']}{who}{by}, "
            f"{s['n_items']:,} items, {s['level']:.0%} intervals"
        ]
        if s["simulated"]:
            lines.append("a built-in model answered: it reckons with the text, and follows nothing")
        for (condition, turns), own in self.estimates.groupby(["condition", "turns"], sort=False):
            distance = "" if condition == UNTOLD else f", turns between: {turns}"
            lines.append(f"{condition}{distance}")
            lines += [f"  {_text(row)}" for row in own.to_dict("records")]
        lines += [f"left out: {row['n']:,} {row['group']}: {row['reason']}"
                  for row in self.exclusions.to_dict("records")]  # fmt: skip
        lines += [f"note: {one}" for one in s.get("notes", ())]
        lines.append(
            "method: shares by mid-P intervals over items; lift paired by item, exact test of "
            "random signs; q: Benjamini-Hochberg over all lifts"
        )
        return "\n".join(lines)

    def findings(self) -> list[Finding]:
        """Return distances at which stating a preference makes no difference."""
        found = []
        if self.settings["simulated"]:
            return []
        for row in self.lift.to_dict("records"):
            if not np.isfinite(row["conf_low"]) or row["conf_low"] > 0:
                continue
            text = f"stating a preference makes no clear difference (turns between: {row['turns']})"
            numbers = (row["estimate"], row["conf_low"], row["conf_high"])
            found.append(finding(RULES, "stating-preferences-makes-no-difference", "note", text,
                                 int(row["n"]), numbers, term=row["term"]))  # fmt: skip
        return found

    def plot(self) -> go.Figure:
        """Return the shares with their intervals."""
        from workbench.plots.forest import forest

        rows = self.estimates[self.estimates["condition"].ne(LIFT)]
        named = rows["term"] + " (" + rows["turns"].replace("–", "any") + ")"
        return forest(rows.assign(term=named, group=rows["condition"]), x_title="share",
                      reference=None)  # fmt: skip

    def figures(self) -> dict[str, go.Figure]:
        """Return shares, and the lifts where there are any."""
        from workbench.plots.forest import forest

        found, lifts = {"Stated preferences followed": self.plot()}, self.lift
        if lifts["estimate"].notna().any():
            named = lifts["term"] + " (turns: " + lifts["turns"] + ")"
            found["Lift"] = forest(lifts.assign(term=named), x_title="with less without")
        return found


def _text(row: dict[Any, Any]) -> str:
    unread = f", {row['n_unread']:,.0f} unread" if row["n_unread"] else ""
    if not np.isfinite(row["estimate"]):
        return f"{row['term']}: undefined: {row['reason']}{unread}"
    lift = row["condition"] == LIFT
    sign = "+" if lift else ""
    text = f"{row['term']}: {row['estimate']:{sign}.3f} "
    text += ends_text(row["conf_low"], row["conf_high"], row["reason"], sign)
    if lift:
        text += f", q = {row['q_value']:.2g}, only with {row['only_with']:,.0f}, only without "
        text += f"{row['only_without']:,.0f}"
    if np.isfinite(row["chance"]):
        text += f", chance {row['chance']:.3f}"
    return f"{text}, n = {row['n']:,.0f}{unread}"
