"""Whether gains are more than labels of exchangeable people would give: permutation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from workbench.compare.pooling import START
from workbench.compare.subsets import Subset, typical
from workbench.decompose.kernel import Array, logistic
from workbench.structure.labels import PersonLabels
from workbench.structure.people.careless import habits
from workbench.structure.people.rungs import alike
from workbench.structure.shared_prompts import CONFOUNDED

_ROUNDS = 4
"""Rounds of tau in each permutation."""

_NOTHING = 1e-3
"""Smallest tau, per typical difference."""

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Null:
    """The permutation test of each rung.

    Attributes
    ----------
    p_value : dict of str to float
        By the name of the rung.
    gain : dict of str to float
        Held-out gain a label of the one-step fit that is tested.
    highest : dict of str to float
        Largest gain with people permuted.
    permutations : int
    moved : float
        Share of the labels that may change hands.
    reason : str or None
        Why there is no test.
    """

    p_value: dict[str, float]
    gain: dict[str, float]
    highest: dict[str, float]
    permutations: int
    moved: float
    reason: str | None = None


def permuted(labels: PersonLabels, rng: np.random.Generator) -> Codes:
    """Return the person of each cell with people exchanged at random within each prompt.

    Every prompt keeps its labels, and every person as many labels of every prompt.

    Examples
    --------
    >>> from workbench.structure.labels import person_labels
    >>> from workbench.structure.planted import planted_people
    >>> labels = person_labels(planted_people(people=5, labels=20)[0])
    >>> other = permuted(labels, np.random.default_rng(0))
    >>> bool((np.bincount(other) == np.bincount(labels.person)).all())
    True
    """
    place = np.argsort(labels.prompt, kind="stable")
    drawn = np.lexsort((rng.random(len(labels)), labels.prompt))
    person = np.empty_like(labels.person)
    person[place] = labels.person[drawn]
    return person


def permutation_test(labels: PersonLabels, fold: Codes, permutations: int, seed: int) -> Null:
    r"""Compare the held-out gain of each rung with that under people exchanged within prompts.

    Notes
    -----
    The pooled fit outside a fold does not know who is who, and is the same in every permutation.
    From it each person takes one Newton step, shrunk by a ``tau`` that four rounds of MacKay's
    (1992) rule give: in all columns (taste), along the pooled prediction (reliability), or
    towards the habits (careless). The gain of that step on the fold, summed over the folds, is
    the statistic for the data and for every permutation alike, so that

    .. math:: p = \frac{1 + \#\{\text{null gain} \ge \text{gain}\}}{B + 1}

    is exact where labels of one prompt are exchangeable between people.
    """
    several = movable(labels)
    moved = float(labels.weight[several].sum() / labels.weight.sum())
    if not several.any():
        return Null({}, {}, {}, 0, 0.0, CONFOUNDED)
    steps = [_Step(labels, fold == k) for k in np.unique(fold)]
    rng = np.random.default_rng(seed)
    names = ("reliability", "careless", "taste")
    total = labels.weight.sum()
    seen = {name: _gain(steps, name, labels.person) / total for name in names}
    extreme, highest = dict.fromkeys(names, 0), dict.fromkeys(names, -np.inf)
    for _ in range(permutations):
        person = permuted(labels, rng)
        for name in names:
            again = _gain(steps, name, person) / total
            extreme[name] += again >= seen[name] - 1e-12
            highest[name] = max(highest[name], again)
    p = {name: (1.0 + extreme[name]) / (permutations + 1.0) for name in names}
    return Null(p, seen, highest, permutations, moved)


def movable(labels: PersonLabels) -> NDArray[np.bool_]:
    """Return the cells whose prompt has labels of several people."""
    both = np.unique(np.column_stack([labels.prompt, labels.person]), axis=0)
    people = np.bincount(both[:, 0], minlength=len(labels.prompts))
    return np.asarray(people[labels.prompt] > 1)


def sums_by(person: Codes, P: int) -> sparse.csr_matrix:
    """Return the matrix that sums rows by person, shape (P, N)."""
    ones = (np.ones(len(person)), person, np.arange(len(person) + 1))
    return sparse.csr_matrix(ones, (len(person), P)).T.tocsr()


def _gain(steps: Sequence[_Step], name: str, person: Codes) -> float:
    return sum(step.gain(name, person) for step in steps)


class _Step:
    """One Newton step of each person from the pooled fit outside a fold."""

    def __init__(self, labels: PersonLabels, told: NDArray[np.bool_]) -> None:
        self.P, self.out, self.told = len(labels.people), np.flatnonzero(~told), told
        train = labels.take(~told)
        eta = labels.X @ alike(train).b
        p = logistic(eta.copy())
        self.residual = (labels.votes - labels.weight * p)[~told]
        curved = (labels.weight * p * (1.0 - p))[~told]
        self.weight, self.votes, self.eta = labels.weight[told], labels.votes[told], eta[told]
        self.before = self.votes * self.eta - self.weight * np.logaddexp(0.0, self.eta)
        # a habit moves the log-odds by how far it is from the prediction, relative to p (1 - p)
        lean = np.column_stack(list(habits(labels).values())) - p[:, None]
        columns = {
            "taste": (labels.X, np.unique(labels.block, return_inverse=True)[1]),
            "reliability": (eta[:, None], np.zeros(1, dtype=np.int64)),
            "careless": (
                lean / np.maximum(p * (1.0 - p), 0.05)[:, None],
                np.zeros(lean.shape[1], dtype=np.int64),
            ),
        }
        self.parts = {name: _Columns(Z, parts, train, ~told, curved)
                      for name, (Z, parts) in columns.items()}  # fmt: skip

    def gain(self, name: str, person: Codes) -> float:
        """Return the log-likelihood of the fold that the step gains, under these people."""
        part = self.parts[name]
        own = person[self.out]
        step = part.step(sums_by(own, self.P), self.residual)
        eta = self.eta + (part.Z[self.told] * step[person[self.told]]).sum(axis=1)
        after = self.votes * eta - self.weight * np.logaddexp(0.0, eta)
        return float((after - self.before).sum())


class _Columns:
    """Columns along which people may differ, and their curvature at the pooled fit."""

    def __init__(
        self, Z: Array, parts: Codes, train: PersonLabels, out: NDArray[np.bool_], curved: Array
    ) -> None:
        self.Z, self.parts = Z, parts
        self.train = Z[out]
        self.upper = np.triu_indices(Z.shape[1])
        i, j = self.upper
        self.products = self.train[:, i] * self.train[:, j] * curved[:, None]
        size = typical([Subset(self.train, train.weight, train.votes)], parts)
        self.start, self.least = (START / size) ** 2, (_NOTHING / size) ** 2

    def step(self, who: sparse.csr_matrix, residual: Array) -> Array:
        """Return each person's shrunken step, shape (P, columns)."""
        K = self.Z.shape[1]
        gradient = who @ (self.train * residual[:, None])
        sums = who @ self.products
        hessian = np.empty((len(sums), K, K))
        i, j = self.upper
        hessian[:, i, j] = hessian[:, j, i] = sums
        tau2, there = self.start, len(sums)
        for _ in range(_ROUNDS):
            V = np.linalg.inv(hessian + np.diag(1.0 / tau2))
            d = (V @ gradient[:, :, None])[:, :, 0]
            known = there - np.diagonal(V, axis1=1, axis2=2).sum(axis=0) / tau2
            free, moved = (np.bincount(self.parts, part) for part in (known, (d**2).sum(axis=0)))
            # of a term that never differs in this fold nothing is known, and nobody moves
            found = np.divide(moved, free, out=np.zeros(len(free)), where=free > 1e-9 * there)
            tau2 = np.maximum(found[self.parts], self.least)
        V = np.linalg.inv(hessian + np.diag(1.0 / tau2))
        return np.asarray((V @ gradient[:, :, None])[:, :, 0])
