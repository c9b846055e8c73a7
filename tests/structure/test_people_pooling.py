"""Pooling with columns that share one spread: no turn of their axes changes anything."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.compare.pooling import pool
from workbench.compare.subsets import Subset
from workbench.structure.labels import person_labels
from workbench.structure.people.simulated import DRAWS, Simulation
from workbench.structure.planted import planted_people


def _turned(subsets: list[Subset], turn: np.ndarray) -> list[Subset]:
    return [Subset(one.X @ turn, one.weight, one.votes) for one in subsets]


def test_a_block_has_no_axes():
    subsets = person_labels(planted_people(people=15, labels=20, tau=0.7)[0]).subsets()
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    block = np.array([4, 4, 4])
    one, other = pool(subsets, block=block), pool(_turned(subsets, turn), block=block)
    assert np.ptp(one.tau) == 0
    np.testing.assert_allclose(one.tau, other.tau, rtol=1e-3)
    np.testing.assert_allclose(one.mean @ turn, other.mean, atol=1e-3)
    # own spreads do depend on the axes
    apart = pool(subsets), pool(_turned(subsets, turn))
    assert np.abs(apart[0].mean @ turn - apart[1].mean).max() > 0.01


def test_each_column_is_a_block_of_its_own_by_default():
    subsets = person_labels(planted_people(people=10, labels=20, tau=0.7)[0]).subsets()
    one, other = pool(subsets), pool(subsets, block=np.array([2, 0, 1]))
    np.testing.assert_allclose(one.tau, other.tau, rtol=1e-3)


@pytest.mark.parametrize(
    ("draws", "near"), [(8192, 1.0), (DRAWS, 4.0)], ids=["many draws", "as many as are taken"]
)
def test_the_posterior_is_that_of_quadrature(draws, near):
    """Of 60 people, some of whom a term separates, the worst."""
    labels = person_labels(
        planted_people(people=60, labels=12, tastes=((0.8,),), tau=1.2, seed=3)[0]
    )
    mu, tau = np.array([0.6]), 1.2
    found = Simulation.of(labels, draws=draws).moments(
        np.zeros((60, 1)), mu, np.array([tau**2]), steps=30
    )
    nodes, weights = np.polynomial.hermite_e.hermegauss(100)
    b = mu[0] + tau * nodes
    for p, one in enumerate(labels.subsets()):
        eta = one.X @ b[None, :]
        own = one.votes @ eta - one.weight @ np.logaddexp(0.0, eta)
        mass = np.exp(own) * weights / np.sqrt(2 * np.pi)
        assert abs(found.evidence[p] - np.log(mass.sum())) < 2e-3 * near
        mean = mass @ b / mass.sum()
        spread = mass @ b**2 / mass.sum() - mean**2
        assert abs(found.mean[p, 0] - mean) < 2e-3 * near * np.sqrt(spread)
        assert abs(found.covariance[p, 0, 0] / spread - 1) < 5e-3 * near
