"""How well a constitution predicts preferences on pairs that it has not seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from scipy.stats import binom

from workbench.clustered import share
from workbench.data.dataset import PreferenceData
from workbench.decompose.errors.tidy import q_values
from workbench.errors import DesignError
from workbench.factors.catalog import CORE
from workbench.factors.score import score_factors
from workbench.finding import Finding, Rule, finding
from workbench.flips import paired_difference
from workbench.intervals import MID_P
from workbench.judges.chat import ChatJudge
from workbench.judges.templates import Template
from workbench.llm.asker import Asks
from workbench.llm.request import Sampling
from workbench.principles.held_out.execution import execute
from workbench.principles.held_out.executor import hits, ridge_logit
from workbench.principles.measure.kernel import Array, Reference, reference
from workbench.principles.measure.measure import check_options
from workbench.principles.principle import Principle
from workbench.principles.vote.votes import Votes
from workbench.provenance import Provenance
from workbench.results import TIDY, Result
from workbench.threads import on_one_thread

if TYPE_CHECKING:
    import plotly.graph_objects as go

WITH, WITHOUT, EXECUTOR = "judge with the constitution", "judge without it", "weighted votes"

_SYSTEM = (
    "You choose between two responses to the same prompt as somebody would whose preferences the "
    "principles describe. Follow the principles where they apply, not your own opinion; where "
    "they contradict each other, the earlier one counts more. Where none applies, say which "
    "response is more likely to be preferred."
)
_DEFAULT = "You say which of two responses to the same prompt people would prefer."
_USER = "{prompt}\n\n{response_a}\n\n{response_b}"
_METHOD = (
    f"held-out pairs, undecided ones half; {MID_P}; mid-p McNemar test against the constitution"
)
RULES = {
    "constitution-no-better": Rule(
        "held-out accuracy of the constitution minus that of another predictor, same pairs",
        "interval of the paired difference not above 0",
        "Do not read the constitution as what these preferences reward: the simpler rule does "
        "as well.",
    )
}
"""What a constitution may be found wanting in, by ``rule_id``."""

COLUMNS = (*TIDY, "n_clusters", "difference", "difference_low", "difference_high",
           "only_constitution", "only_it", "reason")  # fmt: skip


@dataclass(frozen=True, eq=False)
class Evaluation(Result):
    """Held-out accuracy of a constitution, beside every baseline.

    Attributes
    ----------
    estimates : DataFrame
        One row a predictor; see :meth:`to_frame`.
    curve : DataFrame
        Held-out accuracy of the weighted votes of the first n principles, for each n.
    predictions : DataFrame
        ``pair_id``, ``preferred`` (1 is A) and P(A) of each predictor.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "Constitution on held-out pairs"
    about: ClassVar[str] = (
        "Share of held-out pairs that each predictor gets right. A constitution is worth "
        "something where it beats the judge without it, and the longer response."
    )

    estimates: pd.DataFrame
    curve: pd.DataFrame
    predictions: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return accuracies, and the constitution's minus each with its test."""
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return accuracies, the curve over n, and the predictions."""
        return {
            "accuracy": self.estimates,
            "curve": self.curve,
            "predictions": self.predictions,
        }

    def summary(self) -> str:
        """Return accuracies as text, with n, interval and method."""
        lines = [f"Held-out accuracy, {self.settings['level']:.0%} intervals"]
        for row in self.estimates.to_dict("records"):
            if pd.isna(row["estimate"]):
                lines.append(f"  {row['term']}: undefined ({row['reason']})")
                continue
            text = f"{row['estimate']:.3f} [{row['conf_low']:.3f}, {row['conf_high']:.3f}]"
            test = "" if pd.isna(row["p_value"]) else f", McNemar p = {row['p_value']:.3g}"
            lines.append(f"  {row['term']}: {text}, n = {row['n']:,.0f}{test}")
        return "\n".join([*lines, f"method: {_METHOD}"])

    def findings(self) -> list[Finding]:
        """Return the predictors that the constitution does not clearly beat."""
        table = self.estimates[self.estimates["difference"].notna()]
        return [
            finding(
                RULES,
                "constitution-no-better",
                "note",
                f"On held-out pairs the constitution is not clearly better than: {row['term']}",
                int(row["n"]),
                (row["difference"], row["difference_low"], row["difference_high"]),
            )
            for row in table.to_dict("records")
            if row["difference_low"] <= 0 and row["term"] != EXECUTOR
        ]

    def plot_curve(self) -> go.Figure:
        """Return the held-out accuracy over the number of principles."""
        from workbench.plots.curve import curve

        y_title = "held-out accuracy of the weighted votes"
        return curve(
            self.curve, x="principles", x_title="principles", y_title=y_title, reference=0.5
        )

    def figures(self) -> dict[str, go.Figure]:
        """Return the accuracies, and the accuracy over the number of principles."""
        shown = {self.heading: self.plot()}
        if len(self.curve):
            shown["accuracy over the number of principles"] = self.plot_curve()
        return shown

    def plot(self) -> go.Figure:
        """Return the accuracies with their intervals."""
        from workbench.plots.forest import forest

        return forest(self.estimates, x_title="held-out accuracy", reference=0.5)


@on_one_thread
def evaluate(
    data: PreferenceData,
    principles: Sequence[Principle],
    asks: Asks | None,
    annotator: str | Iterable[str] | None = None,
    *,
    votes: Votes,
    train: Iterable[str],
    test: Iterable[str],
    model: str = "",
    sampling: Sampling | None = None,
    level: float = 0.95,
) -> Evaluation:
    """Score a constitution on pairs that neither its principles nor its weights have seen.

    Parameters
    ----------
    data : PreferenceData
    principles : sequence of Principle
        Best first. With none, the judge with the constitution is the one without it, and
        the weighted votes decide nothing.
    asks : Asks or None
        Who answers for the judge with and without the constitution; without it only
        predictors that need no call are scored.
    annotator : str or iterable of str, optional
        Whose preferences are predicted.
    votes : Votes
        Of these principles on training and test pairs.
    train, test : iterable of str
        Pairs that may be learnt from, and pairs held out.
    model : str
    sampling : Sampling, optional
    level : float

    Returns
    -------
    Evaluation
        Predictors: the judge with and without the constitution (both orders each), the
        weighted votes, a regression on text factors, the longer response, what stood first,
        the majority.

    Raises
    ------
    DesignError
        A pair in both, no usable pair, or an option out of range.

    Notes
    -----
    The test against a predictor counts the pairs that only one of the two gets right, and
    is McNemar's mid-p test; where pairs share a cluster, read it with the cluster-robust
    interval of the difference beside it.
    """
    check_options(level)
    train, test = list(train), list(test)
    if set(train) & set(test):
        raise DesignError(
            "Pairs to learn from and pairs held out overlap.",
            found=f"{len(set(train) & set(test)):,} pairs in both",
            expected="no pair in both",
            fix="Split by prompt: wb.split(data).",
        )
    learnt = reference(data, votes, annotator, train)
    held = reference(data, votes, annotator, test)
    grown = executed(data, principles, votes, annotator, train, test)
    guesses = _baselines(data, learnt, held)
    guesses[EXECUTOR] = grown[-1]
    if asks is not None:
        guesses = {**_judged(data, principles, asks, held, model, sampling), **guesses}
    spent = [] if asks is None else [s.to_dict() for s in asks.spending()]
    return Evaluation(
        estimates=scored(guesses, held, level),
        curve=curve_of(grown, held, level),
        predictions=pd.DataFrame(
            {"pair_id": held.pair_ids, "preferred": (held.sign > 0).astype(float), **guesses}
        ),
        settings={
            "principles": [one.to_dict() for one in principles],
            "annotator": annotator if isinstance(annotator, str | None) else list(annotator),
            "model": model,
            "voter": votes.voter,
            "n_train": len(learnt.sign),
            "n_test": len(held.sign),
            "level": level,
            "spending": spent,
        },
        provenance=Provenance.capture(dataset=data.digest),
    )


def scored(guesses: Mapping[str, Array], held: Reference, level: float) -> pd.DataFrame:
    """Return the accuracy of each predictor, and the constitution's lead over it.

    Parameters
    ----------
    guesses : mapping of str to ndarray, shape (n,)
        P(A) by predictor, in the order of the held-out pairs; NaN where it gave none.
    held : Reference
    level : float
    """
    first = guesses[WITH if WITH in guesses else EXECUTOR]
    rows = [_row(name, p, first, held, level) for name, p in guesses.items()]
    table = pd.DataFrame(rows).reindex(columns=list(COLUMNS))
    return table.assign(q_value=q_values(table["p_value"]), method=_METHOD)


def executed(
    data: PreferenceData,
    principles: Sequence[Principle],
    votes: Votes,
    annotator: str | Iterable[str] | None,
    train: list[str],
    test: list[str],
) -> Array:
    """Return P(A) of held-out pairs by the weighted votes of the first n principles.

    Returns
    -------
    ndarray, shape (principles + 1, pairs)
        Row n is of the first n; without any, each is 0.5.
    """
    places = [_place(votes, one) for one in principles]
    rows = [np.full(len(reference(data, votes, annotator, test)), 0.5)]
    for n in range(1, len(places) + 1):
        some = votes.take(principles=places[:n])
        found = execute(data, some, annotator, train=train, test=test).predictions
        rows.append(found["probability"].to_numpy(float))
    return np.stack(rows)


def curve_of(grown: Array, held: Reference, level: float) -> pd.DataFrame:
    """Return the held-out accuracy over the number of principles, from :func:`executed`."""
    rows = [
        {"principles": n, **share(hits(p, held.sign), held.cluster, level)}
        for n, p in enumerate(grown)
        if n
    ]
    return pd.DataFrame(rows, columns=None if rows else ["principles", "estimate"])


def _place(votes: Votes, principle: Principle) -> int:
    texts = [one.text for one in votes.principles]
    if principle.text not in texts:
        raise DesignError(
            "A principle of the constitution was not voted on.",
            found=repr(principle.text),
            expected="votes on each of its principles",
            fix="Vote on it first.",
        )
    return texts.index(principle.text)


def _judged(
    data: PreferenceData,
    principles: Sequence[Principle],
    asks: Asks,
    held: Reference,
    model: str,
    sampling: Sampling | None,
) -> dict[str, Array]:
    """Return P(A) of the judge with and without the constitution; NaN where it gave none."""
    numbered = "\n".join(f"{k}. {one.text}" for k, one in enumerate(principles, start=1))
    default = Template("default", _DEFAULT, _USER)
    follows = Template("constitution", _SYSTEM, _USER, principles=numbered)
    templates = {WITH: follows if numbered else default, WITHOUT: default}
    pairs = data.filter(pair_ids=held.pair_ids)
    found = {}
    for name, template in templates.items():
        rows = ChatJudge(model, asks, template=template, sampling=sampling).verdicts(pairs)
        # a pair without both orders has no verdict: one order alone would lean
        both = rows.groupby("pair_id")["preference"].agg(["mean", "count"])
        mean = both["mean"].where(both["count"] == 2)
        found[name] = mean.reindex(held.pair_ids).to_numpy(float)
    return found


def _baselines(data: PreferenceData, learnt: Reference, held: Reference) -> dict[str, Array]:
    """Return P(A) of what needs neither votes nor calls."""
    length = [data.pairs[f"response_{side}"].str.len().to_numpy(float) for side in "ab"]
    longer = np.sign(length[0] - length[1])
    scored = score_factors(data, CORE)
    x = np.nan_to_num(scored.factors[scored.factor_names].to_numpy(float))
    weights = ridge_logit(x[learnt.pair], learnt.sign, 1.0)
    regression = 1.0 / (1.0 + np.exp(-np.clip(x[held.pair] @ weights, -30.0, 30.0)))
    known = held.position != 0
    return {
        "text factors": regression,
        "longer": (longer[held.pair] + 1.0) / 2.0,
        "first position": np.where(known, (np.sign(held.position) + 1.0) / 2.0, np.nan),
        "majority": np.full(len(held.sign), float(learnt.sign.sum() > 0)),
    }


def _row(name: str, p: Array, first: Array, held: Reference, level: float) -> dict[str, Any]:
    known = np.isfinite(p)
    if not known.any():
        reason = "the shown order is unknown" if name == "first position" else "no verdict"
        return {"term": name, "estimate": np.nan, "n": 0.0, "reason": reason}
    right = hits(p[known], held.sign[known])
    row = {"term": name, **share(right, held.cluster[known], level)}
    lost = int((~known).sum())
    if lost:
        row["reason"] = f"{lost:,} held-out pairs without a verdict left out"
    both = known & np.isfinite(first)
    if p is first or not both.any():
        return row
    mine, other = hits(first[both], held.sign[both]), hits(p[both], held.sign[both])
    only_first, only_it = int((mine > other).sum()), int((other > mine).sum())
    found = paired_difference(mine - other, held.cluster[both], level)
    return {
        **row,
        "p_value": _mcnemar(only_first, only_it),
        "difference": found["estimate"],
        "difference_low": found["conf_low"],
        "difference_high": found["conf_high"],
        "only_constitution": only_first,
        "only_it": only_it,
    }


def _mcnemar(b: int, c: int) -> float:
    """Return the mid-p value of McNemar's test from both discordant counts.

    Fagerland, Lydersen and Laake (2013), "The McNemar test for binary matched-pairs data".
    """
    n, least = b + c, min(b, c)
    if n == 0:
        return 1.0
    return float(min(2.0 * binom.cdf(least, n, 0.5) - binom.pmf(least, n, 0.5), 1.0))
