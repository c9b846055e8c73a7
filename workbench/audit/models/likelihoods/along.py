"""Where in the response a margin arises: by place, in the first tokens, in few or in many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from workbench.audit.measures import COLUMNS, Measures, share_row
from workbench.clustered import Array, Codes, cluster_error, count_clusters, mean_difference
from workbench.errors import DataError, level_option, refuse_out_of_range, whole

TENTHS = 10
FIRST = 5
TOKENS = ("chosen_tokens", "rejected_tokens")

MARGIN, HALF, GINI = "margin", "share of the tokens that carries half", "Gini of the tokens"
_MEAN = "mean over pairs, cluster-robust t interval"
_SHARES = "ratio of means, cluster-robust t interval"
_NO_SHARE = "the margin is not clearly away from 0"


@dataclass(frozen=True, eq=False)
class Along(Measures):
    """Where in the response the margin arises; nats, with ``share`` of the whole.

    Attributes
    ----------
    pairs : DataFrame
        ``pair_id, cluster, margin, n_tokens, first`` (of the margin, in the first tokens),
        ``half`` and ``gini``, a row a pair.
    """

    columns: ClassVar[tuple[str, ...]] = (
        *COLUMNS, "share", "share_low", "share_high", "share_reason",
    )  # fmt: skip
    heading: ClassVar[str] = "Where in the response the margin arises"
    about: ClassVar[str] = (
        "The margin is a sum over tokens: what each adds for the chosen response, less what each "
        "adds for the rejected one. A margin that few tokens carry, or the first ones, is no "
        "reading of the whole response."
    )

    pairs: pd.DataFrame = field(default_factory=pd.DataFrame)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the measures, and a row a pair."""
        return {"estimates": self.estimates, "pairs": self.pairs}

    def _numbers(self, row: Mapping[Any, Any]) -> str:
        told = super()._numbers(row)
        if pd.isna(row["share"]):
            return told
        ends = f" [{row['share_low']:.0%}, {row['share_high']:.0%}]"
        return f"{row['share']:.0%}{ends} of the margin, {told}"

    def _plotted(self) -> pd.DataFrame:
        return self.estimates[self.estimates["term"].str.startswith("tenth ")]


def along(
    scores: pd.DataFrame,
    reference: pd.DataFrame | None = None,
    *,
    first: int = FIRST,
    level: float = 0.95,
) -> Along:
    r"""Say where in the responses the margin of a model arises.

    .. math:: m = \sum_t d^+_t - \sum_t d^-_t,\qquad
              d_t = \log \pi(y_t | x, y_{<t}) - \log \pi_{ref}(y_t | x, y_{<t})

    Parameters
    ----------
    scores : DataFrame
        ``pair_id, cluster, chosen_tokens, rejected_tokens``: log-probabilities of each token
        (:func:`workbench.scoring.logprob.score_pairs` with ``per_token``).
    reference : DataFrame, optional
        The same of the reference; the margin is that of the bare likelihoods without.
    first : int
        How many tokens are the first ones.
    level : float

    Returns
    -------
    Along
        ``margin``; ``tenth 1`` to ``tenth 10`` of each response, in nats with their ``share`` of
        the margin; ``first N tokens`` and ``the rest``; the mean of a token among the first
        less that among the rest; how few of a pair's tokens carry half of the sum of
        :math:`|d_t|`, and their Gini coefficient (0: all alike).

    Raises
    ------
    DataError
        No log-probabilities of tokens, or not as many of both models.
    DesignError
        An option out of range.

    Notes
    -----
    A token that lies in two tenths counts to each by its part. Shares are ratios of means over
    pairs, told where the margin's own interval excludes 0; those of opposite sign may go
    beyond 100 %.

    Examples
    --------
    >>> rows = {"pair_id": ["p", "q"], "cluster": ["1", "2"],
    ...         "chosen_tokens": [[-1.0, -3.0], [-1.5, -3.0]],
    ...         "rejected_tokens": [[-2.0, -3.0], [-2.0, -3.0]]}
    >>> found = along(pd.DataFrame(rows), first=1).to_frame().set_index("term")
    >>> found.loc[["margin", "first 1 tokens", "the rest"], "estimate"].tolist()
    [0.75, 0.75, 0.0]
    """
    refuse_out_of_range(
        {"first": (whole(first, 1), first, "1 or more"), "level": level_option(level)}
    )
    sides = [_gained(scores, reference, name) for name in TOKENS]
    cluster = pd.factorize(scores["cluster"], sort=True)[0].astype(np.int64)
    tenths = np.array([by_tenth(one) - by_tenth(two) for one, two in zip(*sides, strict=True)])
    margin = tenths.sum(axis=1)
    ahead = np.array([one[:first].sum() - two[:first].sum()
                      for one, two in zip(*sides, strict=True)])  # fmt: skip
    sizes = [np.abs(np.concatenate([one, two])) for one, two in zip(*sides, strict=True)]
    half, gini = (np.array([of(one) for one in sizes]) for of in (carries_half, unevenness))
    rows: list[dict[str, Any]] = [
        {"term": MARGIN, "method": _MEAN, **mean_difference(margin, cluster, level)}
    ]
    whole_margin = rows[0]
    parts = {f"tenth {k + 1}": tenths[:, k] for k in range(TENTHS)}
    parts |= {f"first {first} tokens": ahead, "the rest": margin - ahead}
    for term, values in parts.items():
        row = {"term": term, "method": _MEAN, **mean_difference(values, cluster, level)}
        rows.append(row | _share(values, margin, cluster, whole_margin, level))
    rows += _among(sides, cluster, first, level)
    rows += _concentration(half, gini, cluster, level)
    by = "" if reference is None else " less that under the reference"
    flat = int((~np.isfinite(half)).sum())
    settings = {
        "what": f"Margin by place in the response: log-probability under the model{by}, nats",
        "level": level, "first": first,
        "notes": [f"{flat:,} pairs whose tokens are all 0 carry nothing"] if flat else [],
    }  # fmt: skip
    found = Along.from_rows(rows, settings)
    table = pd.DataFrame({
        "pair_id": scores["pair_id"].to_numpy(), "cluster": scores["cluster"].to_numpy(),
        "margin": margin, "n_tokens": [len(one) for one in sizes], "first": ahead, "half": half,
        "gini": gini,
    })  # fmt: skip
    return replace(found, pairs=table)


