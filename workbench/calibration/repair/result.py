"""A mended judge, what it is worth, and what remains: the result."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from workbench.calibration.repair.candidates import JUDGE, METHOD, PROMPT
from workbench.calibration.repair.findings import repair_findings
from workbench.calibration.repair.prompt import RepairedPrompt
from workbench.data.columns import possessive
from workbench.finding import Finding
from workbench.intervals import ends_text
from workbench.judges.mended import MendedJudge
from workbench.provenance import Provenance
from workbench.results import Result

if TYPE_CHECKING:
    import plotly.graph_objects as go

_Q = 0.05
_SHOWN = 6
"""Rows of a table that the summary shows."""


@dataclass(frozen=True, eq=False)
class Repair(Result):
    """A judge mended by labels of people, and whether that helps on prompts it has not seen.

    Attributes
    ----------
    gains : DataFrame
        One row a comparison: ``estimate`` is the agreement with people of ``term`` minus that of
        ``against``, held out, with its paired interval; the agreements ``before`` and ``after``;
        ``detectable``; ``accepted`` of what is tested, and the ``reason`` where it is not.
    scores : DataFrame
        Agreement and Brier score of each predictor.
    correction : DataFrame
        Weights of the formula: ``group, term, weight, of``.
    weights : DataFrame
        Weights of the judge beyond people's taste at its sharpness, ``before`` and ``after``, as
        :class:`workbench.Contrast` has them; ``raw``: its sharpness included.
    win_rates, ratings : DataFrame
        By people, by the judge, and by its repairs, on the same pairs; ``gap`` is the win rate
        minus that by people. Empty where pairs name no models.
    cost : DataFrame
        Pairs that people labelled, and calls and tokens of the repaired prompt.
    exclusions : DataFrame
        Pairs left out: ``reason, n``.
    mended : MendedJudge or None
        The corrected judge, of all pairs, where it is accepted.
    repaired : RepairedPrompt or None
        The repaired prompt, where it was asked and is accepted.
    notes : list of str
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "Mended judge"
    about: ClassVar[str] = (
        "A correction of the judge by people's labels is fitted on some prompts and tested on "
        "others. It is kept only where people agree with it more than with the judge, beyond the "
        "interval of the difference; else the judge stays as it is."
    )

    gains: pd.DataFrame
    scores: pd.DataFrame
    correction: pd.DataFrame
    weights: pd.DataFrame
    win_rates: pd.DataFrame
    ratings: pd.DataFrame
    cost: pd.DataFrame
    exclusions: pd.DataFrame
    mended: MendedJudge | None = field(repr=False)
    repaired: RepairedPrompt | None = field(repr=False)
    notes: list[str]
    settings: dict[str, Any]
    provenance: Provenance

    @property
    def accepted(self) -> list[str]:
        """What is accepted: of the corrected judge and the repaired prompt."""
        return [str(name) for name in self.gains.loc[self.gains["accepted"].eq(True), "term"]]

    def to_frame(self) -> pd.DataFrame:
        """Return the gains in held-out agreement, one row a comparison."""
        return self.gains

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return gains, scores, the formula, weights, win rates, ratings, cost, exclusions."""
        found = {
            "gains": self.gains, "scores": self.scores, "correction": self.correction,
            "weights": self.weights, "win_rates": self.win_rates, "ratings": self.ratings,
            "cost": self.cost, "exclusions": self.exclusions,
        }  # fmt: skip
        return {name: table for name, table in found.items() if name == "gains" or len(table)}

    def save(self, folder: str | Path) -> list[Path]:
        """Write what is accepted: ``mended_judge.json``, ``repaired_prompt.json``."""
        folder, written = Path(folder), []
        if self.mended is not None or self.repaired is not None:
            folder.mkdir(parents=True, exist_ok=True)
        parts = {"mended_judge.json": self.mended, "repaired_prompt.json": self.repaired}
        for name, part in parts.items():
            if part is not None:
                part.save(folder / name)
                written.append(folder / name)
        return written

    def summary(self) -> str:
        """Return what is accepted, what helped, what it cost and what remains, as text."""
        used = self.settings
        simulated = " (simulated)" if used["simulated"] else ""
        lines = [
            f"{used['judge']}{simulated} mended by {used['people_are']}, {used['level']:.0%} "
            f"intervals: {used['n_pairs']:,} pairs of {used['n_clusters']:,} prompts, "
            f"{used['n_decided']:,} on which they take a side; {used['folds']} folds of prompts",
            self._verdict(),
            "",
            f"held-out agreement with {used['people_are']}",
            *(_gain(row) for row in self.gains.to_dict("records")),
        ]
        lines += self._remains()
        lines += self._rates()
        lines += ["", "what it takes"]
        lines += [_cost(row, used["people_are"]) for row in self.cost.to_dict("records")]
        left = [f"  {r['n']:,} pairs left out: {r['reason']}"
                for r in self.exclusions.to_dict("records")]  # fmt: skip
        told = [f"  {note}" for note in self.notes]
        return "\n".join([*lines, *left, *told, "", f"method: {METHOD}"])

    def _verdict(self) -> str:
        if self.accepted:
            return f"accepted: {', '.join(self.accepted)}"
        return "nothing accepted: the judge stays as it is"

    def _remains(self) -> list[str]:
        if not len(self.weights):
            return []
        taste = f"{possessive(self.settings['people_are'])} taste"
        lines = ["", f"weights beyond {taste} at the judge's sharpness (q < {_Q:g})"]
        for group, part in self.weights.groupby("group", sort=False):
            known = part[part["estimate"].notna()]
            if known.empty:
                # who rewards nothing in common has no common sharpness
                ends = {"raw": "estimate", "raw_low": "conf_low", "raw_high": "conf_high",
                        "raw_q": "q_value"}  # fmt: skip
                known = part.drop(columns=list(ends.values())).rename(columns=ends)
                known, group = known[known["estimate"].notna()], f"{group}, sharpness included"
            clear = known[known["q_value"] < _Q]
            rows = clear.sort_values("q_value", kind="stable").head(_SHOWN).to_dict("records")
            more = f", the clearest {_SHOWN}" * (len(clear) > _SHOWN)
            lines.append(f"  {group}: {len(clear)} of {len(known)} differ{more}")
            lines += [f"    {row['term']}: {row['estimate']:+.3f} {_ends(row)}" for row in rows]
        return lines

    def _rates(self) -> list[str]:
        if not len(self.win_rates):
            return []
        gaps = self.win_rates[self.win_rates["gap"].notna()]
        lines = ["", f"win rates, minus those by {self.settings['people_are']} on the same pairs"]
        for group, part in gaps.groupby("group", sort=False):
            far = part["gap"].abs()
            clear = int((part["q_value"] < _Q).sum())
            lines.append(f"  {group}: at most {far.max():.3f}, on average {far.mean():.3f} apart; "
                         f"{clear} of {len(part)} models surely (q < {_Q:g})")  # fmt: skip
        return lines

    def findings(self) -> list[Finding]:
        """Return what was mended or refused, what remains, and where factors do better."""
        return repair_findings(self.gains, self.weights, self.settings)

    def plot(self) -> go.Figure:
        """Return the gains over the judge with their intervals."""
        from workbench.plots.forest import forest

        rows = self.gains[self.gains["against"].eq(JUDGE)]
        people = self.settings["people_are"]
        return forest(rows, x_title=f"gain in held-out agreement with {people}")

    def figures(self) -> dict[str, go.Figure]:
        """Return the gains, the weights before and after, and the win rates."""
        from workbench.plots.forest import forest, in_units

        drawn = {self.heading: self.plot()}
        if len(self.weights):
            table = in_units(self.weights, "per_sd").assign(against=self.settings["people"])
            taste = f"{possessive(self.settings['people_are'])} taste"
            drawn[f"Weights beyond {taste}, before and after"] = forest(
                table, x_title="difference of taste (log-odds/SD)"
            )
        if len(self.win_rates):
            drawn["Win rates"] = forest(self.win_rates, x_title="win rate", reference=0.5)
        return drawn


def _gain(row: dict[Any, Any]) -> str:
    head = f"  {row['term']} against {row['against']}: "
    if pd.isna(row["estimate"]):
        reason = str(row["reason"]).removeprefix("not accepted: ")
        return f"{head}undefined: {reason}, n = {row['n']:,.0f}"
    ends = ends_text(row["conf_low"], row["conf_high"], row["reason"])
    told = f"{row['before']:.3f} -> {row['after']:.3f}, {row['estimate']:+.3f} {ends}"
    verdict = {True: ", accepted", False: f", {row['reason']}"}.get(row["accepted"], "")
    return f"{head}{told}, n = {row['n']:,.0f}{verdict}"


def _ends(row: dict[Any, Any]) -> str:
    return ends_text(row["conf_low"], row["conf_high"], row["reason"])


def _cost(row: dict[Any, Any], people: str) -> str:
    # a prompt whose replies were all kept makes no call, and needs no label
    if row["term"] == PROMPT:
        price = "no prices" if pd.isna(row["cost"]) else f"cost {row['cost']:,.4f}"
        return (f"  {row['term']}: {row['calls']:,.0f} calls, {row['prompt_tokens']:,.0f} prompt "
                f"and {row['completion_tokens']:,.0f} completion tokens, {price}")  # fmt: skip
    return (f"  {row['term']}: {row['pairs_labelled']:,} pairs labelled by {people}; no call "
            "beyond the judge's own")  # fmt: skip
