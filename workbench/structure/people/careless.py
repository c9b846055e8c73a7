"""Rung 2: people of one taste, some of whom answer some labels by a bad habit."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.optimize import minimize

from workbench.decompose.kernel import Array, logistic
from workbench.structure.labels import PersonLabels
from workbench.structure.people.rungs import Earlier, alike, averaged, by_person, pull, size_of

_E = np.array([0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95, 0.99])
"""Shares of careless labels that are tried; none has probability 0 or 1."""

_EDGES = np.append(np.arange(10) / 10.0, [0.98, 1.0])
"""Where the range ends that a share stands for, from no habit on."""

_LENGTH = re.compile(r"(^|_)(words?|tokens?|characters?|chars?|length|len)($|_)", re.IGNORECASE)
_POSITION = "position"


def habits(labels: PersonLabels) -> dict[str, Array]:
    """Return what each bad habit says, P(A) of each cell.

    Where the shown order is known, the first or the second response; else the side that the
    data call A or B; the longer one, where a factor tells the length; and a coin.

    Examples
    --------
    >>> from workbench.structure.labels import person_labels
    >>> from workbench.structure.planted import planted_people
    >>> list(habits(person_labels(planted_people(people=4, labels=9)[0])))
    ['coin', 'always A', 'always B']
    """
    N = len(labels)
    found = {"coin": np.full(N, 0.5)}
    if _POSITION in labels.terms:
        shown = labels.X[:, -1]
        found["first shown"], found["second shown"] = 0.5 + shown / 2.0, 0.5 - shown / 2.0
    else:
        found["always A"], found["always B"] = np.ones(N), np.zeros(N)
    longer = [k for k, term in enumerate(labels.terms) if _LENGTH.search(term)]
    if longer and len(labels.terms) == labels.X.shape[1]:
        found["longer"] = 0.5 + np.sign(labels.X[:, longer[0]]) / 2.0
    return found


@dataclass(frozen=True, eq=False)
class Careless:
    """Weights of all, and how much of each person's labels is of a habit.

    Attributes
    ----------
    b : ndarray, shape (K,)
    names : list of str
        The H habits.
    prior : ndarray, shape (1 + H E,)
        Share of people without a habit, and of each habit and share of labels.
    posterior : ndarray, shape (P, 1 + H E)
    covariance : ndarray, shape (K, K)
        Of the weights.
    converged : bool
    """

    b: Array
    names: list[str]
    prior: Array = field(repr=False)
    posterior: Array = field(repr=False)
    covariance: Array = field(repr=False)
    converged: bool

    @property
    def parameters(self) -> int:
        """The weights, and the share of people with each habit."""
        return len(self.b) + len(self.names)

    def predict(self, labels: PersonLabels) -> Array:
        """Return P(A), each person's habit and its share averaged over."""
        spread = np.einsum("nk,kl,nl->n", labels.X, self.covariance, labels.X)
        taste = averaged(labels.X @ self.b, spread)
        own = self.posterior[labels.person]
        p = own[:, 0] * taste
        for h, says in enumerate(habits(labels).values()):
            part = own[:, 1 + h * len(_E) : 1 + (h + 1) * len(_E)]
            share = part @ _E
            p += (part.sum(axis=1) - share) * taste + share * says
        return np.asarray(p)

    def told(self, level: float) -> tuple[Array, Array, Array, list[str]]:
        """Return each person's share of careless labels, its interval, and the likeliest habit.

        The upper end is NaN where no habit is so likely that no share above 0 is told.
        """
        grid = np.append(0.0, _E)
        H = len(self.names)
        each = self.posterior[:, 1:].reshape(-1, H, len(_E))
        own = np.column_stack([self.posterior[:, 0], each.sum(axis=1)])
        tail = (1.0 - level) / 2.0
        low, high = (_share_quantile(own, at) for at in (tail, 1.0 - tail))
        # a mean lies above a quantile where what is left of the mass is far off
        share = own @ grid
        high = np.where(high > 0, np.maximum(high, share), np.nan)
        likely = each.sum(axis=2).argmax(axis=1)
        return share, low, high, [self.names[h] for h in likely]


