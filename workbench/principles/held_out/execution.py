"""How well arithmetic on votes predicts preferences it has not seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import norm

from workbench.clustered import FEW_CLUSTERS, cluster_error, share
from workbench.data.dataset import PreferenceData
from workbench.data.split import folds as fold_numbers
from workbench.errors import DesignError, refuse_out_of_range
from workbench.intervals import positive_mean
from workbench.principles.held_out.executor import (
    METHODS,
    Method,
    check_fit,
    fit_executor,
    fit_weights,
    hits,
)
from workbench.principles.measure.kernel import Array, Reference, merged_for, reference, sides
from workbench.principles.measure.measure import check_options
from workbench.principles.measure.vote_estimates import VoteEstimates, whose
from workbench.principles.vote.votes import Rule, Votes
from workbench.provenance import Provenance
from workbench.results import TIDY
from workbench.threads import on_one_thread

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True, eq=False)
class Execution(VoteEstimates):
    """How well arithmetic on votes predicts preferences it has not seen.

    Attributes
    ----------
    predictions : DataFrame
        ``pair_id``, ``probability`` (of A) and ``preferred`` (1 is A, 0 is B) of each
        held-out pair.
    weights : DataFrame
        ``principle`` and its ``weight``: of the training pairs, or with folds of all.
    """

    predictions: pd.DataFrame
    weights: pd.DataFrame
    heading = "Transparent executor"
    about = (
        "Preferences predicted from the votes alone, without asking a model again, on pairs "
        "that the weights were not fitted on."
    )
    beside = ("weights", "predictions")

    def to_frame(self) -> pd.DataFrame:
        """Return one row a measure.

        ``accuracy`` (0.5 for a pair that no vote decides), ``log_loss``, ``decided`` (share
        of pairs that the votes decide) and, with a judge, ``agreement with`` it; the tidy
        columns, ``n_clusters``, ``method``, ``reason``.
        """
        return self.estimates

    def summary(self) -> str:
        """Return the scores as text."""
        return self._told(
            f"Executor on held-out pairs ({self._interval})",
            lambda row: f"{row.estimate:.3f} [{row.conf_low:.3f}, {row.conf_high:.3f}]",
            "n = {0.n:,}, clusters = {0.n_clusters:,}",
            METHODS[self.settings["method"]],
        )

    def plot(self) -> go.Figure:
        """Return a forest plot of the shares."""
        from workbench.plots.forest import forest

        shares = self.estimates[self.estimates["term"] != "log_loss"].reset_index(drop=True)
        return forest(shares, x_title="share of held-out pairs", reference=0.5)


@on_one_thread
def execute(
    data: PreferenceData,
    votes: Votes,
    annotator: str | Iterable[str] | None = None,
    *,
    method: Method = "weighted",
    rule: Rule = "majority",
    ridge: float = 1.0,
    train: Iterable[str] | None = None,
    test: Iterable[str] | None = None,
    folds: int = 5,
    judge: str | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> Execution:
    """Predict preferences from votes, on pairs that the weights have not seen.

    Parameters
    ----------
    data : PreferenceData
    votes : Votes
    annotator : str or iterable of str, optional
        Whose preferences are predicted.
    method, rule, ridge
        As in ``fit_executor``.
    train, test : iterable of str, optional
        Pairs to fit and to score on, both or neither.
    folds : int
        Folds by cluster, where no such pairs are given.
    judge : str, optional
        An annotator whose agreement with the executor is told: the language model that
        follows the same constitution.
    level : float
    seed : int
        Seed of the folds.

    Returns
    -------
    Execution

    Raises
    ------
    DesignError
        One of ``train`` and ``test`` alone, pairs in both, no usable pair, or an option
        out of range.
    DataError
        Fewer clusters than folds.

    Notes
    -----
    Folds keep the weights honest, not the list of principles: where it was proposed or
    selected on the same pairs, pass the pairs held out then as ``test``.

    Examples
    --------
    >>> import workbench as wb
    >>> from workbench.principles.principle import Principle
    >>> data = wb.load("sample").filter(kinds=["human"])
    >>> longer = data.pairs["response_a"].str.len() > data.pairs["response_b"].str.len()
    >>> codes = np.where(longer, 1, -1).astype(np.int8)[:, None, None]
    >>> votes = Votes(data.pairs["pair_id"].to_numpy(), (Principle("Be long"),), codes)
    >>> execute(data, votes).to_frame()["term"].tolist()
    ['accuracy', 'log_loss', 'decided']
    """
    check_fit(method, ridge)
    check_options(level)
    if (train is None) != (test is None):
        raise DesignError(
            "Pairs to train on and pairs to test on belong together.",
            found="one of train= and test=",
            expected="both or neither",
            fix="Pass both, or leave both out for folds.",
        )
    p: Array
    if train is not None and test is not None:
        fitted, found, p = _split(
            data, votes, annotator, (list(train), list(test)), method, rule, ridge
        )
    else:
        refuse_out_of_range({"folds": (folds >= 2, folds, "at least 2")})
        found = reference(data, votes, annotator)
        x = sides(merged_for(votes, found, rule))
        fitted = fit_weights(x, found.sign, method, ridge)
        p = folded(data, found, x, method, ridge, folds, seed)
    rows = _scores(p, found, level)
    if judge is not None:
        rows.append(_agreement(data, votes, found, p, judge, level))
    table = pd.DataFrame(rows).assign(method=METHODS[method])
    table = table.reindex(columns=[*TIDY, "n_clusters", "method", "reason"])
    settings = {
        "annotator": whose(annotator),
        "method": method,
        "rule": rule,
        "ridge": ridge,
        "folds": folds if train is None else None,
        "judge": judge,
        "level": level,
        "seed": seed,
        "few_clusters": found.n_clusters < FEW_CLUSTERS,
    }
    preferred = (found.sign > 0).astype(float)
    predictions = {"pair_id": found.pair_ids, "probability": p, "preferred": preferred}
    names = [one.text for one in votes.principles]
    return Execution(
        estimates=table.astype({"n": "int64", "n_clusters": "int64", "reason": "str"}),
        predictions=pd.DataFrame(predictions),
        weights=pd.DataFrame({"principle": names, "weight": fitted}),
        exclusions=found.exclusions,
        settings=settings,
        provenance=Provenance.capture(seed=seed, dataset=data.digest),
    )


def _split(
    data: PreferenceData,
    votes: Votes,
    annotator: str | Iterable[str] | None,
    ids: tuple[list[str], list[str]],
    method: Method,
    rule: Rule,
    ridge: float,
) -> tuple[Array, Reference, Array]:
    train, test = ids
    both = set(train) & set(test)
    if both:
        raise DesignError(
            "Pairs stand in both train= and test=.",
            found=f"{len(both):,} pairs in both",
            expected="held-out pairs that nothing was fitted on",
            fix="Use workbench.split(data), which keeps prompts on one side.",
        )
    weights = fit_executor(
        data, votes, annotator, method=method, rule=rule, ridge=ridge, pair_ids=train
    ).weights
    found = reference(data, votes, annotator, test)
    return weights, found, np.asarray(expit(sides(merged_for(votes, found, rule)) @ weights))


def folded(
    data: PreferenceData,
    found: Reference,
    x: Array,
    method: Method,
    ridge: float,
    folds: int,
    seed: int,
) -> Array:
    """Return out-of-fold P(A) of the pairs of a reference, folds grouped by cluster.

    Parameters
    ----------
    data : PreferenceData
    found : Reference
    x : ndarray, shape (n, K)
        Sides that the principles vote for.
    method, ridge, folds, seed
        As in :func:`execute`.
    """
    fold = fold_numbers(data.pairs["cluster"].iloc[found.pair].to_numpy(), folds, seed)
    p = np.full(len(found), 0.5)
    for f in range(folds):
        inside = fold == f
        weights = fit_weights(x[~inside], found.sign[~inside], method, ridge)
        p[inside] = expit(x[inside] @ weights)
    return p


def _scores(p: Array, found: Reference, level: float) -> list[dict[str, Any]]:
    clipped = np.clip(np.where(found.sign > 0, p, 1 - p), 1e-12, 1.0)
    loss = -np.log(clipped)
    right = hits(p, found.sign)
    decided = (np.abs(p - 0.5) >= 1e-12).astype(float)
    log_loss = positive_mean(loss, found.cluster, level)
    log_loss |= {"n": len(loss), "n_clusters": found.n_clusters}
    # half the pairs are right by chance: a test against 0.5, as the accuracy's own
    spread = cluster_error((right - 0.5) / len(right), found.cluster)
    test = (right.mean() - 0.5) / spread if spread > 0 else np.nan
    accuracy = {**share(right, found.cluster, level), "p_value": 2 * norm.sf(abs(test))}
    rows = {
        "accuracy": accuracy,
        "log_loss": log_loss,
        "decided": share(decided, found.cluster, level),
    }
    return [{"term": name, **row} for name, row in rows.items()]


def _agreement(
    data: PreferenceData, votes: Votes, found: Reference, p: Array, judge: str, level: float
) -> dict[str, Any]:
    term = f"agreement with {judge}"
    other = reference(data, votes, judge)
    at = pd.Index(other.pair_ids).get_indexer(found.pair_ids)
    both = (at >= 0) & (np.abs(p - 0.5) >= 1e-12)
    if not both.any():
        reason = "no held-out pair on which both decide"
        return {"term": term, "n": 0, "n_clusters": 0, "reason": reason}
    agree = hits(p[both], other.sign[at[both]])
    return {"term": term, **share(agree, found.cluster[both], level)}
