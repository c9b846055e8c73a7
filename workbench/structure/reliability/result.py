"""Who labels wrongly: the result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from workbench.finding import Finding, Rule, finding
from workbench.intervals import ends_text
from workbench.provenance import Provenance
from workbench.results import Result

if TYPE_CHECKING:
    import plotly.graph_objects as go

SURE = 0.05
_SHOWN = 20

RULES = {
    "worse-than-chance": Rule(
        "share of a worker's answers that are right, by the others' answers",
        f"below chance with q < {SURE:g} (Benjamini-Hochberg over the workers)",
        "Look at this worker's labels: sides may be exchanged, or the task misread.",
    ),
    "taste-not-checked": Rule(
        "none: whether people differ in taste is not known",
        "no factors, or too few prompts",
        "Score factors first (score_factors), so that a minority is not told to be wrong.",
    ),
    "truth-not-settled": Rule(
        "rounds of the fit (a count: it has no interval)",
        "no rest within the rounds allowed",
        "Read posteriors as approximate; a few more labels a pair usually settle them.",
    ),
}
"""What reliability may show, by ``rule_id``."""


@dataclass(frozen=True, eq=False)
class Reliability(Result):
    """How often each worker is right, and what is true of each pair.

    Attributes
    ----------
    workers : DataFrame
        One row a worker: the tidy columns of the accuracy (``p_value``: agrees less than
        ``chance``), ``n_effective``; ``sensitivity``, ``specificity`` and ``slot_bias`` with
        their ends; ``n_shown, n_alone, method, reason, slot_reason``.
    pairs : DataFrame
        One row a pair: ``pair_id, prompt, p_a, p_tie, p_b, entropy`` in bits, ``answer``,
        ``majority`` (or ``split``), ``changed``, ``n_labels, n_workers``.
    gate : DataFrame
        Taste against reliability, held out.
    exclusions : DataFrame
        ``annotator, reason, n``.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "Reliability of workers"
    about: ClassVar[str] = (
        "How often each worker is right, if one answer of each pair is right whoever is asked, "
        "as was said. What is right is estimated from all answers; each worker is judged by the "
        "others. Where people like different things this says nothing of who is wrong."
    )

    workers: pd.DataFrame
    pairs: pd.DataFrame = field(repr=False)
    gate: pd.DataFrame
    exclusions: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return one row a worker."""
        return self.workers

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return workers, the check of taste, pairs, and what was left out."""
        found = {"workers": self.workers, "gate": self.gate, "pairs": self.pairs,
                 "exclusions": self.exclusions}  # fmt: skip
        return {name: table for name, table in found.items() if name == "workers" or len(table)}

    def summary(self) -> str:
        """Return workers, the worst first, and how answers differ from the majority's."""
        used = self.settings
        lines = [
            f"Reliability of workers, {used['level']:.0%} intervals: {used['n_workers']:,} workers"
            f", {used['n_pairs']:,} pairs, {used['n_labels']:,} labels, {used['n_shared']:,} "
            "of them on pairs of several workers"
        ]
        rows = self.workers.sort_values(["estimate", "term"], na_position="last")
        lines += [_line(row) for row in rows.head(_SHOWN).to_dict("records")]
        if len(rows) > _SHOWN:
            lines.append(f"  the least right {_SHOWN} of {len(rows):,}; the table has all")
        rest = "" if used["converged"] else "; the fit has not come to rest"
        lines.append(
            f"the answer is not the majority's on {used['n_changed']:,} of {used['n_pairs']:,} "
            f"pairs; {used['rounds']} rounds{rest}"
        )
        lines.append(f"check: {used['gate']['sentence']}")
        return "\n".join([*lines, f"method: {self.workers['method'].iloc[0]}"])

    def findings(self) -> list[Finding]:
        """Return workers worse than chance, and what could not be checked."""
        used, found = self.settings, []
        for row in self.workers.to_dict("records"):
            if row["q_value"] < SURE:
                found.append(finding(
                    RULES, "worse-than-chance", "warning",
                    f"{row['term']} is right less often than chance ({row['chance']:.2f})",
                    int(row["n"]), (row["estimate"], row["conf_low"], row["conf_high"]),
                    group=row["term"],
                ))  # fmt: skip
        if not used["gate"]["checked"]:
            said = used["gate"]["sentence"]
            found.append(finding(RULES, "taste-not-checked", "note",
                                 said[0].upper() + said[1:], used["n_labels"]))  # fmt: skip
        if not used["converged"]:
            nan = float("nan")
            found.append(finding(RULES, "truth-not-settled", "note",
                                 "The fit has not come to rest", used["n_labels"],
                                 (float(used["rounds"]), nan, nan)))  # fmt: skip
        return found

    def plot(self) -> go.Figure:
        """Return how often each worker is right."""
        from workbench.plots.forest import forest

        rows = self.workers.sort_values(["estimate", "term"], na_position="last")
        return forest(rows, x_title="share of answers that are right", reference=None)


def _line(row: dict[Any, Any]) -> str:
    if pd.isna(row["estimate"]):
        return f"  {row['term']}: undefined: {row['reason']}"
    ends = ends_text(row["conf_low"], row["conf_high"], row["reason"], "")
    return f"  {row['term']}: right {row['estimate']:.3f} {ends}, n = {row['n']:,}"
