"""Adaptive voting: go on asking about a principle only while its fate is open."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import beta, binom, hypergeom

from workbench.data.dataset import PreferenceData
from workbench.errors import refuse_out_of_range
from workbench.principles.measure.kernel import (
    Array,
    Reference,
    merged_for,
    reference,
    sides,
)  # fmt: skip
from workbench.principles.principle import Principle
from workbench.principles.select import Rules
from workbench.principles.vote.votes import Rule, Vote, Votes, joined
from workbench.provenance import Provenance
from workbench.results import Result

if TYPE_CHECKING:
    import plotly.graph_objects as go

Voting = Callable[[Sequence[Principle], Sequence[str]], Votes]
"""From principles and pairs to their votes."""

_TESTS = 3
"""Ways of closing a candidate that share the risk: losing, irrelevant, outranked."""

_METHOD = "exact bounds on the votes of all pairs, Bonferroni over candidates, looks and rules"


@dataclass(frozen=True, eq=False)
class Screening(Result):
    """Which candidates were given up early, why, and what that saved.

    Attributes
    ----------
    estimates : DataFrame
        One row a candidate; see :meth:`to_frame`.
    looks : DataFrame
        One row a look: ``look, pairs, candidates`` (asked about in it), ``closed, votes,
        calls`` and, for voting on everything, ``full_votes, full_calls``.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "Adaptive voting"
    about: ClassVar[str] = (
        "Candidates whose fate was settled on some of the pairs were not asked about on the others."
    )

    estimates: pd.DataFrame
    looks: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return one row a candidate.

        The tidy columns are of the strength on the n pairs that were asked about; the
        interval is the bound by which candidates were closed, simultaneous over all looks,
        so there is no p-value. ``look`` (that closed it; NaN where open), ``decision, for,
        against, method``.
        """
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the candidates and the looks."""
        return {"screening": self.estimates, "looks": self.looks}

    def summary(self) -> str:
        """Return what was closed and saved, as text."""
        total = self.looks[["votes", "full_votes", "calls", "full_calls"]].sum()
        closed = int(self.estimates["look"].notna().sum())
        lines = [
            f"Adaptive voting on {self.settings['n']:,} pairs: {closed} of {len(self.estimates)} "
            f"candidates closed early; votes {total['votes']:,} of {total['full_votes']:,} "
            f"({_saved(total['votes'], total['full_votes'])} saved), calls {total['calls']:,} of "
            f"{total['full_calls']:,} ({_saved(total['calls'], total['full_calls'])} saved)"
        ]
        for reason, count in self.estimates["decision"].value_counts().sort_index().items():
            lines.append(f"  {count} {reason}")
        return "\n".join(
            [
                *lines,
                f"method: {_METHOD}; a closing is wrong with chance {self.settings['risk']:g} "
                "at most, over all of them",
            ]
        )

    def plot(self) -> go.Figure:
        """Return how many candidates were still asked about, over the pairs seen."""
        from workbench.plots.curve import curve

        table = pd.DataFrame(
            {"pairs": self.looks["pairs"].cumsum(), "estimate": self.looks["candidates"]}
        )
        return curve(table, x="pairs", x_title="pairs voted on", y_title="candidates asked about")


