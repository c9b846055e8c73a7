"""The score test that all people weigh a term alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.compare.pooling import START
from workbench.decompose.kernel import Array, logistic
from workbench.structure.labels import PersonLabels
from workbench.structure.people.null import movable, permuted, sums_by
from workbench.structure.people.rungs import alike, size_of

Codes = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ScoreTest:
    """Of each of B blocks of columns: p, people and prompts in which it differs, and why not."""

    p_value: Array
    n_people: Codes
    n_prompts: Codes
    reasons: list[str | None]


def score_test(labels: PersonLabels, parts: Codes, permutations: int, seed: int) -> ScoreTest:
    r"""Test ``tau = 0`` of each block at the pooled fit, people exchanged within prompts.

    .. math:: T_k = \sum_p \big[(I + H_p D)^{-1} (U_p - H_p m)\big]_k^2

    the statistic of :func:`workbench.compare.heterogeneity.heterogeneity`, whose random signs
    need many prompts, while people who label the same few can still be exchanged.

    Examples
    --------
    >>> from workbench.structure.labels import person_labels
    >>> from workbench.structure.planted import planted_people
    >>> labels = person_labels(planted_people(people=40, labels=40, tau=1.0)[0])
    >>> bool((score_test(labels, np.arange(3), 99, 0).p_value < 0.05).all())
    True
    """
    member = (parts[:, None] == np.arange(parts.max() + 1)).astype(np.float64)
    there = np.abs(labels.X) @ member > 0
    n_people, n_prompts = (
        np.array([len(np.unique(codes[own])) for own in there.T])
        for codes in (labels.person, labels.prompt)
    )
    shared = movable(labels)
    p = np.full(member.shape[1], np.nan)
    if shared.any():
        p = _permuted(labels, member, permutations, seed)
    reasons: list[str | None] = []
    for k, people in enumerate(n_people.tolist()):
        if people < 2:
            reasons.append("no test: the term differs in fewer than two people's labels")
        elif not (there[:, k] & shared).any():
            reasons.append("no test: no prompt where it differs has labels of two people")
        else:
            reasons.append(None)
    possible = np.array([reason is None for reason in reasons])
    return ScoreTest(np.where(possible, p, np.nan), n_people, n_prompts, reasons)


def _permuted(labels: PersonLabels, member: Array, permutations: int, seed: int) -> Array:
    X, K, P = labels.X, labels.X.shape[1], len(labels.people)
    p = logistic(X @ alike(labels).b)
    scores = X * (labels.votes - labels.weight * p)[:, None]
    i, j = np.triu_indices(K)
    products = X[:, i] * X[:, j] * (labels.weight * p * (1.0 - p))[:, None]
    spread = (START / size_of(labels)) ** 2

    def statistic(person: Codes) -> Array:
        who = sums_by(person, P)
        U, flat = who @ scores, who @ products
        H = np.empty((P, K, K))
        H[:, i, j] = H[:, j, i] = flat
        left = np.linalg.inv(np.eye(K) + H * spread)
        raw = (left @ U[:, :, None])[:, :, 0]
        information = left @ H
        mean = np.linalg.pinv(information.sum(axis=0)) @ raw.sum(axis=0)
        return np.asarray(((raw - information @ mean) ** 2).sum(axis=0) @ member)

    rng = np.random.default_rng(seed)
    seen = statistic(labels.person)
    extreme = np.zeros_like(seen)
    for _ in range(permutations):
        extreme += statistic(permuted(labels, rng)) >= seen * (1.0 - 1e-9)
    return np.asarray((1.0 + extreme) / (permutations + 1.0))
