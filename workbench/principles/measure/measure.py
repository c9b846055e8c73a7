"""How far each principle agrees with the preferences of an annotator."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.clustered import FEW_CLUSTERS
from workbench.data.dataset import PreferenceData
from workbench.decompose.errors.tidy import q_values
from workbench.errors import refuse_out_of_range
from workbench.principles.measure.kernel import (
    Array,
    Counts,
    merged_for,
    reference,
    sign_p_values,
)
from workbench.principles.principle import Principle
from workbench.principles.vote.votes import Codes, Rule, Vote, Votes
from workbench.provenance import Provenance
from workbench.results import Result
from workbench.threads import on_one_thread

if TYPE_CHECKING:
    import plotly.graph_objects as go

METRICS = ("relevance", "accuracy", "agreement", "kappa")
"""What is measured beside the strength."""

_METHOD = "cluster bootstrap, percentile interval; exact test of random cluster signs"
_ONE_CLUSTER = "one cluster cannot be resampled"
_NOT_ASKED = "the principle was not voted on"
_NEVER = "the principle never takes a side"


@dataclass(frozen=True, eq=False)
class PrincipleEffects(Result):
    """Strength, relevance and accuracy of each principle.

    Attributes
    ----------
    estimates : DataFrame
        One row a principle; see :meth:`to_frame`.
    principles : tuple of Principle
    exclusions : DataFrame
        Pairs left out: ``reason, n``.
    settings : dict
    provenance : Provenance
    """

    estimates: pd.DataFrame
    principles: tuple[Principle, ...]
    exclusions: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance
    heading = "Principles"
    about = (
        "How often each principle selects the preferred response rather than the other one. "
        "Strength is the share of pairs it gets right minus the share it gets wrong."
    )

    def to_frame(self) -> pd.DataFrame:
        """Return one row a principle, in the order of the votes.

        The tidy columns are of the strength. Beside them: ``relevance``, ``accuracy``,
        ``agreement`` and ``kappa``, each with ``_low`` and ``_high``; the counts of pairs
        ``for`` (the vote is for the preferred response), ``against``, ``both``,
        ``neither``, ``not_applicable``, ``invalid`` and ``not_asked``;
        ``invalid_repeats`` of ``asked_repeats`` single votes; ``n_clusters``, ``id``,
        ``pinned``, ``method``, ``reason``.
        """
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the effects and the pairs left out."""
        return {"estimates": self.estimates, "exclusions": self.exclusions}

    def summary(self) -> str:
        """Return the strengths, strongest first, as text."""
        level = f"{100 * self.settings['level']:g}% interval"
        seen = "held-out pairs" if self.settings["held_out"] else "pairs, in sample"
        lines = [f"Principles on {self.settings['n']:,} {seen} ({level} of the strength)"]
        order = self.estimates["estimate"].abs().sort_values(ascending=False, kind="stable")
        lines += [_text_row(row) for row in self.estimates.loc[order.index].itertuples()]
        lines += [
            f"left out: {row.n:,} pairs, {row.reason}" for row in self.exclusions.itertuples()
        ]
        lines += [f"warning: {text}" for text in self.warnings]
        return "\n".join([*lines, f"method: {_METHOD}; q: Benjamini-Hochberg"])

    @property
    def warnings(self) -> list[str]:
        """What a reader should know before trusting a strength."""
        texts = []
        if self.settings["n_clusters"] < FEW_CLUSTERS:
            texts.append(f"only {self.settings['n_clusters']} clusters: intervals are rough")
        asked = int(self.estimates["asked_repeats"].sum())
        invalid = int(self.estimates["invalid_repeats"].sum())
        if invalid > 0.01 * asked:
            texts.append(f"{invalid:,} of {asked:,} votes are invalid ({invalid / asked:.1%})")
        return texts

    def plot(self) -> go.Figure:
        """Return a forest plot of the strengths."""
        from workbench.plots.forest import forest

        return forest(self.estimates, x_title="strength (share right minus share wrong)")


