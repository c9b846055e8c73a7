"""Triads within one person and one context: which go round, and what chance would make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.clustered import share
from workbench.decompose.kernel import Array, Codes, logistic
from workbench.ratings.kernel import Likelihood, Rows, Votes, fit
from workbench.structure.transitivity.comparisons import Comparisons
from workbench.structure.transitivity.hodge import triangles
from workbench.structure.transitivity.own_strengths import OwnStrengths, own_strengths

_BLOCK = 4_000_000
"""Outcomes of edges drawn at once."""

COIN, ONE, OWN = "coin", "one Bradley-Terry", "own strengths"
NO_TRIAD = "nobody judged three items against each other in one context"
ALL_TIED = "every triad holds a tie"
_PERSON, _CONTEXT = "person", "context"


@dataclass(frozen=True, eq=False)
class Triads:
    """What each person said of each two items in each context, and the triads of it.

    Attributes
    ----------
    person, context, first, second : ndarray of int, shape (E,)
        Of each cell, ``first < second``.
    sign : ndarray, shape (E,)
        1: the first was preferred, -1: the second, 0: neither, over all labels of the cell.
    of : ndarray of int, shape (T, 3)
        Cells ij, jk and ik of each triad.
    M : int
    unknown : int
        Labels of no single person, or without a context.
    """

    person: Codes
    context: Codes
    first: Codes
    second: Codes
    sign: Array
    of: NDArray[np.int64]
    M: int
    unknown: int

    @property
    def decided(self) -> NDArray[np.bool_]:
        """Triads without a tie."""
        return np.asarray((self.sign[self.of] != 0).all(axis=1))

    @property
    def cyclic(self) -> NDArray[np.bool_]:
        """Triads that go round."""
        return _around(self.sign, self.of)


def _around(sign: Array, of: NDArray[np.int64]) -> NDArray[np.bool_]:
    ij, jk, ik = (sign[of[:, k]] for k in range(3))
    return np.asarray((ij == jk) & (jk == -ik) & (ij != 0))


def triads_of(found: Comparisons) -> Triads:
    """Return the triads of some comparisons; labels of a cell are averaged first."""
    known = (found.person >= 0) & (found.context >= 0)
    M = len(found.edges.items)
    a, b = found.a[known], found.b[known]
    P = len(found.people) or 1
    unit = found.context[known].astype(np.int64) * P + found.person[known]
    key = (unit * M + a) * M + b
    cell, at = np.unique(key, return_inverse=True)
    w = found.weight[known]
    lead = np.bincount(at, w * (2 * found.y[known] - 1), len(cell))
    sign = np.where(np.abs(lead) < 1e-9, 0.0, np.sign(lead))
    own, first, second = cell // (M * M), cell // M % M, cell % M
    of = triangles(own, first, second, M)
    return Triads(own % P, own // P, first, second, sign, of, M, int((~known).sum()))


@dataclass(frozen=True, eq=False)
class Null:
    """What one model of chance gives.

    Attributes
    ----------
    name : str
    draws : ndarray, shape (R,)
        Cyclic shares of the decided triads; empty with a ``reason``.
    about : str
        What it is, in words.
    reason : str or None
    """

    name: str
    draws: Array
    about: str
    reason: str | None = None

    def row(self, observed: float, level: float) -> dict[str, Any]:
        """Return the expected share, where it falls, and the two-sided p-value."""
        empty = {"null": self.name, "about": self.about, "expected": np.nan,
                 "expected_low": np.nan, "expected_high": np.nan, "p_value": np.nan,
                 "null_reason": self.reason}  # fmt: skip
        if self.reason is not None or not np.isfinite(observed):
            return empty
        R = len(self.draws)
        below = (1 + (self.draws <= observed + 1e-12).sum()) / (R + 1)
        above = (1 + (self.draws >= observed - 1e-12).sum()) / (R + 1)
        low, high = np.quantile(self.draws, [(1 - level) / 2, (1 + level) / 2])
        return empty | {"expected": float(self.draws.mean()), "expected_low": float(low),
                        "expected_high": float(high),
                        "p_value": float(min(1.0, 2 * min(below, above)))}  # fmt: skip


def nulls(found: Triads, simulations: int, seed: int) -> list[Null]:
    """Return the three nulls: who was asked what, and the ties, stay as they are."""
    kept = found.decided
    about = (
        "each decision by a fair coin",
        "each decision by one Bradley-Terry model, fitted to all decisions",
    )
    if not kept.any():
        why = ALL_TIED if len(found.of) else NO_TRIAD
        return [Null(name, np.empty(0), "", why) for name in (COIN, ONE, OWN)]
    cells, of = np.unique(found.of[kept], return_inverse=True)
    of = of.reshape(-1, 3)
    streams = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(3)]
    decided = found.sign != 0
    first, second, won = found.first[decided], found.second[decided], found.sign[decided] > 0
    coin = _simulated(np.full((len(cells), 1), 0.5), of, simulations, streams[0])
    made = [Null(COIN, coin, about[0])]
    theta = _one_model(first, second, won, found.M)
    if theta is None:
        why = "Bradley-Terry has no finite ratings on the decisions without ties"
        made.append(Null(ONE, np.empty(0), about[1], why))
    else:
        p = logistic(theta[found.first[cells]] - theta[found.second[cells]])
        made.append(Null(ONE, _simulated(p[:, None], of, simulations, streams[1]), about[1]))
    return [*made, _own(found, decided, cells, of, simulations, streams[2])]


def _own(
    found: Triads, decided: NDArray[np.bool_], cells: NDArray[np.int64], of: NDArray[np.int64],
    simulations: int, rng: np.random.Generator,
) -> Null:  # fmt: skip
    """Return the null under which every person, or else every context, has its own strengths."""
    several = len(np.unique(found.person[decided])) > 1
    unit = found.person if several else found.context
    name = _PERSON if several else _CONTEXT
    about = f"strengths of each {name}'s own, partially pooled"
    if len(np.unique(unit[decided])) < 2:
        return Null(OWN, np.empty(0), about, "one person in one context: nothing to pool")
    fitted = own_strengths(
        unit[decided], found.first[decided], found.second[decided],
        found.sign[decided] > 0, found.M,
    )  # fmt: skip
    if isinstance(fitted, str):
        return Null(OWN, np.empty(0), about, fitted)
    draws = _simulated_own(fitted, unit[cells], found, cells, of, simulations, rng)
    return Null(OWN, draws, f"{about} (SD {fitted.tau:.2f} logits)")


def _one_model(first: Codes, second: Codes, won: NDArray[np.bool_], M: int) -> Array | None:
    key, at = np.unique(first.astype(np.int64) * M + second, return_inverse=True)
    rows = Rows(key // M, key % M, np.arange(len(key)), np.zeros((len(key), 0)), M)
    n = np.bincount(at).astype(np.float64)[:, None]
    s = np.asarray(np.bincount(at, won.astype(np.float64)), dtype=np.float64)[:, None]
    found = fit(Likelihood(rows, davidson=False, ridge=0.0), Votes(n, s))
    return np.asarray(found.phi[:M]) if found.converged else None


def _simulated(
    p: Array, of: NDArray[np.int64], simulations: int, rng: np.random.Generator
) -> Array:
    """Return cyclic shares of decisions drawn with probabilities p, shape (E, 1)."""
    size = max(1, min(simulations, _BLOCK // len(p)))
    found = []
    for done in range(0, simulations, size):
        wins = p > rng.random((min(size, simulations - done), len(p))).T
        found.append(_shares(wins, of))
    return np.concatenate(found)


def _simulated_own(
    fitted: OwnStrengths, unit: Codes, found: Triads, cells: NDArray[np.int64],
    of: NDArray[np.int64], simulations: int, rng: np.random.Generator,
) -> Array:  # fmt: skip
    """Return cyclic shares where each unit's strengths are drawn anew from the fitted spread."""
    names, code = np.unique(unit, return_inverse=True)
    place = code * found.M
    left, right = place + found.first[cells], place + found.second[cells]
    size = max(1, min(simulations, _BLOCK // max(len(cells), len(names) * found.M)))
    shares = []
    for done in range(0, simulations, size):
        count = min(size, simulations - done)
        own = rng.standard_normal((count, len(names), found.M)) * fitted.tau + fitted.mu
        flat = own.reshape(count, -1)
        p = logistic(flat[:, left] - flat[:, right])
        shares.append(_shares((rng.random(p.shape) < p).T, of))
    return np.concatenate(shares)


def _shares(wins: NDArray[np.bool_], of: NDArray[np.int64]) -> Array:
    ij, jk, ik = (wins[of[:, k]] for k in range(3))
    return np.asarray(((ij == jk) & (jk != ik)).mean(axis=0))


def triad_row(found: Triads, clusters: Codes, level: float) -> dict[str, Any]:
    """Return the cyclic share of the decided triads, its interval, and the counts.

    Parameters
    ----------
    found : Triads
    clusters : ndarray of int, shape (E,)
        Cluster of each cell: people, or contexts of one person.
    level : float
    """
    kept = found.decided
    counts = {"n_triads": len(found.of), "n_tied": int((~kept).sum()),
              "n_cyclic": int(found.cyclic.sum())}  # fmt: skip
    if not kept.any():
        none = dict.fromkeys(("estimate", "std_error", "conf_low", "conf_high"), np.nan)
        return {**none, "n": 0.0, "n_clusters": 0.0,
                "reason": ALL_TIED if len(found.of) else NO_TRIAD, **counts}  # fmt: skip
    own = np.unique(clusters[found.of[kept][:, 0]], return_inverse=True)[1]
    return {**share(found.cyclic[kept].astype(np.float64), own, level), **counts}


def people_table(found: Triads, people: pd.Index, level: float) -> pd.DataFrame:
    r"""Return triads and Kendall's coefficient of consistency of each person.

    ``d`` counts the cyclic triads of complete tournaments without ties, n items each;
    ``zeta`` is the mean of :math:`1 - 24 d / (n^3 - n)` for odd and
    :math:`1 - 24 d / (n^3 - 4 n)` for even n (Kendall and Babington Smith 1940).
    """
    if not len(found.of):
        return pd.DataFrame()
    own = found.person[found.of[:, 0]]
    tournaments = _tournaments(found)
    rows = []
    for code in np.unique(own):
        mine = own == code
        decided, cyclic = found.decided[mine], found.cyclic[mine]
        context = found.context[found.of[mine][:, 0]]
        row: dict[str, Any] = {"term": people[code], "n_triads": int(mine.sum()),
               "n_tied": int((~decided).sum()), "n_cyclic": int(cyclic.sum())}  # fmt: skip
        told = share(cyclic[decided].astype(np.float64), context[decided], level)
        told["reason"] = told["reason"] if decided.any() else ALL_TIED
        games = tournaments[tournaments["person"] == code]
        row |= told | {"n_tournaments": len(games), "d": float(games["d"].sum()),
                       "zeta": float(games["zeta"].mean()) if len(games) else np.nan}  # fmt: skip
        if not len(games):
            row["d"] = np.nan
        row["zeta_reason"] = None if len(games) else "no complete tournament without ties"
        rows.append(row)
    return pd.DataFrame(rows).sort_values("term", ignore_index=True)


def _tournaments(found: Triads) -> pd.DataFrame:
    """Return d and zeta of every complete tournament without ties: ``person, d, zeta``."""
    P = int(found.person.max(initial=0)) + 1
    unit = found.context.astype(np.int64) * P + found.person
    names, code = np.unique(unit, return_inverse=True)
    decided = found.sign != 0
    count = np.bincount(code[decided], minlength=len(names))
    wins: Any = np.where(found.sign > 0, found.first, found.second)
    played = pd.DataFrame({
        "unit": np.r_[code, code], "item": np.r_[found.first, found.second],
        "won": np.r_[wins == found.first, wins == found.second],
    })[np.r_[decided, decided]]  # fmt: skip
    scores = played.groupby(["unit", "item"])["won"].sum()
    n = scores.groupby("unit").size().reindex(range(len(names)), fill_value=0).to_numpy("float64")
    pairs = (scores * (scores - 1) / 2).groupby("unit").sum()
    d = n * (n - 1) * (n - 2) / 6 - pairs.reindex(range(len(names)), fill_value=0).to_numpy()
    whole = (n >= 3) & (count == n * (n - 1) / 2)
    most = np.where(n % 2 == 1, n**3 - n, n**3 - 4 * n) / 24
    table = pd.DataFrame({"person": names % P, "d": d, "zeta": 1 - d / np.maximum(most, 1)})
    return table[whole]
