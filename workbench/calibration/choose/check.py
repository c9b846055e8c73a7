"""The verb that holds the errors that were achieved against those that were promised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from workbench.calibration.choose.contradicted import tests_of_model
from workbench.calibration.choose.layout import layout
from workbench.calibration.choose.result import OPTIMAL, Choice, errors_drawn
from workbench.data.dataset import PreferenceData
from workbench.decompose.kernel import Array, Codes
from workbench.errors import DesignError
from workbench.finding import Finding, Rule, finding
from workbench.provenance import Provenance
from workbench.results import TIDY, Result
from workbench.threads import on_one_thread

if TYPE_CHECKING:
    import plotly.graph_objects as go

_Q = 0.05
_MISSED = 1.25
_METHOD = "inverse information at the fit to all labels; clustered: sandwich over clusters"

RULES = {
    "choice-misspecified": Rule(
        "score of a term that the fit lacks, or of other weights in the random part, in its "
        "standard errors (it has no interval)",
        f"q < {_Q:g} (Benjamini-Hochberg over the terms)",
        "Add the term (such as a factor's square) before more pairs are chosen: a choice is only "
        "as good as its model.",
    ),
    "promise-missed": Rule(
        "standard error over clusters, divided by the promised one (it has no interval)",
        f"above {_MISSED:g}",
        "Count on the achieved errors: the pilot was off, or labels of one prompt depend.",
    ),
}
"""What a check may show, by ``rule_id``."""


@dataclass(frozen=True, eq=False)
class ChoiceCheck(Result):
    """Achieved against promised errors, and what the labels say of the model.

    Attributes
    ----------
    estimates : DataFrame
        One row a weight: ``estimate`` is ``achieved / promised``; ``promised``, ``achieved``
        (model-based, as the promise is) and ``clustered``, which knows clusters and does not
        need the model to be right; ``n`` chosen pairs with a label; ``reason``.
    tests : DataFrame
        Factors that bend (all labels), and other weights in the random part.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "What the chosen pairs told"
    about: ClassVar[str] = (
        "Standard errors once the chosen pairs are labelled, beside those that were promised; and "
        "whether the labels contradict the model by which pairs were chosen: a factor that bends, "
        "or other weights in the part that was drawn at random."
    )

    estimates: pd.DataFrame
    tests: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return achieved over promised errors, one row a weight."""
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the errors, and the tests of the model."""
        return {"achieved_errors": self.estimates, "contradictions": self.tests}

    def summary(self) -> str:
        """Return errors and tests as text."""
        used = self.settings
        lines = [
            f"{used['labelled']:,} of {used['chosen']:,} chosen pairs have a label of "
            f"{used['reference']}, {used['random']:,} random ones among them",
            "standard errors: promised; achieved; over clusters:",
        ]
        for row in self.estimates.to_dict("records"):
            if pd.isna(row["estimate"]):
                lines.append(f"  {row['term']}: undefined: {row['reason']}")
                continue
            lines.append(
                f"  {row['term']}: {row['promised']:.3f}; {row['achieved']:.3f} "
                f"({row['estimate']:.2f} times); {row['clustered']:.3f}"
            )
        found = self.tests[self.tests["q_value"] < _Q]
        lines.append("the labels contradict the model:" if len(found) else
                     "the labels do not contradict the model" + self._untested())  # fmt: skip
        lines += [f"  {row['term']}: q = {row['q_value']:.2g}, n = {row['n']:,.0f}"
                  for row in found.to_dict("records")]  # fmt: skip
        return "\n".join([*lines, f"method: {_METHOD}; {self.tests['method'].iloc[0]}"])

    def _untested(self) -> str:
        reasons = self.tests.loc[self.tests["p_value"].isna(), "reason"].dropna().unique()
        return f"; not tested: {'; '.join(reasons)}" if len(reasons) else ""

    def findings(self) -> list[Finding]:
        """Return a model that labels contradict, and promises that were missed."""
        found = []
        for row in self.tests[self.tests["q_value"] < _Q].to_dict("records"):
            found.append(finding(
                RULES, "choice-misspecified", "warning",
                f"The labels contradict the model: {row['term']}", int(row["n"]),
                (row["estimate"], np.nan, np.nan), term=str(row["term"]),
            ))  # fmt: skip
        for row in self.estimates.to_dict("records"):
            ratio = row["clustered"] / row["promised"]
            if ratio > _MISSED:
                found.append(finding(
                    RULES, "promise-missed", "note",
                    f"The error of {row['term']} is {ratio:.2f} times the promised one",
                    int(row["n"]), (ratio, np.nan, np.nan), term=str(row["term"]),
                ))  # fmt: skip
        return found

    def plot(self) -> go.Figure:
        """Return promised and achieved errors."""
        shown = ("promised", "achieved", "clustered")
        return errors_drawn(self.estimates, {name: name for name in shown})


