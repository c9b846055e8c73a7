"""Ranking accuracy of a model: whether it finds the preferred response more likely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from scipy.special import logit

from workbench.clustered import Array, share
from workbench.errors import DataError, refuse_out_of_range
from workbench.finding import Finding, Rule, finding
from workbench.flips import paired_difference
from workbench.intervals import MID_P
from workbench.provenance import Provenance
from workbench.results import TIDY, Result
from workbench.threads import on_one_thread

if TYPE_CHECKING:
    import plotly.graph_objects as go

BETAS = (0.01, 0.1, 1.0, 5.0, 10.0)
"""Strengths of the penalty over which the idealised accuracy is told."""

_EVIDENCE = 10
LEARNT = 0.3
"""Loss below which a pair counts as learnt."""

_SURE = 0.999
"""What a unanimous vote, or none, is taken for: the logarithm of 1 / 0 has no end."""

_METHOD = f"share of pairs, {MID_P}"
COLUMNS = (*TIDY, "ties", "n_clusters", "method", "reason")


RULES = {
    "ranks-against-preferences": Rule(
        "ranking accuracy: share of pairs whose chosen response is the likelier one",
        "interval below 0.5",
        "The model prefers the rejected responses: sampling will show them.",
    ),
    "moved-but-not-ranked": Rule(
        "accuracy of the implicit reward",
        "its interval above that of the ranking accuracy",
        "Do not report the reward accuracy as what the model prefers.",
    ),
    "alignment-gap": Rule(
        "idealised minus ranking accuracy",
        "interval above 0.05",
        "Train longer on the pairs with a small c; leave out or regenerate never-learnt ones.",
    ),
}
"""What a model's rankings may show, by ``rule_id``."""

GAP = 0.05
"""Alignment gap that is worth a note."""


