"""What stated reasons name, beside what the weights say: the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from workbench.explain.rationales.exchange import WITHIN
from workbench.explain.rationales.findings import rationale_findings
from workbench.explain.rationales.naming import BOTH, INERT, SILENT, UNSHOWN
from workbench.finding import Finding
from workbench.intervals import ends_text
from workbench.provenance import Provenance
from workbench.reasons import listed
from workbench.results import Result

if TYPE_CHECKING:
    import plotly.graph_objects as go

_SHOWN = 6

_TOLD = {
    BOTH: "named and weighed", UNSHOWN: "named, and no weight was shown",
    INERT: "named, though the weight is equivalent to 0", SILENT: "strong, and never named",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Rationales(Result):
    """Whether stated reasons name the factors that the regression finds.

    Attributes
    ----------
    lifts : DataFrame
        One row an annotator and factor: ``estimate`` is the lift, how many times as often the
        factor is named where its contribution is the pair's largest as where reasons are
        exchanged; ``named_when_largest``, ``named_otherwise``, ``expected``; ``n`` pairs.
    coverage : DataFrame
        Share of each annotator's reasons that name any factor.
    naming : DataFrame
        Share of the reasons that name each factor, its weight, and what the two say together.
    direction : DataFrame
        Whether what reasons say of the responses is so, and whether they praise what the weights
        reward.
    contrasts : DataFrame
        Who names a factor more often than whom, on shared pairs.
    phrases : DataFrame
        What the lexicon found, by phrase.
    readings : DataFrame
        Agreement of lexicon and model, by factor; empty without a model.
    exclusions : DataFrame
        Labels that are not in it, by reason.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "Stated reasons"
    about: ClassVar[str] = (
        "Whether the reasons that annotators state name the factors that their labels follow. A "
        "lift of 1 is what reasons exchanged between pairs would give: then they do not tell why "
        "this pair was decided so. A reason that names another factor is no lie: factors that go "
        "together stand in for each other, and a list of phrases does not find all that is said."
    )

    lifts: pd.DataFrame
    coverage: pd.DataFrame
    naming: pd.DataFrame
    direction: pd.DataFrame
    contrasts: pd.DataFrame
    phrases: pd.DataFrame
    readings: pd.DataFrame
    exclusions: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return the lifts, one row an annotator and factor."""
        return self.lifts

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return every table of the result."""
        return {
            "lifts": self.lifts, "coverage": self.coverage, "naming": self.naming,
            "direction": self.direction, "contrasts": self.contrasts, "phrases": self.phrases,
            "readings": self.readings, "exclusions": self.exclusions,
        }  # fmt: skip

    def summary(self) -> str:
        """Return coverage, lifts, lists and directions as text."""
        own = self.settings
        lines = [
            f"Stated reasons ({100 * own['level']:g}% intervals), read by {own['reading']} from "
            f"{own['column']}",
            *self._told_of_readers(),
        ]
        for row in self.coverage.to_dict("records"):
            name = row["group"]
            lines.append(
                f"{name}: {_share(row)} of {row['n']:,.0f} reasons name a factor, "
                f"{row['factors_a_reason']:.1f} factors a reason; reasons exchanged "
                f"{_HOW[own['exchange'][name]]}"
            )
            lines += self._lines_of(name)
        lines += [f"  {row.n:,} labels: {row.reason}" for row in self.exclusions.itertuples()]
        lines += [f"note: {text}" for text in own["notes"]]
        lines.append(f"method: {own['method']}")
        return "\n".join(lines)

    def _told_of_readers(self) -> list[str]:
        return [f"{own['reading']} is built in: it simulates a reader, and is none."
                for own in [self.settings] if own["simulated"]]  # fmt: skip

    def _lines_of(self, name: str) -> list[str]:
        lines = []
        lifts = self.lifts[(self.lifts["group"] == name) & self.lifts["p_value"].notna()]
        verb = "told apart" if self.settings["told"] else "named"
        for row in (
            lifts.sort_values("n", ascending=False, kind="stable").head(_SHOWN).to_dict("records")
        ):
            ends = ends_text(row["conf_low"], row["conf_high"], row["reason"], "")
            lines.append(
                f"  {row['term']}: lift {row['estimate']:.2f} {ends}, {verb} in "
                f"{row['named_when_largest']:.1%} where it is the largest (n = "
                f"{row['n_largest']:,.0f} pairs, {row['n']:,.0f} of them compared), "
                f"q = {row['q_value']:.3g}"
            )
        naming = self.naming[self.naming["group"] == name]
        for kind, words in _TOLD.items():
            terms = naming.loc[naming["kind"] == kind, "term"].tolist()
            if terms:
                lines.append(f"  {words}: {listed(terms)}")
        own = self.direction[(self.direction["group"] == name) & (self.direction["n"] > 0)]
        for row in own.sort_values("n", ascending=False, kind="stable").head(3).to_dict("records"):
            ends = ends_text(row["beyond_low"], row["beyond_high"], row["reason"])
            lines.append(
                f"  {row['term']}: which response has more is said rightly in {_share(row)} of "
                f"{row['n']:,.0f}, {row['beyond']:+.3f} {ends} beyond what follows the verdict"
            )
        return lines

    def plot(self) -> go.Figure:
        """Return the lifts that were tested, against 1: those with an interval if any has one."""
        from workbench.plots.forest import forest

        return forest(self._tested(), reference=1.0, x_title="lift of being named")

    def figures(self) -> dict[str, go.Figure]:
        """Return lifts, coverage, and how often each factor is named."""
        from workbench.plots.forest import forest

        named = self.naming[self.naming["estimate"] > 0]
        share = "share of the reasons"
        return {
            self.heading: self.plot(),
            "Reasons that name any factor": forest(self.coverage, reference=None, x_title=share),
            "Reasons that name each factor": forest(named, reference=None, x_title=share),
        }

    def _tested(self) -> pd.DataFrame:
        tested = self.lifts["p_value"].notna()
        # a lift of a few namings may be anything: without an interval it is for the table
        told = self.lifts["conf_low"].notna()
        for rows in (tested & told, tested):
            if rows.any():
                return self.lifts[rows]
        return self.lifts

    def findings(self) -> list[Finding]:
        """Return what is named without a weight, weighed without a name, or beside the point."""
        return rationale_findings(self.lifts, self.naming, self.coverage, self.settings)


_HOW = {
    WITHIN: "between pairs of one prompt",
    "across": "between prompts: what whole prompts have in common may look like a reason",
}


def _share(row: dict[Any, Any]) -> str:
    ends = ends_text(row["conf_low"], row["conf_high"], row["reason"], "")
    return f"{row['estimate']:.3f} {ends}"
