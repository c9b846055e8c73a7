"""Which principles say the same, and what each says that no other does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from workbench.clustered import cluster_error, mean_and_error
from workbench.data.dataset import PreferenceData
from workbench.data.split import folds as fold_numbers
from workbench.decompose.errors.tidy import normal_interval, tidy_columns
from workbench.errors import refuse_out_of_range
from workbench.principles.held_out.executor import ridge_logit
from workbench.principles.measure.kernel import (
    Array,
    Counts,
    Reference,
    merged_for,
    reference,
    sides,
)
from workbench.principles.measure.measure import check_options
from workbench.principles.measure.vote_estimates import VoteEstimates, whose
from workbench.principles.vote.vote_models import fit_models
from workbench.principles.vote.votes import Rule, Votes
from workbench.provenance import Provenance
from workbench.results import TIDY
from workbench.threads import on_one_thread

if TYPE_CHECKING:
    import plotly.graph_objects as go

_METHOD = "joint logit of all principles, cluster-robust errors"
_RIDGE = 1.0
_NEVER = "the principle never takes a side"


@dataclass(frozen=True, eq=False)
class Redundancy(VoteEstimates):
    """Correlations of votes, clusters of principles, and the unique effect of each.

    Attributes
    ----------
    correlation : DataFrame, K rows and columns
        Of the votes; NaN where a principle never takes a side.
    """

    correlation: pd.DataFrame
    heading = "Redundant principles"
    about = (
        "Principles whose votes mostly agree, or mostly oppose each other, say one thing. Of "
        "each such cluster the strongest stands for it. The unique effect of a principle is "
        "what a joint regression loses without it."
    )

    @property
    def minimal(self) -> list[str]:
        """The representatives of the clusters: a set that says each thing once."""
        return [str(name) for name in self.estimates.loc[self.estimates["representative"], "term"]]

    def to_frame(self) -> pd.DataFrame:
        """Return one row a principle.

        The tidy columns are of its weight in the joint regression of all principles, in
        logits. ``cluster``, numbered from the strongest on; ``representative``; ``r``: the
        correlation with the representative, with ``r_low`` and ``r_high``. ``deviance``:
        what the principle explains alone; ``unique``: by how much the joint fit's deviance
        grows without it; ``shared``: the difference. ``log_loss_gain``: by how much the
        held-out log-loss grows without it, with ``_low`` and ``_high``. ``method``,
        ``reason``.
        """
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the effects, correlations and pairs left out."""
        matrix = self.correlation.rename_axis("principle").reset_index()
        return {"estimates": self.estimates, "correlation": matrix, "exclusions": self.exclusions}

    def summary(self) -> str:
        """Return the clusters and joint weights as text."""
        lines = [
            f"{len(self.estimates)} principles in {len(self.minimal)} clusters of correlated "
            f"votes (|r| of at least {self.settings['threshold']:g} on average), "
            f"n = {self.settings['n']:,} pairs, {self._interval} of the joint weight"
        ]
        for number, table in self.estimates.groupby("cluster", sort=True):
            lines.append(f"cluster {number}")
            rows = table.sort_values("representative", ascending=False, kind="stable")
            lines += [_text_row(row) for row in rows.itertuples()]
        return "\n".join([*lines, f"method: {_METHOD}; q: Benjamini-Hochberg"])

    def plot(self) -> go.Figure:
        """Return a heatmap of the correlations, principles of one cluster side by side."""
        from workbench.plots.heatmap import heatmap

        order = self.estimates.sort_values(
            ["cluster", "representative"], ascending=[True, False], kind="stable"
        )["term"]
        matrix = self.correlation.loc[order, order]
        return heatmap(matrix, title="Correlation of votes", scale_title="r")


