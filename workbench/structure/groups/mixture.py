"""Mixtures of logits over people: many starts and many data sets in one go.

A *run* is one start of one problem; problems share the differences and the people, and have
votes and weights of their own (folds, simulated labels). Each run takes EM steps first and then
Newton steps on the observed log-likelihood, which are taken back where they lead down.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.kernel import Array, Codes
from workbench.structure.groups.panel import Panel

PRIOR_SD = float(np.sqrt(10.0))
"""Standard deviation of the prior of a weight, in logits per typical difference."""

SHORT = 4
"""EM steps before only the best starts of a problem go on, and before the first Newton step."""

_ROUNDS = 250
_TOLERANCE = 1e-9
NEARLY, STILL = 1e-3, 1e-6
"""Nats by which a run must rise to go on: one of many, and the one that is told."""

_PATIENCE = 3
_LEAST = 1e-12
_VALUES = 100_000
"""Predictions held at a time."""


@dataclass(eq=False)
class Runs:
    """Where R runs of C classes stand.

    Attributes
    ----------
    problem : ndarray of int, shape (R,)
    b : ndarray, shape (R, C, K)
        Weights per typical difference.
    log_pi : ndarray, shape (R, C)
    value, likelihood : ndarray, shape (R,)
        Log-likelihood with the prior, and without it.
    posterior : ndarray, shape (R, P, C)
    gradient, information : ndarray, shape (R, D) and (R, D, D)
        Of ``value``, in all weights and then ``log pi_c / pi_1``; the information is observed.
    em_b, em_pi : ndarray
        Where an EM step leads.
    score : ndarray, shape (R, P, D)
        Each person's part of the gradient, without the prior.
    """

    problem: Codes
    b: Array
    log_pi: Array
    value: Array
    likelihood: Array
    posterior: Array
    gradient: Array
    information: Array
    em_b: Array
    em_pi: Array
    score: Array

    def take(self, at: object) -> Runs:
        """Return some runs."""
        return Runs(**{f.name: getattr(self, f.name)[at] for f in fields(self)})

    def put(self, at: object, other: Runs) -> None:
        """Overwrite some runs."""
        for f in fields(self):
            getattr(self, f.name)[at] = getattr(other, f.name)


@dataclass(frozen=True, eq=False)
class Problems:
    """What J problems have of their own.

    Attributes
    ----------
    panel : Panel
    weight : ndarray, shape (N, 1) or (N, J)
    votes : ndarray, shape (N, J)
    """

    panel: Panel
    weight: Array
    votes: Array

    def at(self, runs: Codes) -> tuple[Array, Array]:
        """Return weights and votes of each run, shape (N, R, 1)."""
        weight = self.weight if self.weight.shape[1] == 1 else self.weight[:, runs]
        votes = self.votes if self.votes.shape[1] == 1 else self.votes[:, runs]
        return weight[:, :, None], votes[:, :, None]


def evaluate(problems: Problems, problem: Codes, b: Array, log_pi: Array, second: bool) -> Runs:
    """Return likelihoods, derivatives and the EM steps at given parameters.

    Parameters
    ----------
    problems : Problems
    problem, b, log_pi
        See :class:`Runs`.
    second : bool
        Whether the observed information is wanted; NaN otherwise.
    """
    size = max(1, _VALUES // (len(problems.panel.X) * b.shape[1]))
    parts = [
        _evaluate(problems, problem[part], b[part], log_pi[part], second)
        for part in (slice(at, at + size) for at in range(0, len(b), size))
    ]
    if len(parts) == 1:
        return parts[0]
    return Runs(
        **{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Runs)}
    )


def _evaluate(problems: Problems, problem: Codes, b: Array, log_pi: Array, second: bool) -> Runs:
    panel = problems.panel
    (R, C, K), P, N = b.shape, panel.P, len(panel.X)
    weight, votes = problems.at(problem)
    eta = (panel.X @ b.reshape(R * C, K).T).reshape(N, R, C)
    np.clip(eta, -500.0, 500.0, out=eta)
    small = np.exp(-np.abs(eta))
    cell = votes * eta - weight * (np.maximum(eta, 0.0) + np.log1p(small))
    each = (panel.sums @ cell.reshape(N, R * C)).reshape(P, R, C) + log_pi
    top = each.max(axis=2, keepdims=True)
    r = np.exp(each - top)
    total = r.sum(axis=2, keepdims=True)
    r /= total
    likelihood = (top + np.log(total)).sum(axis=(0, 2))
    p = np.where(eta >= 0, 1.0, small) / (1.0 + small)
    own = panel.score((votes - weight * p).reshape(N, R * C)).reshape(P, K, R, C)
    curve = weight * (p * (1.0 - p)) * r[panel.person]
    complete = panel.gram(curve.reshape(N, R * C)).reshape(R, C, K, K)
    hold = 1.0 / PRIOR_SD**2
    s = np.moveaxis(own, (2, 0, 3, 1), (0, 1, 2, 3))
    posterior = np.moveaxis(r, 1, 0)
    mean = posterior[..., None] * s
    pull = mean.sum(axis=1) - hold * b
    step = np.linalg.solve(complete + hold * np.eye(K), pull[..., None])[..., 0]
    share = posterior.sum(axis=1) / P
    score = np.concatenate(
        [mean.reshape(R, P, C * K), (posterior - np.exp(log_pi)[:, None])[:, :, 1:]], axis=2
    )
    gradient = score.sum(axis=1)
    gradient[:, : C * K] -= hold * b.reshape(R, C * K)
    information = np.full((R, score.shape[2], score.shape[2]), np.nan)
    if second:
        information = _observed(complete, s, posterior, np.exp(log_pi), score, hold)
    value = likelihood - 0.5 * hold * (b**2).sum(axis=(1, 2))
    em_pi = np.log(np.maximum(share, _LEAST))
    return Runs(problem, b, log_pi, value, likelihood, posterior, gradient, information,
                b + step, em_pi, score)  # fmt: skip


def _observed(complete: Array, s: Array, r: Array, pi: Array, score: Array, hold: float) -> Array:
    """Return the observed information (Louis 1982): complete minus what membership hides."""
    R, P, C, K = s.shape
    D = score.shape[2]
    found = np.swapaxes(score, 1, 2) @ score
    for c in range(C):
        at = slice(c * K, (c + 1) * K)
        weighed = r[:, :, c, None] * s[:, :, c]
        found[:, at, at] += complete[:, c] - np.swapaxes(weighed, 1, 2) @ s[:, :, c]
        unit = np.eye(C)[c] - pi
        cross = weighed.sum(axis=1)[:, :, None] * unit[:, None, 1:]
        found[:, at, C * K :] -= cross
        found[:, C * K :, at] -= np.swapaxes(cross, 1, 2)
        found[:, C * K :, C * K :] -= (
            r[:, :, c].sum(axis=1)[:, None, None] * unit[:, 1:, None] * unit[:, None, 1:]
        )
    rest = pi[:, 1:]
    found[:, C * K :, C * K :] += P * (
        rest[:, :, None] * np.eye(C - 1) - rest[:, :, None] * rest[:, None]
    )
    found[:, np.arange(C * K), np.arange(C * K)] += hold
    return np.asarray(found.reshape(R, D, D))


def climb(
    problems: Problems,
    problem: Codes,
    b: Array,
    log_pi: Array,
    keep: int | None = None,
    rise: float = NEARLY,
    rounds: int = _ROUNDS,
) -> Runs:
    """Bring runs to their maxima.

    Parameters
    ----------
    problems : Problems
    problem, b, log_pi
        Where the runs start.
    keep : int, optional
        How many runs of a problem go on after the first steps; all when None.
    rise : float
        Nats; a run that rises by less three times running has come to rest.
    rounds : int
        Newton steps at the most.

    Returns
    -------
    Runs
        With the observed information at the maxima.
    """
    runs = evaluate(problems, problem, b, log_pi, second=False)
    for _ in range(SHORT):
        _ascend(problems, runs, np.arange(len(runs.b)), newton=False)
    if keep is not None:
        runs = runs.take(_best(runs, keep))
    runs = evaluate(problems, runs.problem, runs.b, runs.log_pi, second=True)
    active, idle = np.arange(len(runs.b)), np.zeros(len(runs.b), dtype=np.int64)
    for _ in range(rounds):
        before = runs.value[active]
        rest = _ascend(problems, runs, active, newton=True)
        idle[active] = np.where(runs.value[active] - before < rise, idle[active] + 1, 0)
        active = active[~rest & (idle[active] < _PATIENCE)]
        if not len(active):
            break
    return runs


def _ascend(problems: Problems, runs: Runs, at: Codes, newton: bool) -> NDArray[np.bool_]:
    """Take one step of some runs in place, and say which had nowhere higher to go."""
    now = runs.take(at)
    R, C, K = now.b.shape
    b, log_pi = now.em_b, now.em_pi
    bold, rest = np.zeros(R, dtype=bool), np.zeros(R, dtype=bool)
    if newton:
        step, gain = _newton(now)
        rest = (gain >= 0) & (gain < _TOLERANCE * (1.0 + np.abs(now.value)))
        bold = (gain > 0) & (np.abs(step).max(axis=1, initial=0.0) < 5.0)
        ahead = now.b + step[:, : C * K].reshape(R, C, K)
        turned = now.log_pi.copy()
        turned[:, 1:] += step[:, C * K :]
        turned -= np.logaddexp.reduce(turned, axis=1, keepdims=True)
        b = np.where(bold[:, None, None], ahead, b)
        log_pi = np.where(bold[:, None], np.maximum(turned, np.log(_LEAST)), log_pi)
    todo = np.arange(R)
    for trial in range(8):
        there = evaluate(problems, now.problem[todo], b[todo], log_pi[todo], second=newton)
        slack = 1e-10 * (1.0 + np.abs(now.value[todo]))
        fine = there.value >= now.value[todo] - slack
        runs.put(at[todo[fine]], there.take(fine))
        todo = todo[~fine]
        if not len(todo):
            return rest
        # a bold step that failed becomes an EM step; one of those that failed is halved
        back = bold[todo] if trial == 0 else np.zeros(len(todo), dtype=bool)
        half = (
            0.5 * (b[todo] + now.b[todo]),
            np.logaddexp(log_pi[todo], now.log_pi[todo]) - np.log(2.0),
        )
        b[todo] = np.where(back[:, None, None], now.em_b[todo], half[0])
        log_pi[todo] = np.where(back[:, None], now.em_pi[todo], half[1])
    rest[todo] = True
    return rest


def _newton(now: Runs) -> tuple[Array, Array]:
    """Return Newton steps, and what each is to gain; a gain below 0 is no way up."""
    diagonal = np.einsum("rdd->rd", now.information)
    size = np.sqrt(np.maximum(np.abs(diagonal), 1e-8))
    even = now.information / (size[:, :, None] * size[:, None, :])
    even = even + 1e-10 * np.eye(even.shape[1])
    try:
        step = np.linalg.solve(even, (now.gradient / size)[..., None])[..., 0] / size
    except np.linalg.LinAlgError:
        return np.zeros_like(now.gradient), np.full(len(size), -1.0)
    return step, 0.5 * np.einsum("rd,rd->r", step, now.gradient)


def _best(runs: Runs, keep: int) -> Codes:
    """Return the best runs of each problem, the problems in order."""
    order = np.lexsort((-runs.value, runs.problem))
    ordered = runs.problem[order]
    first = np.searchsorted(ordered, ordered)
    return np.asarray(order[np.arange(len(order)) - first < keep])


def best_of_each(problems: Problems, runs: Runs) -> Runs:
    """Return the best run of each problem, the largest class first."""
    found = runs.take(_best(runs, 1))
    order = np.argsort(-found.log_pi, axis=1, kind="stable")
    row = np.arange(len(order))[:, None]
    b, log_pi = found.b[row, order], found.log_pi[row, order]
    return evaluate(problems, found.problem, b, log_pi, second=True)