@dataclass(frozen=True, eq=False)
class RankingAccuracy(Result):
    r"""Ranking accuracy, its idealised counterpart, and what the loss would have to be.

    Attributes
    ----------
    estimates : DataFrame
        One row a measure; see :meth:`to_frame`.
    ideal : DataFrame
        ``beta, estimate, conf_low, conf_high, n``: idealised ranking accuracy.
    pairs : DataFrame
        One row a pair: ``pair_id, margin`` (log pi of the chosen minus the rejected), ``c``
        (how far the reference prefers the rejected, nats), ``reward_margin``,
        ``required_loss`` (what the DPO loss must fall to for a right ranking), ``ranked``.
    settings : dict
        ``scored`` is what there is to say of the tokens, and of what trainers print.
    provenance : Provenance
    """

    heading: ClassVar[str] = "Ranking accuracy"
    about: ClassVar[str] = (
        "Ranking accuracy asks whether the model finds the preferred response more likely. The "
        "accuracy of its implicit reward asks something else: whether it moved that way from its "
        "reference. The idealised accuracy is that of a perfect solution of the training loss."
    )

    estimates: pd.DataFrame
    ideal: pd.DataFrame
    pairs: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    @property
    def never_learnt(self) -> pd.DataFrame:
        """Pairs that even a loss of :data:`LEARNT` leaves ranked wrongly, hardest first."""
        hard = self.pairs[self.pairs["required_loss"] < LEARNT]
        return hard.sort_values("c", ascending=False, kind="stable")

    def to_frame(self) -> pd.DataFrame:
        """Return one row a measure.

        ``ranking accuracy`` and ``length-normalised``; with a reference ``reward accuracy``,
        ``reference ranking accuracy``, ``idealised, median over beta``, ``alignment gap``
        (idealised minus ranking accuracy; its interval is that of the paired difference) and
        ``not learnt at loss 0.3``. ``ties``: share of pairs within the tie band.
        """
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the measures, the idealised accuracy by beta, and the pairs."""
        return {"accuracy": self.estimates, "idealised": self.ideal, "pairs": self.pairs}

    def summary(self) -> str:
        """Return the measures as text."""
        lines = [f"Ranking accuracy, {self.settings['level']:.0%} intervals; ties: "
                 f"{self.settings['ties']}, band {self.settings['band']:g} nats"]  # fmt: skip
        for row in self.estimates.to_dict("records"):
            ends = f"[{row['conf_low']:.3f}, {row['conf_high']:.3f}]"
            lines.append(f"  {row['term']}: {row['estimate']:.3f} {ends}, n = {row['n']:,.0f}")
        for row in self.ideal.to_dict("records"):
            lines.append(f"  idealised at beta {row['beta']:g}: {row['estimate']:.3f}")
        lines += [f"  {one}" for one in self.settings.get("scored", ())]
        return "\n".join([*lines, f"method: {_METHOD}"])

    def findings(self) -> list[Finding]:
        """Return rankings against the preferences, rewards that hide that, and a gap."""
        table = self.estimates.set_index("term")
        own, worst = table.loc["ranking accuracy"], self.pairs.sort_values("margin", kind="stable")
        evidence = tuple(worst["pair_id"].head(_EVIDENCE))
        found = []
        if own["conf_high"] < 0.5:
            text = "The model finds the rejected responses likelier"
            found.append(_finding("ranks-against-preferences", "warning", text, own, evidence))
        if "reward accuracy" in table.index:
            reward, gap = table.loc["reward accuracy"], table.loc["alignment gap"]
            if reward["conf_low"] > own["conf_high"]:
                text = (f"The implicit reward is right on {reward['estimate']:.1%}, the ranking on "
                        f"{own['estimate']:.1%}")  # fmt: skip
                found.append(_finding("moved-but-not-ranked", "note", text, reward, evidence))
            if gap["conf_low"] > GAP:
                text = "A perfect solution of the loss would rank more pairs rightly"
                hard = tuple(self.never_learnt["pair_id"].head(_EVIDENCE))
                found.append(_finding("alignment-gap", "note", text, gap, hard))
        return found

    def figures(self) -> dict[str, go.Figure]:
        """Return the measures, the idealised accuracy over beta, and the distribution of c."""
        shown = {"measures": self.plot()}
        if len(self.ideal):
            shown["idealised accuracy over beta"] = self.plot_ideal()
            shown["how far the reference prefers the rejected response"] = self.plot_c()
        return shown

    def plot(self) -> go.Figure:
        """Return the measures with their intervals."""
        from workbench.plots.forest import forest

        return forest(self.estimates, x_title="share of pairs", reference=0.5)

    def plot_ideal(self) -> go.Figure:
        """Return the idealised accuracy over beta, with the model's own as a line."""
        from workbench.plots.curve import curve

        own = self.estimates.set_index("term").loc["ranking accuracy", "estimate"]
        table = self.ideal.assign(log_beta=np.log10(self.ideal["beta"].astype(float)))
        return curve(table, x="log_beta", x_title="log10 of beta", y_title="idealised accuracy",
                     reference=float(own))  # fmt: skip

    def plot_c(self) -> go.Figure:
        """Return the share of pairs whose c is at most so many nats."""
        from workbench.plots.curve import curve

        c = np.sort(self.pairs["c"].to_numpy("float64"))
        share_of = np.arange(1, len(c) + 1) / len(c)
        keep = np.unique(np.linspace(0, len(c) - 1, min(len(c), 200)).astype(int))
        table = pd.DataFrame({"c": c[keep], "estimate": share_of[keep]})
        return curve(table, x="c", x_title="c: log p(rejected) - log p(chosen), reference, nats",
                     y_title="share of pairs up to it")  # fmt: skip


