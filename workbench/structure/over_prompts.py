"""What labels of one prompt add to errors that are over people."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from workbench.decompose.kernel import Array, Codes


def more_over_prompts(influence: Array, person: Codes, prompt: Codes) -> Array:
    r"""Return what is added to a covariance over people, shape (D, D).

    .. math:: \Big[\frac{G}{G - 1} \sum_g u_g u_g' - \frac{M}{M - 1} \sum_{pg} u_{pg} u_{pg}'\Big]_+

    clusters of prompts less those of a person within a prompt, which are in both (Cameron,
    Gelbach and Miller 2011), where that is more.

    Parameters
    ----------
    influence : ndarray, shape (N, D)
        First-order change due to each cell.
    person, prompt : ndarray of int, shape (N,)

    Examples
    --------
    >>> alone = more_over_prompts(np.array([[1.0], [-1.0]]), np.array([0, 1]), np.array([0, 1]))
    >>> both = more_over_prompts(np.ones((3, 1)), np.array([0, 1, 2]), np.array([0, 0, 1]))
    >>> alone.tolist(), both.tolist()
    ([[0.0]], [[5.5]])
    """
    width = int(prompt.max()) + 1
    by_prompt, by_both = (_meat(influence, code) for code in (prompt, person * width + prompt))
    more = by_prompt - by_both
    values, vectors = np.linalg.eigh((more + more.T) / 2.0)
    return np.asarray((vectors * np.maximum(values, 0.0)) @ vectors.T)


def _meat(values: Array, code: Codes) -> Array:
    _, at = np.unique(code, return_inverse=True)
    sums = sparse.csr_array((np.ones(len(at)), (at, np.arange(len(at))))) @ values
    return np.asarray(sums.T @ sums * (len(sums) / max(len(sums) - 1, 1)))