def careless(labels: PersonLabels, earlier: Earlier | None = None) -> Careless:
    r"""Fit ``(1 - e_p) sigma(x'b) + e_p g_p`` by marginal likelihood.

    A person has no habit, or one of them in a share ``e_p`` of the labels, any share being as
    likely before the labels are seen (after MACE, Hovy et al. 2013, with named habits).

    Examples
    --------
    >>> from workbench.structure.labels import person_labels
    >>> from workbench.structure.planted import planted_people
    >>> data, truth = planted_people(people=40, labels=40, careless=0.2, seed=1)
    >>> share, _, _, habit = careless(person_labels(data)).told(0.95)
    >>> bool(share[-1] > 0.7), habit[-1], bool(share[0] < 0.3)
    (True, 'always A', True)
    """
    # in units of typical differences, or the units of a factor would decide where a search ends
    size = size_of(labels)
    scaled = replace(labels, X=labels.X / size)
    hold = pull(labels) / size**2
    says = habits(labels)
    start = alike(labels).b * size
    K = len(start)
    model = _Mixture(scaled, list(says.values()))

    def objective(at: Array) -> tuple[float, Array]:
        total, gradient, _ = model(at[:K], at[K:])
        gradient[:K] -= hold * at[:K]
        return -(total - 0.5 * float(hold @ at[:K] ** 2)), -gradient

    first = np.append(start, np.full(len(says), -2.0 - np.log(len(says))))
    bounds = [(None, None)] * K + [(-9.0, 3.0)] * len(says)
    found = minimize(
        objective, first, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 200}
    )
    b, shares = found.x[:K], found.x[K:]
    posterior = model(b, shares)[2]
    taste = logistic(scaled.X @ b)
    followed = (posterior @ model.keep)[labels.person]
    curved = labels.weight * followed * taste * (1.0 - taste)
    information = scaled.X.T @ (scaled.X * curved[:, None]) + np.diag(hold)
    covariance = np.linalg.inv(information) / np.outer(size, size)
    prior = np.exp(model.log_prior(shares))
    return Careless(b / size, list(says), prior, posterior, covariance, bool(found.success))


def _share_quantile(own: Array, at: float) -> Array:
    """Return a quantile of each row: a mass at 0, and one in each range that a share stands for.

    Examples
    --------
    >>> masses = np.zeros((2, 12))
    >>> masses[0, :2], masses[1, 0] = 0.5, 1.0
    >>> _share_quantile(masses, 0.75).round(3).tolist()
    [0.05, 0.0]
    """
    below = np.cumsum(own, axis=1)
    return np.array([np.interp(at, row, _EDGES) for row in below])


class _Mixture:
    """The marginal likelihood over habits and shares."""

    def __init__(self, labels: PersonLabels, says: list[Array]) -> None:
        self.labels, self.H = labels, len(says)
        self.keep = np.append(1.0, np.tile(1.0 - _E, self.H))
        self.add = np.column_stack([np.zeros(len(labels)), *(np.outer(g, _E) for g in says)])

    def log_prior(self, shares: Array) -> Array:
        """Return log probabilities of no habit, and of each habit and share of labels."""
        whole = np.logaddexp.reduce(np.append(0.0, shares))
        each = np.repeat(shares - whole - np.log(len(_E)), len(_E))
        return np.append(-whole, each)

    def __call__(self, b: Array, shares: Array) -> tuple[float, Array, Array]:
        """Return the log-likelihood, its gradient, and each person's posterior."""
        one = self.labels
        weight, votes = one.weight[:, None], one.votes[:, None]
        taste = logistic(one.X @ b)
        p = np.clip(taste[:, None] * self.keep + self.add, 1e-12, 1.0 - 1e-12)
        prior = self.log_prior(shares)
        own = prior + by_person(one, votes * np.log(p) + (weight - votes) * np.log1p(-p))
        peak = own.max(axis=1, keepdims=True)
        mass = np.exp(own - peak)
        total = mass.sum(axis=1, keepdims=True)
        posterior = mass / total
        slope = (votes / p - (weight - votes) / (1.0 - p)) * self.keep * posterior[one.person]
        by_b = one.X.T @ (slope.sum(axis=1) * taste * (1.0 - taste))
        of_habit = posterior[:, 1:].sum(axis=0).reshape(self.H, -1).sum(axis=1)
        expected = len(posterior) * np.exp(prior[1:]).reshape(self.H, -1).sum(axis=1)
        value = float((peak + np.log(total)).sum())
        return value, np.append(by_b, of_habit - expected), posterior