@on_one_thread
def ranking_accuracy(
    scores: pd.DataFrame,
    *,
    beta: float = 0.1,
    ties: str = "half",
    band: float = 0.0,
    as_released: bool = False,
    level: float = 0.95,
) -> RankingAccuracy:
    r"""Hold a model's log-likelihoods against preferences.

    Parameters
    ----------
    scores : DataFrame
        One row a pair: ``pair_id, cluster, chosen, rejected`` (log pi of both responses,
        nats), ``n_chosen, n_rejected`` (tokens); with a reference model ``ref_chosen,
        ref_rejected``; where several people voted ``votes``, the share for the chosen.
    beta : float
        Of the training, for the required loss.
    ties : {"half", "drop", "wrong"}
        What a margin within the band counts.
    band : float
        Nats within which two likelihoods are taken for equal: the noise of the scorer.
    as_released : bool
        The idealised accuracy by the formula of the released code, which multiplies by the
        ratio of the log-likelihoods where the theorem has the ratio of the likelihoods.
    level : float

    Returns
    -------
    RankingAccuracy

    Raises
    ------
    DataError
        A column is missing or a likelihood is not finite.

    Notes
    -----
    Chen et al. (2024), "Preference learning algorithms do not learn preference rankings":
    with :math:`c = \log \pi_{ref}(y_l|x) - \log \pi_{ref}(y_w|x)` the perfect solution ranks a
    pair rightly where :math:`c < \operatorname{logit}(\alpha) / \beta` (corollary 3.3), so
    the idealised accuracy is the distribution function of c; and any model does where its
    DPO loss is at most :math:`-\log \sigma(\beta c)` (theorem 4.1). Without votes
    :math:`\alpha` is taken for .999. The length-normalised idealised accuracy has no such
    theorem and is not given.

    Examples
    --------
    >>> table = pd.DataFrame({"pair_id": ["p", "q"], "cluster": ["p", "q"],
    ...     "chosen": [-10.0, -30.0], "rejected": [-12.0, -20.0], "n_chosen": [5, 10],
    ...     "n_rejected": [4, 5]})
    >>> ranking_accuracy(table).to_frame()["estimate"].tolist()
    [0.5, 1.0]
    """
    refuse_out_of_range(
        {
            "beta": (beta > 0, beta, "above 0"),
            "ties": (ties in ("half", "drop", "wrong"), ties, '"half", "drop" or "wrong"'),
            "band": (band >= 0, band, "0 or more nats"),
            "level": (0 < level < 1, level, "between 0 and 1"),
        }
    )
    _check(scores)
    cluster = pd.factorize(scores["cluster"])[0]
    margin = (scores["chosen"] - scores["rejected"]).to_numpy("float64")
    normal = scores["chosen"] / scores["n_chosen"] - scores["rejected"] / scores["n_rejected"]
    right = _right(margin, band, ties)
    rows = [
        _row("ranking accuracy", right, cluster, level, np.abs(margin) <= band),
        _row("length-normalised ranking accuracy", _right(normal.to_numpy("float64"), 0.0, ties),
             cluster, level, normal.to_numpy() == 0),
    ]  # fmt: skip
    pairs = scores[["pair_id"]].assign(margin=margin, ranked=right)
    ideal = pd.DataFrame(columns=["beta", "estimate", "conf_low", "conf_high", "n"])
    if "ref_chosen" in scores:
        reference = (scores["ref_chosen"] - scores["ref_rejected"]).to_numpy("float64")
        more, pairs, ideal = _with_reference(
            scores, pairs, reference, right, cluster, beta, ties, band, as_released, level
        )
        rows += more
    settings = {"beta": beta, "ties": ties, "band": band, "as_released": as_released,
                "level": level, "n": len(scores)}  # fmt: skip
    table = pd.DataFrame(rows).reindex(columns=list(COLUMNS)).assign(method=_METHOD)
    return RankingAccuracy(table, ideal, pairs, settings, Provenance.capture())


def idealised(c: Array, alpha: Array, beta: float) -> Array:
    """Return 1 where the perfect solution ranks a pair rightly, 0 where not.

    Parameters
    ----------
    c : ndarray, shape (n,)
        How far the reference prefers the rejected response, nats.
    alpha : ndarray, shape (n,)
        Share of people for the chosen one.
    beta : float

    Examples
    --------
    >>> idealised(np.array([1.0, 100.0]), np.array([0.999, 0.999]), 0.1).tolist()
    [1.0, 0.0]
    """
    odds = np.asarray(logit(np.clip(alpha, 1 - _SURE, _SURE)))
    return np.asarray(c < odds / beta, dtype=float)


def required_loss(c: Array, beta: float) -> Array:
    r"""Return the DPO loss that a pair must reach to be ranked rightly.

    .. math:: -\log \sigma(\beta c)

    Examples
    --------
    >>> required_loss(np.array([0.0]), 0.1).round(4).tolist()
    [0.6931]
    """
    return np.asarray(np.logaddexp(0.0, -beta * c))


