"""A judge that is watched: the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from workbench.finding import Finding, Rule, finding
from workbench.intervals import ends_text
from workbench.provenance import Provenance
from workbench.results import TIDY, Result

if TYPE_CHECKING:
    import plotly.graph_objects as go

COLUMNS = (
    "group", *TIDY, "n_clusters", "null", "alarm", "alarm_look", "alarm_n", "alarm_time",
    "method", "reason",
)  # fmt: skip
RUNNING = ("group", "term", "look", "n", "time", "estimate", "conf_low", "conf_high", "alarm")

_BETS = "bets against it, begun again and again, win 1 / alpha at the level that all alarms share"
RULES = {
    "monitor-agreement-low": Rule(
        "agreement of the judge with the reference so far",
        f"not below the least that was asked for: {_BETS}",
        "Stop relying on this judge; look at where it and people part before it is asked again.",
    ),
    "monitor-position": Rule(
        "share of verdicts for the response shown first",
        f"one half: {_BETS}",
        "Ask this judge in both orders and average.",
    ),
    "monitor-changed": Rule(
        "rate since the baseline minus that of the baseline, or of the older version",
        f"no difference: {_BETS}",
        "Do not pool verdicts from before and after: find what changed, and label anew.",
    ),
    "monitor-no-common-rate": Rule(
        "rate of the judge so far (it has no interval any more)",
        "no rate is within all intervals of the sequence so far",
        "Look at when it changed; take a later start as the baseline.",
    ),
}
"""What watching a judge may show, by ``rule_id``."""


@dataclass(frozen=True, eq=False)
class Monitor(Result):
    """What a judge does as verdicts arrive, with intervals that hold at every look.

    Attributes
    ----------
    estimates : DataFrame
        One row a judge and number, as of the last look; see :meth:`to_frame`.
    running : DataFrame
        The same at up to 200 looks, and that of the first alarm: ``group, term, look`` (prompts
        so far, those of a baseline too), ``n`` (their pairs), ``time, estimate, conf_low,
        conf_high, alarm``.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "A judge watched"
    about: ClassVar[str] = (
        "Agreement with the reference, ties and the pull of the first place as verdicts arrive. "
        "The intervals hold at all looks at once: one may look after every label, and stop when "
        "they are narrow enough. An alarm says from when on a change was sure, not when it began."
    )

    estimates: pd.DataFrame
    running: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return one row a judge and number.

        ``group``, the tidy columns (``estimate``: mean over prompts so far; ``n`` pairs),
        ``n_clusters``; ``null``: what an alarm is raised against; ``alarm``: the rule that raised
        it, at ``alarm_look`` (prompts), ``alarm_n`` (pairs), ``alarm_time``; ``method, reason``.
        """
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the numbers as of now, and at every look that is told."""
        return {"monitor": self.estimates, "running": self.running}

    def summary(self) -> str:
        """Return what is sure so far, and since when, as text."""
        used = self.settings
        lines = [
            f"Watched: {', '.join(used['judges'])}; reference {used['reference']}; "
            f"{used['level']:.0%} at all looks at once; by {used['order']}",
            used["verdict"],
        ]
        for name, table in self.estimates.groupby("group", sort=False):
            lines.append(f"\n{name}")
            lines += [f"  {_text(row)}" for row in table.to_dict("records")]
        lines += [f"left out: {n:,} verdicts: {why}" for why, n in used["left_out"].items()]
        methods = list(self.estimates["method"].dropna().unique())
        return "\n".join([*lines, "", *(f"method: {text}" for text in methods)])

    def findings(self) -> list[Finding]:
        """Return the alarms."""
        found = []
        for row in self.estimates.to_dict("records"):
            if not row["alarm"]:
                continue
            level = "note" if row["alarm"] == "monitor-position" else "warning"
            text = f"{row['group']}: {row['term']}, alarm after {row['alarm_look']:,.0f} prompts"
            found.append(finding(
                RULES, row["alarm"], level, text, int(row["n"]),
                (row["estimate"], row["conf_low"], row["conf_high"]), group=str(row["group"]),
            ))  # fmt: skip
        return found

    def plot(self) -> go.Figure:
        """Return the first number that is defined, of every judge at every look."""
        return self._sequence(str(self.running["term"].iloc[0]))

    def figures(self) -> dict[str, go.Figure]:
        """Return the sequence of every number."""
        terms = [str(term) for term in dict.fromkeys(self.running["term"])]
        return {f"{self.heading}: {term}": self._sequence(term) for term in terms}

    def _sequence(self, term: str) -> go.Figure:
        from workbench.plots.curve import curve

        table = self.running[self.running["term"] == term]
        null = self.estimates.loc[self.estimates["term"] == term, "null"].dropna()
        return curve(
            table, x="look", x_title="prompts so far", y_title=term,
            reference=float(null.iloc[0]) if len(null) else None,
        )  # fmt: skip


def verdict_of(table: pd.DataFrame) -> str:
    """Return what is sure so far, in a sentence.

    Examples
    --------
    >>> row = {"group": "judge", "term": "agreement", "alarm": ""}
    >>> verdict_of(pd.DataFrame([row]))
    'No alarm: nothing is sure to have left what it is held against.'
    """
    alarms = table[table["alarm"].ne("")].to_dict("records")
    if not alarms:
        return "No alarm: nothing is sure to have left what it is held against."
    first = [f"{row['group']}, {row['term']} (prompt {row['alarm_look']:,.0f})" for row in alarms]
    return f"{len(alarms)} alarm{'s' * (len(alarms) > 1)}: {'; '.join(first[:6])}."


def _text(row: dict[Any, Any]) -> str:
    if np.isnan(row["estimate"]):
        return f"{row['term']}: undefined: {row['reason']}"
    sign = "+" if ":" in row["term"] else ""
    ends = ends_text(row["conf_low"], row["conf_high"], row["reason"], sign)
    why = f" ({row['reason']})" if isinstance(row["reason"], str) and "[" in ends else ""
    alarm = ""
    if row["alarm"]:
        when = f", {row['alarm_time']}" if isinstance(row["alarm_time"], str) else ""
        alarm = f"; ALARM at prompt {row['alarm_look']:,.0f}{when}"
    counts = f"n = {row['n']:,.0f} pairs, {row['n_clusters']:,.0f} prompts"
    return f"{row['term']}: {row['estimate']:{sign}.3f} {ends}, {counts}{alarm}{why}"