@on_one_thread
def redundancy(
    data: PreferenceData,
    votes: Votes,
    annotator: str | Iterable[str] | None = None,
    *,
    rule: Rule = "majority",
    threshold: float = 0.5,
    folds: int = 5,
    level: float = 0.95,
    seed: int = 0,
    pair_ids: Iterable[str] | None = None,
) -> Redundancy:
    r"""Cluster principles by their votes, and tell shared from unique effects.

    .. math:: r_{jk} = \frac{\sum_i v_{ij} v_{ik}}{\sqrt{\sum_i v_{ij}^2 \sum_i v_{ik}^2}}

    with votes +1 for A, -1 for B and 0 else. Nothing is centred, so that it does not matter
    which response is called A.

    Parameters
    ----------
    data : PreferenceData
    votes : Votes
    annotator : str or iterable of str, optional
    rule : {"majority", "unanimous"}
    threshold : float
        Mean absolute correlation down to which clusters are joined (average linkage).
    folds : int
        Folds by cluster of the held-out log-loss; 0 leaves it out.
    level : float
    seed : int
        Seed of the folds.
    pair_ids : iterable of str, optional
        Held-out pairs.

    Returns
    -------
    Redundancy

    Raises
    ------
    DesignError
        No usable pair, or an option out of range.
    DataError
        Fewer clusters than folds.

    Notes
    -----
    An invalid vote, or none, counts as no side in the joint regression. Its representative
    is the principle of a cluster with the largest absolute strength. The held-out log-loss
    is of ridge fits (penalty 1), which exist where the plain joint fit does not.

    Examples
    --------
    >>> import workbench as wb
    >>> from workbench.principles.principle import Principle
    >>> data = wb.load("sample").filter(kinds=["human"])
    >>> longer = data.pairs["response_a"].str.len() > data.pairs["response_b"].str.len()
    >>> one = np.where(longer, 1, -1).astype(np.int8)
    >>> codes = np.stack([one, -one], axis=1)[:, :, None]
    >>> both = (Principle("Be long"), Principle("Be short"))
    >>> votes = Votes(data.pairs["pair_id"].to_numpy(), both, codes)
    >>> found = redundancy(data, votes, folds=0)
    >>> found.minimal, found.correlation.loc["Be long", "Be short"].item()
    (['Be long'], -1.0)
    """
    check_options(level)
    refuse_out_of_range(
        {
            "threshold": (0 < threshold <= 1, threshold, "above 0, at most 1"),
            "folds": (folds == 0 or folds >= 2, folds, "0, or at least 2"),
        }
    )
    found = reference(data, votes, annotator, pair_ids)
    codes = merged_for(votes, found, rule)
    x = sides(codes)
    names = [one.text for one in votes.principles]
    r = vote_correlation(x)
    counts = Counts.of(codes, found.sign, found.cluster, found.n_clusters).sums
    strength = (counts[0] - counts[1]) / np.maximum(counts[2], 1.0)
    number, chosen = _clusters(r, strength, names, threshold)
    table = _joint(x, found, names, _twins(r, chosen[number]), level)
    table = table.assign(cluster=number + 1, representative=np.isin(np.arange(len(names)), chosen))
    table[["r", "r_low", "r_high"]] = _with_representative(x, r, found, chosen[number], level)
    gains = np.full((len(names), 3), np.nan)
    if folds:
        clusters = data.pairs["cluster"].iloc[found.pair].to_numpy()
        gains = _held_out(x, found, fold_numbers(clusters, folds, seed), level)
    table[["log_loss_gain", "log_loss_gain_low", "log_loss_gain_high"]] = gains
    settings = {
        "annotator": whose(annotator),
        "rule": rule,
        "threshold": threshold,
        "folds": folds,
        "level": level,
        "seed": seed,
        "held_out": pair_ids is not None,
        "n": len(found),
        "n_clusters": found.n_clusters,
    }
    first = [*TIDY, "cluster", "representative"]
    last = ["method", "reason"]
    table = table[[*first, *(c for c in table if c not in [*first, *last]), *last]]
    provenance = Provenance.capture(seed=seed, dataset=data.digest)
    matrix = pd.DataFrame(r, index=names, columns=names)
    return Redundancy(table, found.exclusions, settings, provenance, matrix)


def vote_correlation(x: Array) -> Array:
    """Return the correlations of votes about 0, shape (K, K); NaN without any vote.

    Parameters
    ----------
    x : ndarray, shape (n, K)
        +1, -1 or 0.

    Examples
    --------
    >>> vote_correlation(np.array([[1.0, 1], [1, -1], [-1, -1], [1, 1]]))
    array([[1. , 0.5],
           [0.5, 1. ]])
    """
    products = x.T @ x
    size = np.sqrt(np.diag(products))
    scale = np.outer(size, size)
    r = np.divide(products, scale, out=np.full(products.shape, np.nan), where=scale > 0)
    return np.asarray(np.clip(r, -1.0, 1.0))