def _with_reference(
    scores: pd.DataFrame, pairs: pd.DataFrame, reference: Array, right: Array, cluster: Any,
    beta: float, ties: str, band: float, as_released: bool, level: float,
) -> tuple[list[dict[str, Any]], pd.DataFrame, pd.DataFrame]:  # fmt: skip
    c = -reference
    reward = pairs["margin"].to_numpy() - reference
    alpha = scores["votes"].to_numpy("float64") if "votes" in scores else np.full(len(c), _SURE)
    curves = []
    for one in BETAS:
        perfect = _released(scores, alpha, one) if as_released else idealised(c, alpha, one)
        curves.append({"beta": one, **share(perfect, cluster, level)})
    ideal = pd.DataFrame(curves)
    middle = ideal.sort_values("estimate", kind="stable").iloc[len(BETAS) // 2]
    perfect = (
        _released(scores, alpha, middle["beta"]) if as_released
        else idealised(c, alpha, float(middle["beta"]))
    )  # fmt: skip
    loss = required_loss(c, beta)
    rows = [
        _row("reward accuracy", _right(reward, band, ties), cluster, level, np.abs(reward) <= band),
        _row("reference ranking accuracy", _right(reference, band, ties), cluster, level,
             np.abs(reference) <= band),
        _row("idealised ranking accuracy, median over beta", perfect, cluster, level),
        _gap(perfect, right, cluster, level),
        _row(f"not learnt at loss {LEARNT:g}", (loss < LEARNT).astype(float), cluster, level),
    ]  # fmt: skip
    return rows, pairs.assign(c=c, reward_margin=reward, required_loss=loss), ideal


def _released(scores: pd.DataFrame, alpha: Array, beta: float) -> Array:
    """Return the released formula: the ratio of log-likelihoods, inverted, times the odds."""
    ratio = scores["ref_chosen"].to_numpy("float64") / scores["ref_rejected"].to_numpy("float64")
    with np.errstate(over="ignore"):
        odds = np.exp(logit(np.clip(alpha, 1 - _SURE, _SURE)) / beta)
    return np.asarray(ratio * odds > 1, dtype=float)


def _finding(
    rule: str, level: str, text: str, row: pd.Series, evidence: tuple[str, ...]
) -> Finding:
    numbers = (float(row["estimate"]), float(row["conf_low"]), float(row["conf_high"]))
    return finding(RULES, rule, level, text, int(row["n"]), numbers, evidence=evidence)


def _right(margin: Array, band: float, ties: str) -> Array:
    tie = np.abs(margin) <= band
    value = {"half": 0.5, "drop": np.nan, "wrong": 0.0}[ties]
    return np.where(tie, value, (margin > 0).astype(float))


def _row(term: str, values: Array, cluster: Any, level: float, tie: Any = None) -> dict[str, Any]:
    known = np.isfinite(values)
    found = share(values[known], cluster[known], level)
    return {"term": term, **found, "ties": float(np.mean(tie)) if tie is not None else np.nan}


def _gap(perfect: Array, right: Array, cluster: Any, level: float) -> dict[str, Any]:
    known = np.isfinite(right)
    found = paired_difference((perfect - right)[known], cluster[known], level)
    return {"term": "alignment gap", **found}


def _check(scores: pd.DataFrame) -> None:
    needed = ["pair_id", "cluster", "chosen", "rejected", "n_chosen", "n_rejected"]
    needed += ["ref_rejected"] if "ref_chosen" in scores else []
    missing = [name for name in needed if name not in scores]
    numbers: Sequence[str] = [c for c in (*needed[2:], "ref_chosen") if c in scores]
    broken = 0 if missing else int((~np.isfinite(scores[list(numbers)])).any(axis=1).sum())
    if missing or broken or not len(scores):
        raise DataError(
            "The likelihoods cannot be ranked.",
            found=f"missing columns: {', '.join(missing)}" if missing
            else f"{len(scores):,} pairs, {broken:,} with a value that is not finite",
            expected="one row a pair, with finite log-likelihoods and token counts",
            fix="Score the pairs again, or leave those out.",
        )  # fmt: skip
