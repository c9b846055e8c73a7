"""What conversations give: signals, pairs, and why others gave none."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.data.formats.messages import to_json
from workbench.data.load_report import LeftOut, LoadReport
from workbench.errors import DataError
from workbench.feedback.findings import feedback_findings
from workbench.finding import Finding
from workbench.intervals import ends_text
from workbench.provenance import Provenance
from workbench.results import Result

if TYPE_CHECKING:
    import plotly.graph_objects as go

USER = "user"

BIAS = (
    "who writes on after an answer, and who complains, is a choice of theirs: most say nothing, an "
    "end without a word may be content or despair, and pairs come from those alone who complained "
    "and stayed"
)


@dataclass(frozen=True, eq=False)
class Feedback(Result):
    """Signals of users' turns, and pairs of an answer and its correction.

    Attributes
    ----------
    rates : DataFrame
        How many answers and conversations have which signal, by rule and by model.
    agreement : DataFrame
        Kappa of rule and model; empty without a model.
    counts : DataFrame
        Rule and model side by side: ``rule, model, n``.
    signals : DataFrame
        One row an answer: ``conversation, turn, signal, rule, evidence, model, reply``.
    outcomes : DataFrame
        Conversations by what came of them, those without a pair by reason; rows that hold no
        conversation too.
    pairs : DataFrame
        ``conversation, turn, later_turn, corrections, prompt, earlier, later, complaint, praise``
        and what the file says; the later answer is the preferred one.
    selection : DataFrame
        How conversations with a pair differ from the others.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "Feedback in conversations"
    about: ClassVar[str] = (
        "What users say of the answers that they get, and the pairs that follow: an answer that "
        "was complained of and the one that satisfied. The later answer has seen the complaint; it "
        "may begin with an apology and know more of what was wanted, which no taste made. Pairs "
        "stand for those who complain and stay, not for all users."
    )

    rates: pd.DataFrame
    agreement: pd.DataFrame
    counts: pd.DataFrame
    signals: pd.DataFrame
    outcomes: pd.DataFrame
    pairs: pd.DataFrame
    selection: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return the rates of signals."""
        return self.rates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return every table of the result but the texts of pairs."""
        return {
            "rates": self.rates, "agreement": self.agreement, "counts": self.counts,
            "outcomes": self.outcomes, "selection": self.selection,
            "apologies": self.apologies, "signals": self.signals,
        }  # fmt: skip

    @property
    def apologies(self) -> pd.DataFrame:
        """Share of pairs whose earlier and later answer begin with an apology."""
        from workbench.feedback.measures import paired_shares

        return paired_shares(self.pairs, float(self.settings["level"]))

    def summary(self) -> str:
        """Return rates, agreement, outcomes and what is selected as text."""
        own = self.settings
        lines = [
            f"Feedback in {own['n_conversations']:,} conversations of {own['source']} "
            f"({100 * own['level']:g}% intervals); pairs by {own['by']}"
        ]
        if own["simulated"]:
            lines.append(f"{own['model']} is built in: it simulates a reader, and is none.")
        lines += [f"  {row['term']}: {_value(row)} {row['of']}"
                  for row in self.rates.to_dict("records")]  # fmt: skip
        lines += [f"  kappa of rule and model, {row['term']}: {_value(row)} answers"
                  for row in self.agreement.to_dict("records")]  # fmt: skip
        lines.append(f"{len(self.pairs):,} pairs, every answer from the file: none was generated")
        lines += [f"  {row.n:,} {row.unit}: {row.outcome}" for row in self.outcomes.itertuples()]
        rules = self.signals["rule"].value_counts()
        lines.append("answers by rule: " + ", ".join(f"{name} {n:,}" for name, n in rules.items()))
        lines += [
            f"  with a pair {row['with_a_pair']:.3g}, without {row['without']:.3g}: {row['term']}"
            for row in self.selection.to_dict("records")
        ]
        lines += [f"  {row['term']}: {_value(row)} pairs"
                  for row in self.apologies.to_dict("records")]  # fmt: skip
        lines += [f"note: {text}" for text in (f"selection: {BIAS}", *own["notes"])]
        return "\n".join([*lines, f"method: {own['method']}"])

    def plot(self) -> go.Figure:
        """Return the rates of signals."""
        from workbench.plots.forest import forest

        return forest(self.rates, reference=None, x_title="share")

    def figures(self) -> dict[str, go.Figure]:
        """Return the rates, and kappa of rule and model where there is one."""
        from workbench.plots.forest import forest

        found = {self.heading: self.plot()}
        if len(self.agreement):
            found["Rule and model"] = forest(self.agreement, x_title="kappa")
        return found

    def findings(self) -> list[Finding]:
        """Return what limits these pairs."""
        return feedback_findings(self.agreement, self.apologies, self.pairs, self.settings)

    def to_preference_data(self) -> PreferenceData:
        """Return the pairs as data: the user prefers the later answer.

        The prompt is what stood before the earlier answer. Which side is which is drawn by a
        digest of prompt and answers and by the seed. The cluster is the user where the file names
        users, else the conversation. The label is a person's, ``raw`` holds what was said.

        Raises
        ------
        DataError
            There is no pair.
        """
        if self.pairs.empty:
            raise DataError(
                "No conversation gave a pair.",
                where=str(self.settings["source"]),
                found="; ".join(
                    f"{r.n:,} {r.unit}: {r.outcome}" for r in self.outcomes.itertuples()
                ),
                expected="an answer that the user complains of, and a later one that satisfies",
                fix="Let a model read the turns (--model NAME), or take more conversations.",
            )
        seed = str(self.settings["seed"])
        later_first = np.array([_drawn(seed, row.prompt, row.earlier, row.later)
                                for row in self.pairs.itertuples()])  # fmt: skip
        own = self.pairs
        sides = {
            "response_a": own["later"].where(later_first, own["earlier"]),
            "response_b": own["earlier"].where(later_first, own["later"]),
        }
        more = {f"{name}_messages": [to_json([{"role": "assistant", "content": text}])
                for text in texts] for name, texts in sides.items()}  # fmt: skip
        kept = ["conversation", "turn", "later_turn", "corrections", "cluster", "prompt",
                "prompt_messages"]  # fmt: skip
        named = {"model_of_answers": own["model"]} if own["model"].notna().any() else {}
        pairs = own[kept].assign(**sides, **more, **named)
        labels = pd.DataFrame(
            {
                "pair": np.arange(len(own)),
                "annotator": own["user"].map("user {}".format, na_action="ignore").fillna(USER),
                "kind": "human", "preference": later_first.astype(float),
                "raw": own["complaint"] + "\n" + own["praise"],
                "source": f"{self.settings['by']} signals in {self.settings['source']}",
            }
        )  # fmt: skip
        data = PreferenceData.from_tables(pairs, labels)
        left = {row.outcome: LeftOut(int(row.n)) for row in self.outcomes.itertuples()
                if row.outcome != "a pair"}  # fmt: skip
        total = int(self.outcomes["n"].sum())
        lost = sum(one.count for one in left.values())
        report = LoadReport(
            str(self.settings["source"]), "feedback", total, total - lost,
            len(data.pairs), len(data.labels), left,
            settings={"sides drawn with seed": self.settings["seed"]}, notes=(BIAS,),
        )  # fmt: skip
        return replace(data, load_report=report)


def _drawn(*texts: str) -> bool:
    """Draw a side by the content, which no order of rows changes."""
    content = "\0".join(texts).encode("utf-8", "replace")
    return bool(hashlib.blake2b(content, digest_size=1).digest()[0] & 1)


def _value(row: dict[Any, Any]) -> str:
    if np.isnan(row["estimate"]):
        return f"undefined ({row['reason']}),"
    ends = ends_text(row["conf_low"], row["conf_high"], row["reason"], "")
    return f"{row['estimate']:.3f} {ends} of {row['n']:,.0f}"