def _clusters(
    r: Array, strength: Array, names: list[str], threshold: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each principle's cluster, the strongest first, and each cluster's representative."""
    # linkage joins equal distances in the order of the rows: that of the texts, so that the
    # order of the principles does not matter
    order = np.array(sorted(range(len(names)), key=names.__getitem__))
    found = np.zeros(len(names), dtype=np.int64)
    if len(names) > 1:
        from scipy.cluster.hierarchy import fcluster, linkage

        distance = 1 - np.abs(np.nan_to_num(r[np.ix_(order, order)]))
        upper = np.clip(distance[np.triu_indices(len(names), 1)], 0, None)
        tree = linkage(upper, "average")
        found[order] = fcluster(tree, 1 - threshold + 1e-12, "distance")
    best: dict[int, int] = {}
    for k in sorted(range(len(names)), key=lambda k: (-abs(strength[k]), names[k])):
        best.setdefault(int(found[k]), k)
    place = {cluster: j for j, cluster in enumerate(best)}
    return np.array([place[int(c)] for c in found]), np.array(list(best.values()))


def _twins(r: Array, representative: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the principle whose votes each repeats exactly, or exactly reverses; -1 for none.

    Of such principles the representative stays, else the first.
    """
    same = np.abs(np.nan_to_num(r)) > 1 - 1e-9
    np.fill_diagonal(same, False)
    twin = np.full(len(r), -1)
    for k in range(len(r)):
        others = np.flatnonzero(same[k])
        if len(others) and k != representative[k]:
            first = representative[k] if same[k, representative[k]] else others.min()
            twin[k] = first if first == representative[k] or first < k else -1
    return twin


def _with_representative(
    x: Array, r: Array, found: Reference, other: NDArray[np.int64], level: float
) -> Array:
    """Return the correlation with the representative and its interval (Fisher's z)."""
    rows = []
    for k, j in enumerate(other):
        value = r[k, j]
        if k == j or not np.isfinite(value) or abs(value) > 1 - 1e-12:
            rows.append((value, np.nan, np.nan))
            continue
        u, v = x[:, k], x[:, j]
        scale = np.sqrt((u @ u) * (v @ v))
        influence = u * v / scale - value / 2 * (u * u / (u @ u) + v * v / (v @ v))
        error = cluster_error(influence, found.cluster) / (1 - value**2)
        rows.append((value, *np.tanh(normal_interval(np.arctanh(value), error, level))))
    return np.array(rows)


def _joint(
    x: Array, found: Reference, names: list[str], twin: NDArray[np.int64], level: float
) -> pd.DataFrame:
    n, K = x.shape
    everywhere = np.ones((n, 1), dtype=bool)
    takes = np.any(x, axis=0)
    votes = takes & (twin < 0)
    whole = fit_models(x, found, votes[None], everywhere)
    without = fit_models(x, found, votes & ~np.eye(K, dtype=bool), np.repeat(everywhere, K, 1))
    alone = fit_models(x, found, np.eye(K, dtype=bool), np.repeat(everywhere, K, 1))
    nothing = n * np.log(0.5)
    rest = without.log_likelihood
    unique = np.where(votes, 2 * (whole.log_likelihood[0] - rest), np.nan)
    # nothing is lost with one of two principles that vote alike
    unique[(twin >= 0) | np.isin(np.arange(K), twin)] = 0.0
    deviance = 2 * (alone.log_likelihood - nothing)
    reasons = [
        f"it votes exactly as, or against, {names[twin[k]]!r}"
        if twin[k] >= 0
        else (whole.reasons[0] if takes[k] else _NEVER)
        for k in range(K)
    ]
    return pd.DataFrame(
        {
            **tidy_columns(names, whole.coef[0], whole.errors[0], n, level),
            "deviance": deviance,
            "unique": unique,
            "shared": deviance - unique,
            "method": _METHOD,
            "reason": pd.Series(reasons, dtype="str"),
        }
    )


def _held_out(x: Array, found: Reference, fold: NDArray[np.int64], level: float) -> Array:
    """Return by how much the held-out log-loss grows without each principle, with interval."""
    K = x.shape[1]
    growth = np.zeros(x.shape)
    for f in np.unique(fold):
        inside = fold == f
        start = ridge_logit(x[~inside], found.sign[~inside], _RIDGE)
        whole = _loss(x[inside], found.sign[inside], start)
        for k in range(K):
            rest = np.arange(K) != k
            less = ridge_logit(x[~inside][:, rest], found.sign[~inside], _RIDGE)
            growth[inside, k] = _loss(x[inside][:, rest], found.sign[inside], less) - whole
    rows = []
    for k in range(K):
        mean, error = mean_and_error(growth[:, k], np.ones(len(x)), found.cluster)
        rows.append((mean, *normal_interval(mean, error, level)))
    return np.array(rows)


def _loss(x: Array, sign: Array, weights: Array) -> Array:
    return np.asarray(-np.log(np.clip(expit(sign * (x @ weights)), 1e-12, 1.0)))


def _text_row(row: Any) -> str:
    mark = "* " if row.representative else "  "
    if not np.isfinite(row.estimate):
        return f"  {mark}{row.term}: joint weight undefined: {row.reason}"
    return (
        f"  {mark}{row.estimate:+.3f} [{row.conf_low:+.3f}, {row.conf_high:+.3f}], "
        f"q = {row.q_value:.3g}, r = {row.r:+.2f}, deviance {row.deviance:.1f}, "
        f"unique {row.unique:.1f}: {row.term}"
    )