@on_one_thread
def measure(
    data: PreferenceData,
    votes: Votes,
    annotator: str | Iterable[str] | None = None,
    *,
    rule: Rule = "majority",
    level: float = 0.95,
    replicates: int = 1000,
    seed: int = 0,
    pair_ids: Iterable[str] | None = None,
) -> PrincipleEffects:
    r"""Hold the votes of each principle against the preferences of an annotator.

    Of :math:`N` pairs with a preference that is no tie, the vote is for the preferred
    response on :math:`a` and for the other one on :math:`d`:

    .. math:: \text{relevance} = \frac{a + d}{N},\quad \text{accuracy} = \frac{a}{a + d},\quad
              \text{kappa} = 2\,\text{accuracy} - 1,\quad
              \text{strength} = \frac{a - d}{N},\quad \text{agreement} = \frac{a}{N}

    Parameters
    ----------
    data : PreferenceData
    votes : Votes
    annotator : str or iterable of str, optional
        Names, or one kind; several labels of a pair count as their majority.
    rule : {"majority", "unanimous"}
        How repeats of a vote are merged.
    level : float
        Confidence level.
    replicates : int
        Resamples of the clusters.
    seed : int
    pair_ids : iterable of str, optional
        Held-out pairs. Without them the numbers are called in sample.

    Returns
    -------
    PrincipleEffects

    Raises
    ------
    DesignError
        No pair has both votes and a preference, or an option is out of range.

    Notes
    -----
    Where all pairs were asked about, the numbers are those of Feedback Forensics, but for
    the accuracy of a principle that never takes a side: it is undefined here, not 0.5.
    Pairs a principle was not asked about are not among its N; invalid votes are.

    Intervals are percentiles over resampled clusters. As Feedback Forensics does, one
    agreement, one disagreement and one abstention are added first, here each a cluster of
    mean size, so that a principle that is right 5 times of 5 has an interval. The test is
    two-sided, see :func:`workbench.principles.measure.kernel.sign_p_values`.

    Examples
    --------
    >>> pairs = pd.DataFrame({"prompt": list("pqrs"), "response_a": "yes", "response_b": "no"})
    >>> labels = pd.DataFrame({"pair": range(4), "annotator": "ann", "preference": [1.0, 1, 1, 0]})
    >>> data = PreferenceData.from_tables(pairs, labels)
    >>> codes = np.array([1, 1, -1, 4], dtype=np.int8).reshape(4, 1, 1)
    >>> votes = Votes(data.pairs["pair_id"].to_numpy(), (Principle("Be kind"),), codes)
    >>> table = measure(data, votes, "ann").to_frame()
    >>> table[["estimate", "relevance", "agreement", "p_value"]].to_numpy().tolist()
    [[0.25, 0.75, 0.5, 1.0]]
    """
    check_options(level, replicates)
    found = reference(data, votes, annotator, pair_ids)
    codes = merged_for(votes, found, rule)
    counts = Counts.of(codes, found.sign, found.cluster, found.n_clusters)
    estimates = _estimates(counts, level, replicates, seed)
    estimates.insert(0, "term", [one.text for one in votes.principles])
    taken = votes.take(pair_ids=found.pair_ids)
    estimates = pd.concat([estimates, _vote_counts(codes, found.sign, taken)], axis=1)
    settings = {
        "annotator": annotator if annotator is None or isinstance(annotator, str) else [*annotator],
        "rule": rule,
        "level": level,
        "replicates": replicates,
        "seed": seed,
        "held_out": pair_ids is not None,
        "n": len(found),
        "n_clusters": found.n_clusters,
        "voter": votes.voter,
    }
    reason = estimates.pop("reason")
    estimates = estimates.assign(method=_METHOD, reason=reason)
    provenance = Provenance.capture(seed=seed, dataset=data.digest)
    return PrincipleEffects(estimates, votes.principles, found.exclusions, settings, provenance)


def check_options(level: float, replicates: int = 1000) -> None:
    """Refuse options that are out of range."""
    refuse_out_of_range(
        {
            "level": (0 < level < 1, level, "a number between 0 and 1, such as 0.95"),
            "replicates": (replicates >= 20, replicates, "at least 20"),
        }
    )


