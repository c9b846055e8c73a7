"""How much the draws of Markov chains are worth."""

from __future__ import annotations

import numpy as np

from workbench.decompose.kernel import Array


def effective_sizes(chains: Array) -> tuple[Array, Array]:
    """Return the effective sample size of the mean and the split R-hat of each quantity.

    Parameters
    ----------
    chains : ndarray, shape (draws, chains, quantities)

    Returns
    -------
    ess, rhat : ndarray, shape (quantities,)

    Notes
    -----
    Autocorrelations of split chains, summed until Geyer's initial monotone sequence ends;
    at most ``n log10 n`` of n draws (Vehtari et al. 2021, without rank normalisation).

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(100, 20, 1))
    >>> ess, rhat = effective_sizes(x)
    >>> bool(1500 < ess[0] < 2600), bool(rhat[0] < 1.01)
    (True, True)
    """
    half = len(chains) // 2
    split = np.concatenate([chains[:half], chains[-half:]], axis=1)
    n, m = split.shape[:2]
    centred = split - split.mean(axis=0)
    cov = np.stack([(centred[: n - t] * centred[t:]).sum(axis=0).mean(axis=0) for t in range(n)])
    within = cov[0] / (n - 1)
    total = cov[0] / n + split.mean(axis=0).var(axis=0, ddof=1)
    safe = np.where(total > 0, total, 1.0)
    rho = 1.0 - (within - cov / n) / safe
    rho[0] = 1.0
    pairs = rho[0 : n - n % 2 : 2] + rho[1:n:2]
    alive = np.logical_and.accumulate(pairs > 0, axis=0)
    monotone = np.where(alive, np.minimum.accumulate(pairs, axis=0), 0.0)
    tau = np.maximum(2.0 * monotone.sum(axis=0) - 1.0, 1.0 / np.log10(max(n * m, 10)))
    moved = (total > 0) & (within > 0)
    ess = np.where(moved, n * m / tau, 1.0)
    rhat = np.where(moved, np.sqrt(safe / np.where(within > 0, within, 1.0)), np.inf)
    return ess, rhat
