"""Draws near where each person's weights are, with the weights that make up for it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.kernel import Array
from workbench.structure.mixed.draws import normal_draws
from workbench.structure.mixed.likelihood import Simulated
from workbench.structure.mixed.sets import ChoiceSets

_NEWTON = 25
_LONGEST = 2.0
"""Longest step, in standard deviations between people."""


def adapted(
    sets: ChoiceSets, spread: NDArray[np.int64], theta: Array, draws: int, seed: int
) -> Simulated:
    r"""Return the likelihood with draws for weights that are about ``theta``.

    Half of the draws are standard normal, half are of the normal :math:`q_p` with the mode and
    the curvature of person p's posterior at ``theta``; each counts

    .. math:: w_{pr} = \frac{\phi(z_{pr})}{(\phi(z_{pr}) + q_p(z_{pr})) / 2}

    which is 2 at the most, so that no draw decides alone. The likelihood is estimated without
    bias at any parameters, with the least noise about ``theta``: where people gave many labels,
    few standard normal draws fall where theirs are.

    References
    ----------
    Hesterberg (1995) and Owen and Zhou (2000) for mixtures of this kind; Liu and Pierce (1994)
    for the mode and curvature.

    Examples
    --------
    >>> from workbench.structure.mixed.sets import choice_sets
    >>> sets = choice_sets(np.eye(2)[None], np.array([[1.0, 0.0]]), np.zeros(1, dtype=int))
    >>> found = adapted(sets, np.arange(2), np.array([0.5, 0.0, 1.0, 1.0]), 64, 0)
    >>> found.z.shape, bool((found.log_weight <= np.log(2.0)).all())
    ((1, 64, 2), True)
    """
    P, K = sets.P, sets.K
    mode, curved = _modes(sets, spread, theta)
    plain = normal_draws("sobol", P, K, draws // 2, seed)
    unit = normal_draws("sobol", P, K, draws // 2, seed + 1)
    # z = mode + L'^-1 u has the covariance (L L')^-1
    root = np.linalg.cholesky(curved)
    near = mode[:, None] + np.swapaxes(
        np.linalg.solve(np.swapaxes(root, 1, 2), np.swapaxes(unit, 1, 2)), 1, 2
    )
    z = np.concatenate([plain, near], axis=1)
    away = np.matmul(z - mode[:, None], root)
    volume = np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
    normal = -0.5 * (z**2).sum(axis=2)
    proposed = volume[:, None] - 0.5 * (away**2).sum(axis=2)
    log_weight = normal - np.logaddexp(normal, proposed) + np.log(2.0)
    return Simulated(sets, z, spread, log_weight)


def _modes(sets: ChoiceSets, spread: NDArray[np.int64], theta: Array) -> tuple[Array, Array]:
    """Return each person's posterior mode of z, (P, K), and the curvature there, (P, K, K)."""
    P, K = sets.P, sets.K
    z, sd = np.zeros((P, K)), theta[K:][spread]
    for _ in range(_NEWTON):
        gradient, curved = Simulated(sets, z[:, None], spread).by_person(theta)
        inner = sd[:, None] * curved * sd + np.eye(K)
        step = np.linalg.solve(inner, (sd * gradient - z)[:, :, None])[:, :, 0]
        size = np.sqrt((step**2).sum(axis=1, keepdims=True))
        z = z + step * np.minimum(1.0, _LONGEST / np.maximum(size, 1e-300))
        if size.max(initial=0.0) < 1e-3:
            break
    return z, inner
