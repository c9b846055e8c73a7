"""How people differ: the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from workbench.finding import Finding
from workbench.intervals import ends_text
from workbench.provenance import Provenance
from workbench.results import Result
from workbench.structure.people.findings import people_findings

if TYPE_CHECKING:
    import plotly.graph_objects as go

_PANELS = 4


@dataclass(frozen=True, eq=False)
class People(Result):
    """Weights of each person, and which model of people tells new labels.

    Attributes
    ----------
    estimates : DataFrame
        One row a person and term: posterior weight, ``n_pairs, shrinkage, z_from_mean``;
        ``p_value`` and ``q_value`` are of the distance from the mean of all people.
    persons : DataFrame
        One row a person: ``sharpness`` and ``careless`` (share of labels of a bad habit, with
        the likeliest ``habit``) with intervals, held-out log-loss under each model, and the
        verdict.
    terms : DataFrame
        One row a term: ``mu`` in the tidy columns; ``tau`` with ``tau_low`` and ``tau_high``;
        ``share_opposite``, the share of people whose weight has the other sign, with its
        interval; ``p_value`` and ``q_value`` are of ``tau = 0``.
    ladder : DataFrame
        One row a model: ``rung``, held-out log-loss, ``parameters``, ``gain`` on the pooled
        model and ``gain_on_rung_below`` with errors, permutation test.
    new_people : DataFrame
        One row a number of labels known of a person who was left out.
    exclusions : DataFrame
        Labels left out: ``annotator, reason, n``.
    settings : dict
        Options, ``verdict``, ``best`` (the model that it rests on, or None), counts, notes.
    provenance : Provenance
    """

    heading: ClassVar[str] = "People"
    about: ClassVar[str] = (
        "Whether people weigh factors otherwise, by how much, and whether it is taste, reliability "
        "or carelessness: models of people are compared on prompts that they have not seen. "
        "Descriptive, not causal; a minority is not noise."
    )

    estimates: pd.DataFrame
    persons: pd.DataFrame
    terms: pd.DataFrame
    ladder: pd.DataFrame
    new_people: pd.DataFrame
    exclusions: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    @property
    def verdict(self) -> str:
        """The sentence that says what the ladder amounts to."""
        return str(self.settings["verdict"])

    def to_frame(self) -> pd.DataFrame:
        """Return one row a person and term."""
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return estimates, persons, terms, ladder, new people and exclusions."""
        names = ("estimates", "persons", "terms", "ladder", "new_people", "exclusions")
        return {name: getattr(self, name) for name in names}

    def summary(self) -> str:
        """Return verdict, ladder, terms, new people and notes as text."""
        own = self.settings
        lines = [
            f"People ({100 * own['level']:g}% interval)",
            f"{own['n_labels']:,} labels of {own['n_people']:,} people on {own['n_prompts']:,} "
            f"prompts; {own['labels_a_person']:.1f} labels a person; "
            f"{own['prompts_of_several_people']:.0%} of the prompts have several people",
            f"verdict: {self.verdict}",
            "",
            "model, held-out log-loss, gain on pooled (error):",
            *(_ladder_line(row) for row in self.ladder.to_dict("records")),
            "",
            "terms (mu; tau between people; share of people of the other sign):",
            *(_term_line(row) for row in self.terms.to_dict("records")),
            "",
            "people who were not met, by labels known of them:",
            *(_new_line(row) for row in self.new_people.to_dict("records")),
        ]
        if len(self.persons):
            counts = self.persons["verdict"].value_counts()
            told = ", ".join(f"{name} {n:,}" for name, n in counts.items())
            lines += ["", f"each person: {told}"]
        if own["detectable"]:
            lines.append(f"detectable: {own['detectable']}")
        lines += [f"note: {text}" for text in own["notes"]]
        lines.append(
            "method: models compared held out, folds by prompt, errors over prompts (over people "
            "where items are compared without prompts); p: people exchanged within prompts "
            f"{own['permutations']:,} times, gain of one step from the pooled fit; "
            "q: Benjamini-Hochberg"
        )
        return "\n".join(lines)

    def findings(self) -> list[Finding]:
        """Return what a reader should act on."""
        return people_findings(self.ladder, self.persons, self.settings)

    def plot(self) -> go.Figure:
        """Return what each model of people gains on one that takes them as alike."""
        from workbench.plots.forest import forest

        gains = self.ladder[self.ladder["rung"] > 0]
        ends = {"estimate": "gain", "conf_low": "gain_low", "conf_high": "gain_high"}
        shown = gains.assign(**{column: gains[name] for column, name in ends.items()})
        return forest(shown, x_title="held-out gain on pooled (nats a label)")

    def figures(self) -> dict[str, go.Figure]:
        """Return gains, how far people differ in each term, weights, and new people."""
        from workbench.plots.curve import curve
        from workbench.plots.forest import forest
        from workbench.plots.panels import panels
        from workbench.plots.ranking import clear_first

        ends = {"estimate": "tau", "conf_low": "tau_low", "conf_high": "tau_high"}
        spread = self.terms.assign(**{column: self.terms[name] for column, name in ends.items()})
        found = {
            "What models of people gain on unseen prompts": self.plot(),
            "How far weights vary between people": forest(
                spread, x_title="tau (SD of the weight over people)", ranking=clear_first(spread)
            ),
        }
        if len(self.estimates):
            order = clear_first(spread)
            told = self.estimates.assign(group="people")
            found["Weights of each person, terms that vary most first"] = panels(
                told, [*order.clear, *order.rest][:_PANELS], row="annotator",
                x_title="posterior weight (log-odds per unit)",
            )  # fmt: skip
        known = self.new_people[self.new_people["estimate"].notna()]
        if len(known):
            found["Labels that it takes to know a person"] = curve(
                known, x="labels_known", x_title="labels known of a new person",
                y_title="log-loss on the rest",
            )  # fmt: skip
        return found


