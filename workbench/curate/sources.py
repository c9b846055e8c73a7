"""P(A preferred) of every pair, from each source that the data have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit

from workbench.audit.models.calibration import temperature, temperature_text
from workbench.clustered import Array, Codes
from workbench.curate.beta_binomial import Prior, fit_prior, posterior
from workbench.curate.grades import grade_margins
from workbench.curate.margins import Margins, clusters_and_folds, out_of_fold
from workbench.curate.votes import Votes, votes_of
from workbench.data.dataset import PreferenceData
from workbench.errors import DataError

FOLDS = 5
SOURCES = ("votes", "grades", "model", "judge")
"""Vote shares, graded labels, factor fits out of fold, and log-probabilities of judges; the
first that the data have is what strength stands on."""

_SURE = 1e-6
_FEWEST = 20
_JUDGES = ("llm", "reward_model")
_FOUND = {
    "votes": "no pair has two votes",
    "grades": "no label has two strengths or more",
    "model": f"no scored factors, or fewer than {FOLDS} prompts",
    "judge": "no label of a judge lies between A and B",
}


@dataclass(frozen=True, eq=False)
class Strengths:
    """What each source says of every pair, in the order of ``data.pairs``.

    Attributes
    ----------
    votes : Votes
    p, sd : dict of str to ndarray, shape (pairs,)
        By source: P(A preferred) and, of votes and fits, its standard deviation, which for
        fits holds what pairs of the same factors differ by.
    prior : Prior
    margins : Margins or None
    clusters : Series of str
        Of the pairs.
    seed : int
        Of the folds.
    temperatures : dict of str to str
        How each source was brought to the scale of the votes.
    cutpoints : DataFrame
        Of graded labels; empty without.
    """

    votes: Votes
    p: dict[str, Array]
    sd: dict[str, Array]
    prior: Prior
    margins: Margins | None
    clusters: pd.Series
    seed: int
    temperatures: dict[str, str] = field(default_factory=dict)
    cutpoints: pd.DataFrame = field(default_factory=pd.DataFrame)

    @cached_property
    def code(self) -> Codes:
        """The cluster of each pair as a number."""
        return np.asarray(pd.factorize(self.clusters)[0])

    @property
    def folds_fit(self) -> bool:
        """Whether there are clusters enough for folds."""
        return bool(self.code.max(initial=-1) + 1 >= FOLDS)

    @cached_property
    def fold(self) -> Codes:
        """The fold of each pair."""
        return clusters_and_folds(self.clusters, FOLDS, self.seed)[1]

    def chosen(self, source: str | None = None) -> str:
        """Return the source that was asked for, or the first that the data have."""
        if source is None and self.p:
            return next(iter(self.p))
        if source not in self.p:
            wanted = f"P(A preferred) from {source}" if source else "a source of strength"
            raise DataError(
                "The data do not say how strong the labels are.",
                found=_FOUND.get(source or "", "; ".join(_FOUND.values())),
                expected=wanted,
                fix="Score factors (workbench.score_factors), or load repeated or graded labels.",
            )
        return str(source)


def strengths_of(
    data: PreferenceData,
    annotators: Sequence[str] | None = None,
    *,
    wanted: Sequence[str] = SOURCES,
    level: float = 0.95,
    seed: int = 0,
) -> Strengths:
    """Return what each source says, calibrated to votes where there are any.

    Parameters
    ----------
    data : PreferenceData
    annotators : sequence of str, optional
        Whose labels are judged; people's, or without people everybody's, when None.
    wanted : sequence of str
        Of :data:`SOURCES`.
    level : float
    seed : int

    Examples
    --------
    >>> import workbench as wb
    >>> sorted(strengths_of(wb.load("sample")).p)
    ['votes']
    """
    data = data.decided()
    votes = votes_of(data, annotators)
    clusters = data.pairs["cluster"]
    prior = fit_prior(votes.a, votes.b, np.asarray(pd.factorize(clusters)[0]), level)
    p: dict[str, Array] = {}
    sd: dict[str, Array] = {}
    how: dict[str, str] = {}
    found = Strengths(votes, p, sd, prior, None, clusters, seed, how)
    if "votes" in wanted and np.isfinite(prior.alpha):
        p["votes"], sd["votes"] = posterior(votes.a, votes.b, votes.ties, prior.alpha)
        how["votes"] = f"prior of {2 * prior.alpha:.3g} votes, by likelihood"
    cutpoints = pd.DataFrame()
    if "grades" in wanted:
        cutpoints = _add_grades(data, found)
    learns = "model" in wanted and bool(data.factor_names) and found.folds_fit
    margins = _add_model(data, found, seed) if learns else None
    if "judge" in wanted:
        _add_judge(data, found)
    return Strengths(votes, p, sd, prior, margins, clusters, seed, how, cutpoints)


def _add_grades(data: PreferenceData, found: Strengths) -> pd.DataFrame:
    """Add what graded labels say: the mean of their margins, brought to votes of others."""
    labels, votes = data.labels, found.votes
    grade = labels["strength"].abs().to_numpy("float64")
    use = votes.rows & np.isfinite(grade)
    if len(np.unique(grade[use & (grade > 0)])) < 2:
        return pd.DataFrame()
    at, side = data.pair_rows[use], np.sign(labels["preference"].to_numpy()[use] - 0.5)
    margin, cutpoints = grade_margins(side, grade[use])
    n = votes.n[at]
    others = (votes.a + votes.ties / 2)[at] - labels["preference"].to_numpy()[use]
    rest = np.divide(others, n - 1, out=np.full(len(n), np.nan), where=n > 1.5)
    scale, how = _temperatures(margin, np.clip(rest, 0, 1), found, at)
    size = len(votes.a)
    count = np.bincount(at, minlength=size)
    mean = np.bincount(at, margin, size) / np.maximum(count, 1)
    found.p["grades"] = np.where(count > 0, expit(mean / scale), np.nan)
    found.temperatures["grades"] = how
    return cutpoints


def _add_model(data: PreferenceData, found: Strengths, seed: int) -> Margins:
    votes = found.votes
    margins = out_of_fold(
        data, votes.n, np.nan_to_num(votes.share) * votes.n, folds=FOLDS, seed=seed
    )
    scale, how = _temperatures(margins.mean, votes.share, found)
    found.p["model"] = p = expit(margins.mean / scale)
    found.sd["model"] = left_by_model(p, margins.sd / scale, found.prior.icc)
    found.temperatures["model"] = how
    return margins


def left_by_model(p: Array, margin_sd: Array, icc: float) -> Array:
    r"""Return the standard deviation of P(A) of pairs that a fit of factors knows alike.

    .. math:: sd^2 = (1 - \rho) v + \rho\, P (1 - P),\qquad
              v = \big(P (1 - P)\, sd_{margin}\big)^2

    Parameters
    ----------
    p : ndarray, shape (n,)
    margin_sd : ndarray, shape (n,)
        Over the members of the ensemble, on the scale of the votes.
    icc : float
        Correlation of two votes on one pair: factors explain a part of it, so it is the most
        that they leave. NaN without repeated votes, which alone could bound it by less than 1.

    Notes
    -----
    The spread of the fits alone is 0 where no factor differs: there the fits agree on one half
    whatever people say. A beta variable whose mean varies by v has this variance (law of total
    variance), which is at most P (1 - P).

    Examples
    --------
    >>> left_by_model(np.array([0.5]), np.array([0.0]), 0.25).tolist()
    [0.25]
    """
    spread = np.clip(p, _SURE, 1 - _SURE)
    spread = spread * (1 - spread)
    rho = icc if np.isfinite(icc) else 1.0
    fits = np.minimum((spread * margin_sd) ** 2, spread)
    return np.asarray(np.sqrt((1 - rho) * fits + rho * spread))


def _add_judge(data: PreferenceData, found: Strengths) -> None:
    """Add the mean log-odds of judges that give a probability, over the orders they saw."""
    labels = data.labels
    y = labels["preference"].to_numpy()
    single = labels["n_votes"].to_numpy() <= 1 if "n_votes" in labels else True
    judges = labels["kind"].isin(_JUDGES).to_numpy() & np.isfinite(y) & single
    soft = judges & (y > 0) & (y < 1) & (y != 0.5)
    if not soft.any():
        return
    # a judge that is sure says 0 or 1: such labels count, where others of it are soft
    use = judges & labels["annotator"].isin(labels["annotator"][soft].unique()).to_numpy()
    at, size = data.pair_rows[use], len(data.pairs)
    count = np.bincount(at, minlength=size)
    odds = np.bincount(at, logit(np.clip(y[use], _SURE, 1 - _SURE)), size)
    mean = np.where(count > 0, odds / np.maximum(count, 1), np.nan)
    own = bool((use & found.votes.rows).any())
    share = np.full(size, np.nan) if own else found.votes.share
    scale, how = _temperatures(mean, share, found)
    found.p["judge"] = expit(mean / scale)
    found.temperatures["judge"] = how


def _temperatures(
    margin: Array, share: Array, found: Strengths, at: Any = ...
) -> tuple[Array, str]:
    """Return the temperature of each pair, from the votes on pairs of the other folds."""
    known = np.isfinite(margin) & np.isfinite(share)
    scale = np.ones(FOLDS)
    pairs = len(found.votes.a)
    if int(known.sum()) < _FEWEST or not found.folds_fit:
        return np.ones(pairs), "not calibrated: too few votes of others on these pairs"
    fold = found.fold[at]
    for f in range(FOLDS):
        train = known & (fold != f)
        scale[f] = temperature(margin[train], share[train]) if train.any() else 1.0
    told = temperature_text(float(np.median(scale)))
    return scale[found.fold], f"temperature {told} by votes on other prompts"


def held_out_vote(votes: Votes, alpha: float, seed: int) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Return P(A) of each repeated pair without one of its votes, that vote, and which pairs.

    Which vote is left out is drawn.

    Examples
    --------
    >>> a, b = np.array([2.0]), np.array([0.0])
    >>> p, y, use = held_out_vote(Votes(a, b, 0 * a, np.ones(2, bool)), 1.0, 0)
    >>> p.round(4).tolist(), y.tolist()
    ([0.6667], [1.0])
    """
    use = votes.repeated
    a, b, ties = votes.a[use], votes.b[use], votes.ties[use]
    drawn = np.random.default_rng(seed).random(len(a)) * (a + b + ties)
    y = np.where(drawn < a, 1.0, np.where(drawn < a + b, 0.0, 0.5))
    # votes that count in part leave less than nothing behind
    rest = [np.maximum(part - (y == one), 0.0) for part, one in ((a, 1.0), (b, 0.0), (ties, 0.5))]
    return posterior(rest[0], rest[1], rest[2], alpha)[0], y, use


def pair_table(data: PreferenceData, found: Strengths, source: str) -> pd.DataFrame:
    """Return one row a pair: votes, what each source says, and the strength.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> "p_soft" in pair_table(data, strengths_of(data), "votes")
    True
    """
    votes = found.votes
    p = found.p[source]
    columns: dict[str, Any] = {
        "pair_id": data.pairs["pair_id"],
        "cluster": data.pairs["cluster"],
        "side": pd.Series(votes.side, index=data.pairs.index)
        .map({1.0: "a", -1.0: "b"})
        .astype("str"),
        "n_votes": votes.n,
        "agreement": votes.agreement,
        **{f"p_{name}": values for name, values in found.p.items()},
        "p_soft": p,
        "p_sd": found.sd.get(source, np.full(len(p), np.nan)),
        "strength": np.abs(2 * p - 1),
    }
    if found.margins is not None:
        columns |= {"margin": found.margins.mean, "margin_sd": found.margins.sd}
    return pd.DataFrame(columns)
