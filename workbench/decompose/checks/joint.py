"""One test of several added terms together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.checks.fitted import Fitted
from workbench.decompose.checks.score import FEWEST
from workbench.decompose.errors import sandwich
from workbench.decompose.kernel import Array, run_sums

_TOLD = 1e-8


@dataclass(frozen=True)
class Joint:
    """A joint test.

    Attributes
    ----------
    statistic, p_value : float
        F and its p-value; NaN with a reason.
    terms : int
        Directions that were tested.
    df : float
        Denominator degrees of freedom.
    gain : float
        Log-loss a label that the terms would save, to second order.
    reason : str or None
    """

    statistic: float
    p_value: float
    terms: int
    df: float
    gain: float
    reason: str | None = None


def joint_test(base: Fitted, Z: Array) -> Joint:
    """Test that none of some added terms is in the model.

    Parameters
    ----------
    base : Fitted
    Z : ndarray, shape (rows, m)
        A few columns; directions that the fitted terms tell already are left out.

    Notes
    -----
    The matrix form of :func:`workbench.decompose.checks.score.added_terms`, referred to
    Hotelling's T-squared with the degrees of freedom of Pustejovsky and Tipton (2018, HTZ).
    """
    rest = Z - base.X @ (base.bread @ (base.X.T @ (base.information[:, None] * Z)))
    values, vectors = np.linalg.eigh(rest.T @ (base.information[:, None] * rest))
    kept = values > _TOLD * max(float((base.information @ Z**2).max(initial=0.0)), 1e-300)
    q = int(kept.sum())
    if q < 2:
        return Joint(np.nan, np.nan, q, np.nan, np.nan, "the predictions take too few values")
    rest = rest @ (vectors[:, kept] / np.sqrt(values[kept]))
    products = (rest[:, :, None] * rest[:, None, :]).reshape(len(rest), q * q)
    share = run_sums(products, base.information, base.starts).reshape(-1, q, q)
    score = run_sums(rest, base.residual, base.starts)
    step = score.sum(axis=0)
    pull = _pulls(base, rest)
    taken = share @ share
    taken[base.heavy] += pull.transpose(0, 2, 1) @ pull
    adjust = _adjustments(share, share - taken)
    scaled = np.einsum("gst,gt->gs", adjust, score - share @ step)
    # what each cluster gives up: to the step of every term, and to the weights if heavy
    given = share @ adjust, pull @ adjust[base.heavy]
    spread = _spread(adjust @ share @ adjust, *given, base.heavy)
    eta = q * (q + 1) / spread if spread > 0 else 0.0
    df = eta - q + 1
    gain = float(step @ step / (2 * base.weight.sum()))
    if not df >= FEWEST:
        reason = f"it rests on {max(eta, 0):.1f} degrees of freedom between clusters"
        return Joint(np.nan, np.nan, q, df, gain, f"{reason} ({FEWEST + q - 1:.0f} are needed)")
    found = sandwich.joint_test(step, scaled.T @ scaled, eta)
    few = None if found["reason"] is None else "the clusters are too few to test the bins"
    return Joint(found["statistic"], found["p_value"], q, df, gain, few)


def _pulls(base: Fitted, rest: Array) -> Array:
    """Return how the columns of each heavy cluster move the fitted weights, (heavy, K, q)."""
    pull = np.empty((len(base.heavy), base.X.shape[1], rest.shape[1]))
    for k, cluster in enumerate(base.heavy):
        rows = base.bounds(int(cluster))
        pull[k] = base.whitened[rows].T @ (base.information[rows, None] * rest[rows])
    return pull


def _adjustments(share: Array, left: Array) -> Array:
    """Return symmetric A with ``A left A = share`` for each cluster (CR2)."""
    root = _powers(share, 0.5)
    return np.asarray(root @ _powers(root @ left @ root, -0.5) @ root)


def _powers(matrices: Array, power: float) -> Array:
    values, vectors = np.linalg.eigh((matrices + matrices.transpose(0, 2, 1)) / 2)
    positive = values > 1e-10 * np.maximum(values[:, -1:], 1e-300)
    raised = np.where(positive, np.where(positive, values, 1.0) ** power, 0.0)
    return np.asarray((vectors * raised[:, None, :]) @ vectors.transpose(0, 2, 1))


def _spread(own: Array, step: Array, pull: Array, heavy: NDArray[np.int64]) -> float:
    """Return the summed variances of the entries of the covariance, under the model.

    Of added terms, whose residuals are those of a fit without them: the matrices of
    :meth:`workbench.decompose.errors.pulls.Pulls.joint_degrees`, of terms in the fit, are others.
    """
    inner = step.transpose(0, 2, 1) @ step
    inner[heavy] += pull.transpose(0, 2, 1) @ pull
    trace = np.einsum("gss->g", own)
    total = (trace**2 - 2 * trace * np.einsum("gss->g", inner)).sum()
    total += (own**2).sum() - 2 * np.einsum("gst,gts->", own, inner)
    flat = step.reshape(len(step), step[0].size)
    heavy_flat = pull.reshape(len(pull), pull.shape[1] * pull.shape[2])
    corner = np.tensordot(step, step, axes=((0, 2), (0, 2)))
    for left, right in ((flat, flat), (heavy_flat, heavy_flat)):
        total += ((left.T @ right) ** 2).sum()
    total += 2 * ((flat[heavy].T @ heavy_flat) ** 2).sum() + (corner**2).sum()
    side = np.tensordot(pull, pull, axes=((0, 2), (0, 2)))
    across = np.tensordot(step[heavy], pull, axes=((0, 2), (0, 2)))
    return float(total + (side**2).sum() + 2 * (across**2).sum())