def _ladder_line(row: dict[Any, Any]) -> str:
    text = f"  {row['rung']} {row['term']:<22} {row['estimate']:.4f}"
    if row["rung"] == 0:
        return text
    p = f"p = {row['p_value']:.3g}" if pd.notna(row["p_value"]) else f"({row['reason']})"
    return f"{text}  {row['gain']:+.4f} ({row['gain_error']:.4f})  {p}"


def _term_line(row: dict[Any, Any]) -> str:
    name = f"  {row['term']:<22}"
    if pd.isna(row["tau"]):
        return f"{name} undefined: {row['reason']}"
    ends = ends_text(row["conf_low"], row["conf_high"], row["reason"])
    high = f"{row['tau_high']:.3f}" if pd.notna(row["tau_high"]) else "no upper end"
    text = f"{name} mu {row['estimate']:+.3f} {ends}  tau {row['tau']:.3f} "
    text += f"[{row['tau_low']:.3f}, {high}]  opposite {row['share_opposite']:.0%}"
    text += f" [{row['share_opposite_low']:.0%}, {row['share_opposite_high']:.0%}]"
    q = f"q = {row['q_value']:.3g}" if pd.notna(row["q_value"]) else f"({row['reason']})"
    return f"{text}  {q}"


def _new_line(row: dict[Any, Any]) -> str:
    if pd.isna(row["estimate"]):
        return f"  {row['labels_known']:>3}: undefined: {row['reason']}"
    ends = ends_text(row["conf_low"], row["conf_high"], row["reason"], "")
    text = f"  {row['labels_known']:>3}: log-loss {row['estimate']:.4f} {ends}"
    if row["labels_known"]:
        text += f", gain {row['gain']:+.4f} ({row['gain_error']:.4f})"
    return f"{text}, n = {row['n']:,} of {row['n_people']:,} people"