def metrics(sums: Array) -> dict[str, Array]:
    """Return every measure from counts.

    Parameters
    ----------
    sums : ndarray, shape (..., 3, K)
        Agreements, disagreements and pairs.

    Returns
    -------
    dict of str to ndarray, shape (..., K)
        ``strength`` and :data:`METRICS`; NaN where undefined.

    Examples
    --------
    >>> metrics(np.array([[3.0], [1.0], [8.0]]))["strength"]
    array([0.25])
    """
    agree, disagree, total = np.moveaxis(sums, -2, 0)
    relevant = agree + disagree

    def ratio(a: Array, b: Array) -> Array:
        return np.asarray(np.divide(a, b, out=np.full(a.shape, np.nan), where=b > 0))

    accuracy = ratio(agree, relevant)
    return {
        "strength": ratio(agree - disagree, total),
        "relevance": ratio(relevant, total),
        "accuracy": accuracy,
        "agreement": ratio(agree, total),
        "kappa": 2 * accuracy - 1,
    }


def _estimates(counts: Counts, level: float, replicates: int, seed: int) -> pd.DataFrame:
    values = metrics(counts.sums)
    drawn = metrics(counts.padded().draws(replicates, seed))
    clusters = (counts.total > 0).sum(axis=0)
    agree, disagree, total = counts.sums
    usable = clusters > 1
    p = sign_p_values(counts)
    table = {"estimate": values["strength"]}
    table["std_error"] = np.where(usable, drawn["strength"].std(axis=0, ddof=1), np.nan)
    ends = {name: _interval(draw, values[name], usable, level) for name, draw in drawn.items()}
    table["conf_low"], table["conf_high"] = ends["strength"]
    frame = pd.DataFrame({**table, "p_value": p, "q_value": q_values(p), "n": total.astype(int)})
    for name in METRICS:
        frame[name] = values[name]
        frame[f"{name}_low"], frame[f"{name}_high"] = ends[name]
    frame["n_clusters"] = clusters
    asked = np.where(agree + disagree > 0, "", np.where(total > 0, _NEVER, _NOT_ASKED))
    reason = np.where((asked == "") & ~usable, _ONE_CLUSTER, asked)
    return frame.assign(reason=pd.Series(reason, dtype="str").replace("", None))


def _interval(draws: Array, estimate: Array, usable: Array, level: float) -> Array:
    """Return percentiles of the defined draws, shape (2, K); NaN where there is no estimate."""
    ends = np.full((2, draws.shape[1]), np.nan)
    tails = [0.5 - level / 2, 0.5 + level / 2]
    defined = usable & np.isfinite(estimate)
    whole = defined & np.isfinite(draws).all(axis=0)
    ends[:, whole] = np.quantile(draws[:, whole], tails, axis=0)
    for k in np.flatnonzero(defined & ~whole):
        # resamples in which the principle takes no side say nothing on its accuracy
        ends[:, k] = np.nanquantile(draws[:, k], tails)
    return ends


def _vote_counts(codes: Codes, sign: Array, votes: Votes) -> pd.DataFrame:
    agree = codes * sign[:, None]
    side = np.abs(codes) == 1
    others = (Vote.BOTH, Vote.NEITHER, Vote.NOT_APPLICABLE, Vote.INVALID, Vote.NOT_ASKED)
    table = {"for": (side & (agree > 0)).sum(axis=0), "against": (side & (agree < 0)).sum(axis=0)}
    table |= {vote.name.lower(): (codes == vote).sum(axis=0) for vote in others}
    table["asked_repeats"] = (votes.codes != Vote.NOT_ASKED).sum(axis=(0, 2))
    table["invalid_repeats"] = (votes.codes == Vote.INVALID).sum(axis=(0, 2))
    table["id"] = np.array([one.id for one in votes.principles])
    table["pinned"] = np.array([one.pinned for one in votes.principles])
    return pd.DataFrame(table)


def _text_row(row: Any) -> str:
    if not np.isfinite(row.estimate):
        return f"  {row.term}: undefined: {row.reason}"
    accuracy = f"{row.accuracy:.3f}" if np.isfinite(row.accuracy) else "undefined"
    ends = "no interval: one cluster"
    if np.isfinite(row.conf_low):
        ends = f"[{row.conf_low:+.3f}, {row.conf_high:+.3f}]"
    q = f"q = {row.q_value:.3g}" if np.isfinite(row.q_value) else "no test"
    return (
        f"  {row.estimate:+.3f} {ends} {q}, relevance {row.relevance:.3f}, "
        f"accuracy {accuracy}, n = {row.n:,}: {row.term}"
    )
