"""What a comparison of annotators' weights found: similarities, neighbours, clusters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.decompose.kernel import Array
from workbench.errors import DesignError
from workbench.provenance import Provenance
from workbench.results import Result

if TYPE_CHECKING:
    import plotly.graph_objects as go

NO_DRAWS = "no interval: the weights come without draws"

NO_WIDTH = "no interval: undefined, or the same in every replicate"

_MOST_PAIRS = 15
"""Pairs that a summary names before it keeps to the extremes."""

_SIDES = {
    "annotator": "other",
    "other": "annotator",
    "reliability": "other_reliability",
    "other_reliability": "reliability",
}


@dataclass(frozen=True, eq=False)
class Similarity(Result):
    """Correlations between the weight vectors of annotators.

    Attributes
    ----------
    table : DataFrame
        One row a pair of annotators; see :meth:`to_frame`.
    annotators : list of str
        Sorted.
    replicates : ndarray, shape (S, P), or None
        Each pair's similarity in every replicate, in the order of ``table``.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "Similarity of annotators"
    about: ClassVar[str] = (
        "Correlation of two annotators' weights over the factors, averaged over scenarios. Noise "
        "in the weights makes it smaller than it is; the corrected value (disattenuated) is what "
        "it would be without. A corrected value of 1 may be above 1 by chance."
    )
    table: pd.DataFrame
    annotators: list[str]
    replicates: Array | None = field(repr=False)
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return one row a pair of annotators.

        Columns ``annotator, other``, the tidy columns (``term`` names the pair; ``n``: labels
        behind both, 0 where unknown), ``disattenuated`` with ``_low`` and ``_high``,
        ``reliability, other_reliability``, ``n_terms`` (the fewest shared in a scenario),
        ``n_scenarios`` (in which both have weights), ``method`` and ``reason``.
        """
        return self.table

    def matrix(self, column: str = "estimate") -> pd.DataFrame:
        """Return a column of the table as a symmetric matrix, annotators sorted.

        The diagonal is 1 for a similarity or an end of its interval.
        """
        if column not in self.table or not pd.api.types.is_float_dtype(self.table[column].dtype):
            raise DesignError(
                f"There is no similarity named {column!r}.",
                found=", ".join(self.table.columns),
                expected="estimate, disattenuated, or an end of an interval",
                fix="Pass one of these.",
            )
        values = np.eye(len(self.annotators))
        i, j = np.triu_indices(len(self.annotators), 1)
        values[i, j] = values[j, i] = self.table[column].to_numpy("float64")
        return pd.DataFrame(values, self.annotators, self.annotators)

    def neighbours(self, annotator: str) -> pd.DataFrame:
        """Return one annotator's rows, the most similar first.

        Columns as :meth:`to_frame`, with ``annotator`` the one that was asked for.
        """
        _known([annotator], self.annotators)
        turned = self.table.rename(columns=_SIDES)
        both = pd.concat([self.table, turned[self.table.columns]], ignore_index=True)
        own = both[both["annotator"] == annotator]
        return own.sort_values("estimate", ascending=False, kind="stable").reset_index(drop=True)

    def linkage(self) -> tuple[list[str], Array]:
        """Return the annotators that can be clustered, and their average-linkage tree.

        Distance is 1 - similarity; leaves are ordered so that neighbours are alike
        (Bar-Joseph et al. 2001). The tree has scipy's format. Annotators without a similarity
        to some of the others are left out, those with the most gaps first.

        Raises
        ------
        DesignError
            Fewer than two annotators can be compared with each other.
        """
        from scipy.cluster.hierarchy import linkage

        matrix = self.matrix()
        while (gaps := matrix.isna().sum()).any():
            worst = gaps.idxmax()
            matrix = matrix.drop(index=worst, columns=worst)
        if len(matrix) < 2:
            raise DesignError(
                "Fewer than two annotators can be clustered.",
                found="no similarity that is defined",
                expected="at least two annotators with a similarity",
                fix="See the reasons in to_frame().",
            )
        distance = 1 - matrix.to_numpy()[np.triu_indices(len(matrix), 1)]
        tree = linkage(np.maximum(distance, 0.0), "average", optimal_ordering=True)
        return matrix.index.tolist(), np.asarray(tree, dtype="float64")

    @property
    def order(self) -> list[str]:
        """Annotators in the order of the dendrogram; those that have no place in it come last."""
        from scipy.cluster.hierarchy import leaves_list

        names, tree = self.linkage()
        placed = [names[k] for k in leaves_list(tree)]
        return placed + [name for name in self.annotators if name not in names]

    def clusters(self, k: int | None = None, *, distance: float | None = None) -> pd.Series:
        """Return the cluster of each annotator, from 1 on in the order of the dendrogram.

        Parameters
        ----------
        k : int, optional
            How many clusters, at most.
        distance : float, optional
            Or the distance (1 - mean similarity) at which to cut the tree.

        Returns
        -------
        Series of Int64
            By annotator, in the order of the dendrogram; missing where it has no place there.

        Raises
        ------
        DesignError
            Not exactly one of both is given, or it is out of range.
        """
        from scipy.cluster.hierarchy import fcluster

        if (k is None) == (distance is None) or (k is not None and k < 1):
            raise DesignError(
                "Say how to cut the tree.",
                found=f"k = {k}, distance = {distance}",
                expected="either k, at least 1, or distance",
                fix="Pass one of them, such as clusters(3).",
            )
        names, tree = self.linkage()
        if k is not None:
            found = fcluster(tree, k, "maxclust")
        else:
            found = fcluster(tree, distance, "distance")
        by_name = pd.Series(found, names).reindex(self.order)
        number = {c: at for at, c in enumerate(dict.fromkeys(by_name.dropna()), 1)}
        return by_name.map(number).astype("Int64").rename("cluster")

    def between(self, groups: Mapping[str, Sequence[str]]) -> pd.DataFrame:
        """Return the mean similarity within each group of annotators, and across any two.

        Parameters
        ----------
        groups : mapping of str to sequence of str
            Annotators of each group; groups may overlap, an annotator is never compared with
            itself.

        Returns
        -------
        DataFrame
            ``group, other, estimate, conf_low, conf_high, n_pairs, method, reason``: the mean
            over the ``n_pairs`` pairs that are defined.
        """
        for members in groups.values():
            _known(members, self.annotators)
        place = {name: k for k, name in enumerate(self.annotators)}
        i, j = np.triu_indices(len(self.annotators), 1)
        inside = {
            name: np.isin(np.arange(len(place)), [place[m] for m in members])
            for name, members in groups.items()
        }
        rows = []
        names = list(groups)
        for k, first in enumerate(names):
            for second in names[k:]:
                a, b = inside[first], inside[second]
                chosen = (a[i] & b[j]) | (b[i] & a[j])
                rows.append({"group": first, "other": second, **self._mean(chosen)})
        return pd.DataFrame(rows).astype({"reason": "str"})

    def _mean(self, chosen: NDArray[np.bool_]) -> dict[str, Any]:
        values = self.table["estimate"].to_numpy("float64")
        chosen = chosen & np.isfinite(values)
        low = high = np.nan
        reason = None if chosen.any() else "no pair of annotators with a similarity"
        if self.replicates is not None and chosen.any():
            means = self.replicates[:, chosen].mean(axis=1)
            middle = np.array([values[chosen].mean()])
            low, high = interval(means[:, None], middle, self.settings["level"])[:, 0]
            if np.isnan(low):
                reason = NO_WIDTH
        elif chosen.any():
            reason = NO_DRAWS
        return {
            "estimate": values[chosen].mean() if chosen.any() else np.nan,
            "conf_low": low,
            "conf_high": high,
            "n_pairs": int(chosen.sum()),
            "method": self.table["method"].iloc[0],
            "reason": reason,
        }

    def summary(self) -> str:
        """Return the similarities as text: all of them, or the highest and the lowest."""
        level = f"{100 * self.settings['level']:g}% interval"
        level = level if self.table["conf_low"].notna().any() else "no intervals"
        many = len(self.settings["scenarios"])
        lines = [
            f"Similarity of {len(self.annotators)} annotators over {many} "
            f"scenario{'s' * (many > 1)} and {len(self.settings['terms'])} terms ({level})"
        ]
        table = self.table.sort_values("estimate", ascending=False, kind="stable")
        shown = table
        if len(table) > _MOST_PAIRS:
            known = table[table["estimate"].notna()]
            shown = (
                known if len(known) <= _MOST_PAIRS else pd.concat([known.head(7), known.tail(7)])
            )
        if len(table) > _MOST_PAIRS:
            some = "; the highest and the lowest:" * (len(known) > _MOST_PAIRS)
            lines.append(f"  {_mean_text(table)}{some}")
        lines += [_text_row(row) for row in shown.itertuples()]
        left = self.settings["scenarios_left_out"]
        lines += [f"left out, as they overlap the scenarios: {', '.join(left)}"] if left else []
        reasons = table.loc[table["estimate"].notna(), "reason"].value_counts(sort=False)
        lines += [
            f"{count} pair{'s' * (count != 1)}: {reason}" for reason, count in reasons.items()
        ]
        return "\n".join([*lines, f"method: {table['method'].iloc[0]}"])

    def plot(self) -> go.Figure:
        """Return a heatmap in the order of the dendrogram, which stands beside it."""
        from workbench.plots.heatmap import heatmap

        names, tree = self.linkage()
        return heatmap(
            self.matrix().loc[self.order, self.order],
            self.matrix("conf_low"),
            self.matrix("conf_high"),
            tree=(names, tree),
            title=f"Similarity of weights ({self.settings['method'].capitalize()})",
        )


def interval(replicates: Array, estimate: Array, level: float) -> Array:
    """Return intervals of correlations, shape (2, P): NaN where they have no width.

    Percentiles; where the replicates do not centre on the estimate (weights that are mostly
    noise are shrunk before they are drawn around) they reach as far beyond it, on Fisher's
    scale, as they reach beyond their median: an estimate at the end of its interval would say
    that it can only be wrong to one side.

    Parameters
    ----------
    replicates : ndarray, shape (S, P)
    estimate : ndarray, shape (P,)
        Within [-1, 1].
    level : float

    Examples
    --------
    >>> found = interval(np.linspace(-0.5, 0.5, 101)[:, None], np.array([0.6]), 0.9)
    >>> found.ravel().round(2).tolist()
    [-0.45, 0.83]
    """
    ends = np.clip(percentiles(replicates, level), -1.0, 1.0)
    known = np.isfinite(ends[0]) & np.isfinite(estimate)
    middle = np.full(len(estimate), np.nan)
    middle[known] = np.nanmedian(np.clip(replicates[:, known], -1.0, 1.0), axis=0)
    # an estimate of 1 or -1 has the end of the range beside it, whatever the replicates
    inside = np.abs(estimate) < 1.0
    moved = np.tanh(_fisher(ends) + np.where(inside, _fisher(estimate) - _fisher(middle), 0.0))
    low = np.minimum(np.minimum(ends[0], moved[0]), estimate)
    high = np.maximum(np.maximum(ends[1], moved[1]), estimate)
    return np.where(high - low > 1e-9, np.stack([low, high]), np.nan)


def _fisher(r: Array) -> Array:
    most = 1.0 - 1e-9
    return np.asarray(np.arctanh(np.clip(r, -most, most)))


def percentiles(replicates: Array, level: float) -> Array:
    """Return the percentile interval of each column: shape (2, P).

    NaN where more replicates are undefined than the interval leaves out on one side.

    Examples
    --------
    >>> percentiles(np.linspace(0, 1, 101)[:, None], 0.9).round(2).tolist()
    [[0.05], [0.95]]
    """
    tail = (1 - level) / 2
    undefined = np.isnan(replicates)
    usable = undefined.mean(axis=0) <= tail
    ends = np.full((2, replicates.shape[1]), np.nan)
    ends[:, usable] = np.nanquantile(replicates[:, usable], [tail, 1 - tail], axis=0)
    return ends


def _known(names: Iterable[str], annotators: Sequence[str]) -> None:
    unknown = sorted(set(names) - set(annotators))
    if unknown:
        raise DesignError(
            f"There is no annotator {unknown[0]!r} among those compared.",
            found=", ".join(annotators),
            expected="some of these",
            fix="Check the spelling.",
        )


def _mean_text(table: pd.DataFrame) -> str:
    """Return the mean of the similarities that are defined, and over which pairs it is."""
    known = table["estimate"].dropna()
    lost = table.loc[table["estimate"].isna(), "reason"]
    if known.empty:
        return f"mean of {len(table)} pairs undefined: {lost.iloc[0]}"
    if lost.empty:
        return f"mean of {len(table)} pairs {known.mean():.3f}"
    return (
        f"mean {known.mean():.3f} of the {len(known)} of {len(table)} pairs that are defined "
        f"(the others: {'; '.join(lost.unique())})"
    )


def _text_row(row: Any) -> str:
    name = f"  {row.annotator} ~ {row.other}"
    if not np.isfinite(row.estimate):
        return f"{name:<44} undefined: {row.reason}"
    text = f"{name:<44} {row.estimate:+.3f}"
    if np.isfinite(row.conf_low):
        text += f" [{row.conf_low:+.3f}, {row.conf_high:+.3f}]"
    if np.isfinite(row.disattenuated):
        text += f"  corrected {row.disattenuated:+.3f}"
        if np.isfinite(row.disattenuated_low):
            text += f" [{row.disattenuated_low:+.3f}, {row.disattenuated_high:+.3f}]"
    return text