@on_one_thread
def check_choice(data: PreferenceData, choices: Choice | Sequence[Choice]) -> ChoiceCheck:
    """Hold the errors that labels of chosen pairs gave against those that were promised.

    Parameters
    ----------
    data : PreferenceData
        With the labels of the chosen pairs.
    choices : Choice or sequence of Choice
        The last one promised; random pairs of all of them, a random pilot included, test the
        model.

    Returns
    -------
    ChoiceCheck

    Raises
    ------
    DesignError
        No choice, or none of its pairs has a label; or the last one was the pilot, which
        promises nothing.

    Notes
    -----
    Where only some of the chosen pairs have labels, the promise is that of as many whole
    batches. Tests need labels of twenty clusters, that of the random part of random pairs.

    Examples
    --------
    >>> import workbench as wb
    >>> from workbench.structure.planted import planted_people
    >>> whole, _ = planted_people(people=1, labels=600, pairs=600, tastes=[(1.5, -1.0, 0.5)])
    >>> ids = whole.pairs["pair_id"]
    >>> first = whole.labels[whole.labels["pair_id"].isin(ids[:200])].reset_index(drop=True)
    >>> from dataclasses import replace
    >>> choice = wb.choose_pairs(replace(whole, labels=first), 100)
    >>> bool(wb.check_choice(whole, choice).to_frame()["estimate"].max() < 1)
    True
    """
    given = [choices] if isinstance(choices, Choice) else list(choices)
    if not given or not given[-1].settings["ready"]:
        raise DesignError(
            "Nothing was promised.",
            found="no choice" if not given else "a random pilot",
            expected="a choice by a pilot that was labelled",
            fix="Read the pilot's labels in, choose again, and check that choice.",
        )
    last, data = given[-1], data.decided()
    used = last.settings
    factors = used["terms"] if used["design"] == "factors" else None
    laid = layout(data, used["reference"], factors, used["design"])
    names = pd.Index(data.pairs["pair_id"].to_numpy()[laid.row])
    at = names.get_indexer(last.chosen["pair_id"])
    done = laid.labelled[at] & (at >= 0)
    if not done.any():
        raise DesignError(
            "None of the chosen pairs has a label.",
            found=f"{len(last.chosen):,} chosen pairs",
            expected=f"labels of {used['reference']} on them",
            fix="Read the answers in first.",
        )
    drawn = pd.concat([one.chosen[one.chosen["why"].ne(OPTIMAL)] for one in given])["pair_id"]
    random = names.isin(drawn) & laid.labelled
    cluster = pd.factorize(data.pairs["cluster"].to_numpy()[laid.row])[0]
    weights = laid.fit()
    known, prior = laid.information(weights)
    inverse = np.asarray(np.linalg.inv(known + prior), dtype=np.float64)
    achieved = laid.errors(known)
    over = _clustered(laid.X, laid.votes - laid.weight * laid.probability(weights), cluster,
                      inverse @ laid.told)  # fmt: skip
    return ChoiceCheck(
        estimates=_held_against(last, laid.terms, achieved, over, int(done.sum())),
        tests=tests_of_model(laid, weights, inverse, random, cluster),
        settings={
            "reference": used["reference"], "design": used["design"], "chosen": len(last.chosen),
            "labelled": int(done.sum()), "random": int(random.sum()), "choices": len(given),
        },
        provenance=Provenance.capture(seed=used["seed"], dataset=data.digest),
    )  # fmt: skip


def _clustered(X: Array, residual: Array, cluster: Codes, inverse: Array) -> Array:
    """Return sandwich errors over clusters of the told weights."""
    sums = np.stack([np.bincount(cluster, column * residual) for column in X.T], axis=1)
    groups = int((np.abs(sums).sum(axis=1) > 0).sum())
    if groups < 2:
        return np.full(inverse.shape[1], np.nan)
    pulls = sums @ inverse
    return np.asarray(np.sqrt(groups / (groups - 1) * (pulls**2).sum(axis=0)))


def _held_against(
    choice: Choice, terms: list[str], achieved: Array, over: Array, done: int
) -> pd.DataFrame:
    """Return the errors beside those promised for as many whole batches."""
    steps = np.unique(choice.promised["n"].to_numpy())
    reached = steps[steps <= done]
    at = choice.promised[choice.promised["n"].eq(reached[-1] if len(reached) else -1)]
    promised = at.set_index("term")["std_error"].reindex(terms).to_numpy("float64")
    table = pd.DataFrame(
        {"term": terms, "estimate": achieved / promised, "promised": promised,
         "achieved": achieved, "clustered": over, "n": done}
    )  # fmt: skip
    why = np.where(np.isnan(promised), "it was not promised", "these labels do not tell it")
    lost = why if len(reached) else "no batch is labelled as a whole"
    table["reason"] = pd.Series(lost, index=table.index).where(table["estimate"].isna(), None)
    table["method"] = _METHOD
    return table.reindex(columns=[*TIDY, "promised", "achieved", "clustered", "method", "reason"])
