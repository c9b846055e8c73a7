"""What an extraction found: a constitution, and what it is worth."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.llm.progress import spending_frame
from workbench.principles.constitution import Constitution
from workbench.principles.held_out.evaluate import Evaluation
from workbench.principles.measure.measure import PrincipleEffects
from workbench.principles.principle import Principle
from workbench.principles.propose.propose import Proposals
from workbench.principles.select import Selection
from workbench.principles.vote.adaptive import Screening
from workbench.principles.vote.reliability import reliability
from workbench.principles.vote.votes import Vote, Votes
from workbench.provenance import Provenance
from workbench.results import Result

if TYPE_CHECKING:
    import plotly.graph_objects as go

_FEW = 50
"""Held-out pairs below which an accuracy's interval is wider than .28."""


@dataclass(frozen=True, eq=False)
class Found:
    """What a way of extracting gives; the attributes are those of :class:`Extraction`."""

    principles: tuple[Principle, ...]
    effects: PrincipleEffects
    training: PrincipleEffects
    selection: Selection
    proposals: Proposals | None
    votes: Votes
    evaluation: Evaluation | None
    train: tuple[str, ...]
    test: tuple[str, ...]
    screening: Screening | None = None


@dataclass(frozen=True, eq=False)
class Extraction(Result):
    """A constitution, and what it is worth on held-out pairs.

    Attributes
    ----------
    principles : tuple of Principle
        The constitution, best first; empty where no candidate passed.
    effects : PrincipleEffects
        Every candidate on the held-out pairs.
    training : PrincipleEffects
        The same on the pairs that it was selected on: in sample.
    selection : Selection
    proposals : Proposals or None
        None where nothing was to be proposed.
    votes : Votes
    evaluation : Evaluation or None
        None where the constitution is empty.
    data : PreferenceData
        With the candidates as factors: ``decompose`` takes them.
    train, test : tuple of str
        Pairs that were learnt from, and pairs held out. With folds both are all pairs: each
        is held out once, and the effect of a candidate is of the pairs that were held out
        where it was selected.
    screening : Screening or None
        What adaptive voting gave up early; None without it.
    """

    heading: ClassVar[str] = "Principles"
    about: ClassVar[str] = (
        "Sentences that tell which response is preferred, proposed and selected on some prompts "
        "and measured on others."
    )

    principles: tuple[Principle, ...]
    effects: PrincipleEffects
    training: PrincipleEffects
    selection: Selection
    proposals: Proposals | None
    votes: Votes = field(repr=False)
    evaluation: Evaluation | None
    data: PreferenceData = field(repr=False)
    train: tuple[str, ...] = field(repr=False)
    test: tuple[str, ...] = field(repr=False)
    screening: Screening | None
    settings: dict[str, Any]
    provenance: Provenance

    @property
    def constitution(self) -> Constitution:
        """The selected principles, to edit, compare and export."""
        return Constitution(self.principles, f"Principles by {self.settings['model']}")

    @property
    def unseen(self) -> tuple[str, ...] | None:
        """Pairs that nothing was proposed on; None where nothing was proposed: all pairs."""
        return None if self.proposals is None else self.test

    @property
    def invalid_share(self) -> float:
        """Share of the votes that were asked for and could not be read."""
        asked = (self.votes.codes != Vote.NOT_ASKED).sum()
        invalid = (self.votes.codes == Vote.INVALID).sum()
        return float(invalid / asked) if asked else 0.0

    @property
    def _held_out(self) -> str:
        folds = self.settings["recipe"]["folds"]
        if folds:
            return f"from {len(self.train):,} pairs, each held out once in {folds} folds"
        text = f"from {len(self.train):,} pairs, measured on {len(self.test):,} held out"
        return text + (" (few: try folds)" if len(self.test) < _FEW else "")

    def to_frame(self) -> pd.DataFrame:
        """Return the held-out effects of every candidate, and which are selected."""
        table = self.effects.to_frame()
        texts = [one.text for one in self.principles]
        before = self.training.to_frame().set_index("term")["estimate"]
        return table.assign(selected=table["term"].isin(texts), in_sample=table["term"].map(before))

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return effects, held-out accuracy, the curve over n, proposals, votes, spending."""
        tables = {"effects": self.to_frame()}
        if self.evaluation is not None:
            tables |= {"accuracy": self.evaluation.to_frame(), "curve": self.evaluation.curve}
        tables["reliability"] = reliability(self.data, self.votes).to_frame()
        counts = self.votes.counts(self.settings["recipe"]["rule"])
        return {**tables, "votes": counts, "spending": spending_frame(self.settings["spending"])}

    def parts(self) -> list[Result]:
        """Return how far the voter can be trusted, and what the constitution is worth."""
        own = reliability(self.data, self.votes, level=self.settings["level"])
        beside = [one for one in (self.evaluation, self.screening) if one is not None]
        return [*beside, own]

    def summary(self) -> str:
        """Return the constitution with its held-out effects and accuracy."""
        table = self.to_frame().set_index("term")
        lines = [
            f"{len(self.principles)} principles of {len(table)} candidates, {self._held_out}; "
            f"{self.settings['level']:.0%} intervals",
        ]
        for k, one in enumerate(self.principles, start=1):
            row = table.loc[one.text]
            if pd.isna(row["estimate"]):
                lines.append(f"  {k}. {one.text}: undefined: {row['reason']}")
                continue
            lines.append(
                f"  {k}. {one.text}: strength {row['estimate']:+.3f} [{row['conf_low']:+.3f}, "
                f"{row['conf_high']:+.3f}], q = {row['q_value']:.3g}, n = {row['n']:,.0f}"
            )
        if self.evaluation is None:
            lines.append("  No candidate passed: there is nothing to evaluate.")
            return "\n".join(lines)
        return "\n".join([*lines, "", self.evaluation.summary()])

    def to_dict(self) -> dict[str, Any]:
        """Return the whole result as plain JSON values, the constitution among them."""
        return {**super().to_dict(), "constitution": self.constitution.to_dict()}

    def plot(self) -> go.Figure:
        """Return the held-out strengths with their intervals."""
        from workbench.plots.forest import forest

        return forest(self.to_frame(), x_title="strength on held-out pairs")