def by_tenth(values: Array) -> Array:
    """Return the sums of values over each tenth of their number, shape (10,).

    Examples
    --------
    >>> by_tenth(np.array([8.0, 0.0])).round(3).tolist()
    [1.6, 1.6, 1.6, 1.6, 1.6, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    n = len(values)
    edges = np.linspace(0, n, TENTHS + 1)
    return np.diff(np.interp(edges, np.arange(n + 1), np.concatenate([[0.0], np.cumsum(values)])))


def carries_half(sizes: Array) -> float:
    """Return the least share of values that makes half of their sum; NaN where that is 0.

    Examples
    --------
    >>> carries_half(np.array([8.0, 1.0, 1.0, 1.0])), carries_half(np.ones(4))
    (0.25, 0.5)
    """
    total = np.cumsum(np.sort(sizes)[::-1])
    if not len(total) or not total[-1] > 0:
        return float("nan")
    # rounding must not ask for one token more
    return float((np.argmax(total >= total[-1] / 2 * (1 - 1e-12)) + 1) / len(total))


def unevenness(sizes: Array) -> float:
    """Return the Gini coefficient of values at or above 0; NaN where all are 0.

    Examples
    --------
    >>> unevenness(np.array([0.0, 0.0, 0.0, 1.0])), unevenness(np.ones(3))
    (0.75, 0.0)
    """
    n, total = len(sizes), float(sizes.sum())
    if not total > 0:
        return float("nan")
    rank = np.arange(1, n + 1)
    return max(float(2 * (rank @ np.sort(sizes)) / (n * total) - (n + 1) / n), 0.0)


def _gained(scores: pd.DataFrame, reference: pd.DataFrame | None, name: str) -> list[Array]:
    own = _tokens(scores, name)
    if reference is None:
        return own
    theirs = dict(zip(reference["pair_id"], _tokens(reference, name), strict=True))
    found = []
    for pair, one in zip(scores["pair_id"], own, strict=True):
        other = theirs.get(pair)
        if other is None or len(other) != len(one):
            raise _lacking(f"pair {pair}: {len(one)} tokens and "
                           f"{'none' if other is None else len(other)}")  # fmt: skip
        found.append(one - other)
    return found


def _tokens(scores: pd.DataFrame, name: str) -> list[Array]:
    if name not in scores or not len(scores):
        raise _lacking(f"{len(scores):,} pairs, {'no ' * (name not in scores)}column {name}")
    found = [np.asarray(one, dtype=np.float64) for one in scores[name]]
    if any(one.ndim != 1 or not len(one) or not np.isfinite(one).all() for one in found):
        raise _lacking(f"a value of {name} that is no list of finite numbers")
    return found


def _lacking(found: str) -> DataError:
    return DataError(
        "The log-probabilities of the tokens are not known.",
        found=found,
        expected="those of both responses of each pair, as many under both models",
        fix="Score the pairs again with those of every token (per_token=True).",
    )


def _share(
    values: Array, margin: Array, cluster: Codes, told: Mapping[str, Any], level: float
) -> dict[str, Any]:
    """Return the part of the margin, with its interval, or why there is none."""
    if not told["conf_low"] * told["conf_high"] > 0:
        return {"share_reason": _NO_SHARE}
    total = float(margin.sum())
    ratio = float(values.sum()) / total
    error = cluster_error((values - ratio * margin) / total, cluster)
    half = float(stdtrit(max(count_clusters(cluster) - 1, 1), 0.5 + level / 2)) * error
    return {"share": ratio, "share_low": ratio - half, "share_high": ratio + half}


def _among(
    sides: Sequence[Sequence[Array]], cluster: Codes, first: int, level: float
) -> Iterator[dict[str, Any]]:
    """Yield how much more a token among the first adds than one of the rest."""
    term = "a token of the first less one of the rest"
    longer = np.array([min(len(one), len(two)) > first for one, two in zip(*sides, strict=True)])
    if not longer.any():
        why = f"no pair whose responses both have more than {first} tokens"
        yield {"term": term, "estimate": np.nan, "n": 0.0, "reason": why, "method": _MEAN}
        return
    values = [
        (one[:first].mean() - two[:first].mean()) - (one[first:].mean() - two[first:].mean())
        for one, two, use in zip(*sides, longer, strict=True)
        if use
    ]
    yield {"term": term, "method": _MEAN,
           **mean_difference(np.array(values), cluster[longer], level)}  # fmt: skip


def _concentration(
    half: Array, gini: Array, cluster: Codes, level: float
) -> Iterator[dict[str, Any]]:
    for term, values in ((HALF, half), (GINI, gini)):
        known = np.isfinite(values)
        yield share_row(term, values[known], cluster[known], level, "all tokens are 0")