def screen(
    data: PreferenceData,
    candidates: Sequence[Principle],
    voting: Voting,
    annotator: str | Iterable[str] | None = None,
    *,
    pair_ids: Sequence[str],
    rules: Rules,
    n: int,
    rule: Rule = "majority",
    per_call: int = 40,
    risk: float = 0.05,
    first: int = 64,
    seed: int = 0,
) -> tuple[Votes, Screening]:
    r"""Vote on growing samples of pairs, and close candidates whose fate is settled.

    Parameters
    ----------
    data : PreferenceData
    candidates : sequence of Principle
        Pinned ones are never closed.
    voting : callable
        Returns the votes of some principles on some pairs.
    annotator : str or iterable of str, optional
        Whose preferences.
    pair_ids : sequence of str
        The pairs that the selection will be made on.
    rules : Rules
        Of that selection.
    n : int
        Principles that it will keep, at most.
    rule : {"majority", "unanimous"}
        How repeats are merged.
    per_call : int
        Principles in one question, to count calls.
    risk : float
        Chance that any closing is wrong, at most.
    first : int
        Pairs of the first look; every later look doubles what was seen.
    seed : int
        Of the order of pairs.

    Returns
    -------
    votes : Votes
        On all pairs; NOT_ASKED where a candidate was closed before.
    screening : Screening

    Raises
    ------
    DesignError
        An option out of range, or no pair with a preference.

    Notes
    -----
    The question is what voting on *all* N pairs would say, so a look is a simple random
    sample without replacement from them, and clusters of pairs do no harm. A candidate is
    closed where, at the level risk / (candidates * looks * 3),

    - it loses: with f votes for among r relevant ones, :math:`P(X \le f)` under
      :math:`X \sim \text{Bin}(r, 1/2)`, which bounds the hypergeometric tail of every
      population with a majority for it;
    - it is irrelevant: the hypergeometric tail of the relevant votes seen, were the share
      of relevant pairs the smallest that the rules let pass;
    - it is outranked: the upper bound of its net votes lies below the lower bounds of as
      many candidates that surely pass as the selection looks at. Bounds are
      Clopper-Pearson's, which are wider than those of a finite population.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.load("sample").filter(kinds=["human"])
    >>> ids = data.pairs["pair_id"].tolist()
    >>> longer = (data.pairs["response_a"].str.len() > data.pairs["response_b"].str.len())
    >>> side = dict(zip(ids, np.where(longer, 1, -1), strict=True))
    >>> def voting(principles, pairs):
    ...     one = np.array([[side[p] * (1 if "long" in q.text else -1) for q in principles]
    ...                     for p in pairs], dtype=np.int8)
    ...     return Votes(np.array(pairs), tuple(principles), one[:, :, None])
    >>> both = [Principle("Be long"), Principle("Be short")]
    >>> votes, found = screen(data, both, voting, pair_ids=ids, rules=Rules(), n=1)
    >>> found.to_frame()["decision"].tolist()
    ['open to the end', 'surely loses']
    """
    refuse_out_of_range(
        {
            "risk": (0 < risk < 1, risk, "between 0 and 1"),
            "first": (first >= 1, first, "1 or more"),
            "n": (n >= 1, n, "1 or more"),
        }
    )
    order = _shuffled(pair_ids, seed)
    ends = _looks(len(order), first)
    level = risk / (len(candidates) * len(ends) * _TESTS)
    fate = _Fate(candidates, rules, n, level)
    parts: list[Votes] = []
    rows: list[dict[str, Any]] = []
    found: Reference | None = None
    for look, (start, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True), start=1):
        listed = fate.open
        asked = voting([candidates[k] for k in listed], order[start:end])
        repeats = asked.codes.shape[2]
        parts.append(asked)
        votes = joined(parts, candidates, order)
        # whose preferences they are does not change from look to look
        found = found or reference(data, votes, annotator, order)
        if end < len(order):
            fate.close(look, *_seen(votes, found, order[:end], rule), len(found))
        calls = (end - start) * repeats
        rows.append(
            {
                "look": look,
                "pairs": end - start,
                "candidates": len(listed),
                "closed": len(listed) - len(fate.open),
                "votes": int((asked.codes != Vote.NOT_ASKED).sum()),
                "calls": calls * -(-len(listed) // per_call),
                "full_votes": calls * len(candidates),
                "full_calls": calls * -(-len(candidates) // per_call),
            }
        )
    found = found or reference(data, votes, annotator, order)
    table = fate.table(candidates, *_seen(votes, found, order, rule))
    settings = {"n": len(order), "risk": risk, "first": first, "rule": rule, "seed": seed}
    provenance = Provenance.capture(seed=seed, dataset=data.digest)
    return votes, Screening(table, pd.DataFrame(rows), settings, provenance)


class _Fate:
    """What is known of each candidate's place in the selection."""

    def __init__(self, candidates: Sequence[Principle], rules: Rules, n: int, level: float) -> None:
        self.pinned = np.array([one.pinned for one in candidates])
        self.rules, self.n, self.level = rules, n, level
        self.look = np.full(len(candidates), np.nan)
        self.decision = np.full(len(candidates), "open to the end", dtype=object)

    @property
    def open(self) -> NDArray[np.int64]:
        """Positions of the candidates that are still asked about."""
        return np.flatnonzero(np.isnan(self.look))

    def close(self, look: int, wins: Array, losses: Array, seen: Array, total: int) -> None:
        rules, level = self.rules, self.level
        relevant = wins if rules.relevance == "for" else wins + losses
        least = max(rules.min_relevance, 0.5 if rules.relevant else 0.0)
        needed = int(np.ceil(least * total))
        ways = {
            "surely loses": rules.majority & (binom.cdf(wins, wins + losses, 0.5) <= level),
            "surely irrelevant": hypergeom.cdf(relevant, total, needed, seen) <= level,
            "surely outranked": self._outranked(wins, losses, seen, least),
        }
        for name, mask in ways.items():
            now = mask & np.isnan(self.look) & ~self.pinned
            self.look[now] = look
            self.decision[now] = name

    def table(
        self, candidates: Sequence[Principle], wins: Array, losses: Array, seen: Array
    ) -> pd.DataFrame:
        """Return the strength of each candidate on the pairs it was asked about."""
        low, high = self.bounds(wins, losses, seen)
        strength = np.full(len(seen), np.nan)
        np.divide(wins - losses, seen, where=seen > 0, out=strength)
        return pd.DataFrame(
            {
                "term": [one.text for one in candidates],
                "estimate": strength,
                "std_error": np.nan,
                "conf_low": low,
                "conf_high": high,
                "p_value": np.nan,
                "q_value": np.nan,
                "n": seen,
                "look": self.look,
                "decision": self.decision,
                "for": wins,
                "against": losses,
                "method": _METHOD,
            }
        )

    def bounds(self, wins: Array, losses: Array, seen: Array) -> tuple[Array, Array]:
        """Return bounds of the strength that hold at every look."""
        low = _bound(wins, seen, self.level, False) - _bound(losses, seen, self.level, True)
        high = _bound(wins, seen, self.level, True) - _bound(losses, seen, self.level, False)
        return low, high

    def _outranked(self, wins: Array, losses: Array, seen: Array, least: float) -> NDArray[Any]:
        """Return who lies below as many sure ones as the selection looks at."""
        if self.rules.order != "for_minus_against":
            return np.zeros(len(wins), dtype=bool)
        low, high = self.bounds(wins, losses, seen)
        relevant = wins if self.rules.relevance == "for" else wins + losses
        sure = (low > 0) & (_bound(relevant, seen, self.level, False) >= least)
        sure &= np.isnan(self.look) & ~self.pinned
        places = int(self.rules.spare * self.n)
        best = np.sort(low[sure])[::-1]
        return high < best[places - 1] if len(best) >= places else np.zeros(len(wins), dtype=bool)


def _bound(count: Array, n: Array, level: float, upper: bool) -> Array:
    """Return Clopper-Pearson's one-sided bounds of shares, a quarter of the level each."""
    if upper:
        share = beta.ppf(1 - level / 4, count + 1, n - count)
        return np.asarray(np.where(count >= n, 1.0, share))
    share = beta.ppf(level / 4, count, n - count + 1)
    return np.asarray(np.where(count <= 0, 0.0, share))


def _seen(
    votes: Votes, found: Reference, pair_ids: Sequence[str], rule: Rule
) -> tuple[Array, Array, Array]:
    """Return votes for and against the preference, and pairs asked about, by candidate."""
    found = found.take(np.isin(found.pair_ids, pair_ids))
    codes = merged_for(votes, found, rule)
    net = sides(codes) * found.sign[:, None]
    return (net > 0).sum(axis=0), (net < 0).sum(axis=0), (codes != Vote.NOT_ASKED).sum(axis=0)


def _saved(asked: float, full: float) -> str:
    return f"{1 - asked / full:.0%}" if full else "0%"


def _shuffled(pair_ids: Sequence[str], seed: int) -> list[str]:
    def key(one: str) -> bytes:
        return hashlib.blake2b(f"{seed}\0{one}".encode("utf-8", "replace")).digest()

    return sorted(pair_ids, key=key)


def _looks(n: int, first: int) -> list[int]:
    ends = [min(first, n)]
    while ends[-1] < n:
        ends.append(min(2 * ends[-1], n))
    return ends
