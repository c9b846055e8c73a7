"""Which pairs to have labelled next: the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from workbench.finding import Finding, Rule, finding
from workbench.provenance import Provenance
from workbench.results import Result

if TYPE_CHECKING:
    import plotly.graph_objects as go

OPTIMAL, RANDOM, PILOT = "optimal", "random", "random pilot"

RULES = {
    "pilot-first": Rule(
        "labelled pairs of the reference (a count: it has no interval)",
        "below 100, or below 5 for each weight",
        "Have the random pilot labelled, read the labels in, and choose again.",
    ),
}
"""What a choice may show, by ``rule_id``."""


@dataclass(frozen=True, eq=False)
class Choice(Result):
    """Pairs to have labelled, in order, and the errors that they promise.

    Attributes
    ----------
    estimates : DataFrame
        One row a weight: ``estimate`` is the standard error promised once the ``n`` chosen
        pairs are labelled, ``now`` that of the labels that are there, ``random`` that of as
        many pairs drawn at random; ``method`` and ``reason``. A promise has no interval.
    chosen : DataFrame
        One row a pair: ``rank``, ``batch``, ``pair_id``, ``why`` (``optimal``, ``random``,
        ``random pilot``), ``gain`` (in log det, or in the variance of the targets), ``p_a``
        (the pilot's P(A preferred)), ``weight`` (1 / P(drawn), of random ones alone: how many of
        the pairs still open when this was chosen each stands for) and ``note``.
    promised : DataFrame
        After each batch, ``n`` pairs chosen so far: ``term, std_error``.
    exclusions : DataFrame
        Pairs that cannot be chosen: ``reason, n``.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "Pairs to label next"
    about: ClassVar[str] = (
        "The pairs whose labels would tell most, with a part drawn at random that keeps the others "
        "honest. Means (win rates, agreement) are to be taken from the random part of the first "
        "choice alone: the optimal pairs are close calls, and later choices lack them."
    )

    estimates: pd.DataFrame
    chosen: pd.DataFrame
    promised: pd.DataFrame
    exclusions: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    @property
    def pair_ids(self) -> list[str]:
        """The chosen pairs, in their order."""
        return [str(name) for name in self.chosen["pair_id"]]

    def to_frame(self) -> pd.DataFrame:
        """Return the promised standard errors, one row a weight."""
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the promised errors, the chosen pairs, errors by batch, pairs left out."""
        found = {
            "promised_errors": self.estimates, "chosen": self.chosen,
            "by_batch": self.promised, "exclusions": self.exclusions,
        }  # fmt: skip
        must = ("promised_errors", "chosen")
        return {name: table for name, table in found.items() if name in must or len(table)}

    def summary(self) -> str:
        """Return what was chosen, why, and what it promises, as text."""
        used, why = self.settings, self.chosen["why"].value_counts()
        counts = ", ".join(f"{n:,} {name}" for name, n in why.items())
        lines = [
            f"{len(self.chosen):,} of {used['candidates']:,} unlabelled pairs: {counts}; "
            f"{used['labelled']:,} pairs have a label of {used['reference']}"
        ]
        short = used["n"] - len(self.chosen)
        if not used["ready"]:
            lines.append(
                f"A pilot comes first: {used['pilot']:,} labelled pairs for {len(used['terms'])} "
                "weights. Have these labelled, read the labels in, and choose again"
                + (f" ({short:,} of the {used['n']:,} asked for are left)." if short > 0 else ".")
            )
        elif short > 0:
            lines.append(f"{used['n']:,} were asked for: there are no more.")
        if used["ready"]:
            aim = "variance of " + ", ".join(used["target"]) if used["target"] else "log det"
            lines.append(f"standard errors promised ({aim}); now; by as many random pairs:")
            lines += [f"  {_line(row)}" for row in self.estimates.to_dict("records")]
        lines += [f"  {row['n']:,} pairs left out: {row['reason']}"
                  for row in self.exclusions.to_dict("records")]  # fmt: skip
        lines.append(
            "Means estimated from optimal pairs are biased. A random pair stands for as many of "
            f"the {used['candidates']:,} pairs still open now as its weight says: means of all "
            "come from the random part of the first choice."
        )
        return "\n".join([*lines, f"method: {self.estimates['method'].iloc[0]}"])

    def findings(self) -> list[Finding]:
        """Return a pilot that is missing."""
        used = self.settings
        if used["ready"]:
            return []
        text = f"{used['labelled']:,} labelled pairs are too few to choose by: a pilot comes first"
        numbers = (float(used["labelled"]), np.nan, np.nan)
        return [finding(RULES, "pilot-first", "note", text, used["labelled"], numbers)]

    def plot(self) -> go.Figure:
        """Return the promised errors beside those now and by random pairs."""
        names = {"estimate": "promised", "random": "as many random pairs", "now": "now"}
        return errors_drawn(self.estimates, names)


def errors_drawn(table: pd.DataFrame, names: dict[str, str]) -> go.Figure:
    """Return the figure of several columns of standard errors, named so.

    Parameters
    ----------
    table : DataFrame
        With ``term, n, reason``.
    names : dict of str to str
        What each column is called.
    """
    from workbench.plots.forest import forest

    parts = [
        table[["term", "n", "reason"]].assign(
            group=text, estimate=table[name], conf_low=np.nan, conf_high=np.nan
        )
        for name, text in names.items()
    ]
    return forest(pd.concat(parts, ignore_index=True), x_title="standard error")


def _line(row: dict[Any, Any]) -> str:
    if pd.isna(row["estimate"]):
        return f"{row['term']}: undefined: {row['reason']}"
    now = "untold" if pd.isna(row["now"]) else f"{row['now']:.3f}"
    other = "untold" if pd.isna(row["random"]) else f"{row['random']:.3f}"
    return f"{row['term']}: {row['estimate']:.3f}; {now}; {other}"
