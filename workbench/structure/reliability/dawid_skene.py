"""Truth and workers' errors from answers alone: Dawid and Skene's EM, for any number of classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from workbench.decompose.kernel import Array, Codes
from workbench.errors import DataError

SMOOTHING = 0.01
"""Added to each count of a worker's table, so that no answer is impossible."""

ROUNDS = 500
TOLERANCE = 1e-6
"""Largest change of a posterior in a round at which it has come to rest."""

_LEAST = 1e-10


@dataclass(frozen=True, eq=False)
class Truth:
    """What answers say of the truth and of workers.

    Attributes
    ----------
    posterior : ndarray, shape (T, K)
        P(class) of each task.
    confusion : ndarray, shape (W, K, K)
        P(answer | truth) of each worker: truth in rows.
    prior : ndarray, shape (K,)
        Shares of the classes.
    log_likelihood : float
        Of the answers.
    rounds : int
    converged : bool
    """

    posterior: Array
    confusion: Array
    prior: Array
    log_likelihood: float
    rounds: int
    converged: bool


def dawid_skene(
    task: Codes,
    worker: Codes,
    answer: Codes,
    n_classes: int,
    *,
    smoothing: float = SMOOTHING,
    rounds: int = ROUNDS,
    tolerance: float = TOLERANCE,
    either_side: bool = False,
) -> Truth:
    r"""Estimate the truth of each task and the error table of each worker.

    .. math:: P(t \mid l) \propto \pi_t \prod_i \pi^{w_i}_{t l_i}, \qquad
              \pi^w_{t l} \propto \epsilon + \sum_{i: w_i = w, l_i = l} P(t_i = t)

    Parameters
    ----------
    task, worker, answer : ndarray of int, shape (N,)
        Codes from 0; answers below ``n_classes``. Repeats count again.
    n_classes : int
        K.
    smoothing : float
        :math:`\epsilon`, above 0.
    rounds : int
        At the most.
    tolerance : float
        0 or more; below 0 all ``rounds`` are gone through.
    either_side : bool
        Every task counts as it is and with its classes in reverse, so that it says nothing which
        of two sides is called the first.

    Returns
    -------
    Truth
        The posterior starts from the shares of the votes.

    Raises
    ------
    DataError
        No answers, codes out of range, or a smoothing that is not above 0.

    References
    ----------
    Dawid and Skene (1979), Applied Statistics 28, 20-28.

    Examples
    --------
    >>> task, worker = np.repeat(np.arange(4), 3), np.tile(np.arange(3), 4)
    >>> answer = np.array([0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0])
    >>> found = dawid_skene(task, worker, answer, 2)
    >>> found.posterior.argmax(axis=1).tolist(), bool(found.confusion[2, 0, 1] > 0.9)
    ([0, 1, 0, 1], True)
    """
    table, W = _table(task, worker, answer, n_classes, smoothing)
    K = n_classes
    by_task, by_worker = table.tocsr(), table.T.tocsr()
    votes = np.asarray(table @ np.tile(np.eye(K), (W, 1)))
    posterior = votes / np.maximum(votes.sum(axis=1, keepdims=True), 1.0)
    log_prior, log_table = _estimates(by_worker, posterior, W, smoothing, either_side)
    done, change, total = 0, np.inf, -np.inf
    while done < rounds and change >= tolerance:
        done += 1
        joint = by_task @ log_table
        joint += log_prior
        top = joint.max(axis=1, keepdims=True)
        joint -= top
        new = np.exp(joint, out=joint)
        whole = new.sum(axis=1, keepdims=True)
        total = float((top + np.log(whole)).sum())
        new /= whole
        change = float(np.abs(new - posterior).max())
        posterior = new
        if done < rounds and change >= tolerance:
            log_prior, log_table = _estimates(by_worker, posterior, W, smoothing, either_side)
    log_prior, log_table = _estimates(by_worker, posterior, W, smoothing, either_side)
    confusion = np.exp(log_table).reshape(W, K, K).swapaxes(1, 2)
    return Truth(posterior, confusion, np.exp(log_prior), total, done, change < tolerance)


def without_own(found: Truth, task: Codes, worker: Codes, answer: Codes) -> Array:
    """Return the posterior of each answer's task without that answer, shape (N, K).

    Who is judged has no part in the truth by which; the tables are those of all answers.

    Examples
    --------
    >>> task, worker, answer = np.array([0, 0]), np.array([0, 1]), np.array([0, 1])
    >>> found = dawid_skene(task, worker, answer, 2)
    >>> without_own(found, task, worker, answer).shape
    (2, 2)
    """
    logs = np.log(np.maximum(found.posterior[task], 1e-300))
    logs -= np.log(found.confusion[worker, :, answer])
    logs -= logs.max(axis=1, keepdims=True)
    share = np.exp(logs)
    return np.asarray(share / share.sum(axis=1, keepdims=True))


def _estimates(
    by_worker: sparse.csr_matrix, posterior: Array, W: int, smoothing: float, either_side: bool
) -> tuple[Array, Array]:
    """Return log shares of classes, (K,), and log tables, (W * answers, K)."""
    K = posterior.shape[1]
    counts = np.asarray(by_worker @ posterior).reshape(W, K, K)
    shares = posterior.mean(axis=0)
    if either_side:
        # a task turned round has the posterior turned round: no second table is needed
        counts = (counts + counts[:, ::-1, ::-1]) / 2.0
        shares = (shares + shares[::-1]) / 2.0
    counts = counts + smoothing
    counts /= counts.sum(axis=1, keepdims=True)
    prior = np.maximum(shares, _LEAST)
    return np.log(prior), np.log(counts).reshape(W * K, K)


def _table(
    task: Codes, worker: Codes, answer: Codes, K: int, smoothing: float
) -> tuple[sparse.csr_matrix, int]:
    """Return how often each answer was given, shape (tasks, workers * answers)."""
    codes: list[NDArray[np.int64]] = [np.asarray(one) for one in (task, worker, answer)]
    wrong = None
    if not codes[0].size or len({one.shape for one in codes}) > 1 or codes[0].ndim != 1:
        wrong = "codes of shapes " + ", ".join(str(one.shape) for one in codes)
    elif any(one.min() < 0 for one in codes) or codes[2].max() >= K:
        wrong = f"answers from {codes[2].min()} to {codes[2].max()}, {K} classes"
    elif not smoothing > 0:
        wrong = f"smoothing {smoothing}"
    if wrong:
        raise DataError(
            "These are no answers of workers on tasks.",
            found=wrong,
            expected="three arrays of codes from 0 of one length, smoothing above 0",
            fix="Number tasks, workers and answers from 0 (pandas.factorize).",
        )
    T, W = int(codes[0].max()) + 1, int(codes[1].max()) + 1
    place = codes[1].astype(np.int64) * K + codes[2]
    table = sparse.coo_matrix((np.ones(len(place)), (codes[0], place)), (T, W * K)).tocsr()
    return table, W
