"""The chosen fit, of classes or of prototypes, in one shape."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.decompose.kernel import Array, Codes, logistic
from workbench.structure.groups.blended import Blend
from workbench.structure.groups.mixture import Runs
from workbench.structure.groups.panel import Panel
from workbench.structure.over_prompts import more_over_prompts

AT_EDGE = "the likelihood has no curvature here: too few labels for so many groups"
FEW_PEOPLE = "fewer than two people"


@dataclass(frozen=True, eq=False)
class Fitted:
    """Groups as the tables need them.

    Attributes
    ----------
    b : ndarray, shape (C, K)
        Weights per typical difference.
    share : ndarray, shape (C,)
    share_error : ndarray, shape (C,)
    covariance : ndarray, shape (C K, C K)
        Of ``b``; NaN where it is not known.
    member : ndarray, shape (P, C)
        Chances of the classes, or shares of the prototypes; people in the order of the panel.
    people : ndarray, shape (C,)
        Effective number of people behind each group.
    prompts : int
    method : str
    reason : str
        Why there is no covariance; empty where there is one.
    """

    b: Array
    share: Array
    share_error: Array
    covariance: Array
    member: Array
    people: Array
    prompts: int
    method: str
    reason: str


def of_classes(best: Runs, laid: Panel, weight: Array, votes: Array, prompt: Codes) -> Fitted:
    """Return the classes of the only run, with the sandwich over people and prompts.

    The meat is the sum over people of the squared scores of the observed likelihood, so that
    membership that is not known costs width; and what labels of one prompt share besides.

    Parameters
    ----------
    best : Runs
    laid : Panel
    weight, votes : ndarray, shape (N,)
    prompt : ndarray of int, shape (N,)
        In the order of the panel, as the two before.
    """
    C, K = best.b.shape[1:]
    P = best.posterior.shape[1]
    score = best.score[0] - best.score[0].mean(axis=0)
    bread, known = _inverse(best.information[0])
    more = more_over_prompts(_by_cell(best, laid, weight, votes), laid.person, prompt)
    V = bread @ (score.T @ score * P / (P - 1) + more) @ bread
    if not known:
        V = np.full_like(V, np.nan)
    pi = np.exp(best.log_pi[0])
    slope = pi[:, None] * (np.eye(C) - pi)[:, 1:]
    error = np.sqrt(np.maximum(np.diag(slope @ V[C * K :, C * K :] @ slope.T), 0.0))
    member = best.posterior[0]
    reason = "" if known else AT_EDGE
    method = (
        "latent classes, EM and Newton; sandwich over people and prompts of the observed scores, t"
    )
    return Fitted(best.b[0], pi, error, V[: C * K, : C * K], member, _effective(member),
                  len(np.unique(prompt)), method, reason)  # fmt: skip


def _by_cell(best: Runs, laid: Panel, weight: Array, votes: Array) -> Array:
    r"""Return how each cell moves the scores, to first order, shape (N, D).

    A label pulls at the weights of every class by its residual, and it moves its person's
    chances of the classes, and with them what all other labels of the person pull at:

    .. math:: r_{pc} x_i (y_i - \sigma_{ic})
              + r_{pc} (\eta_{ic} - \bar\eta_i) (y_i - \bar p_i) s_{pc}
    """
    C, K = best.b.shape[1:]
    eta = laid.X @ best.b[0].T
    p, r = logistic(eta.copy()), best.posterior[0][laid.person]
    apart = votes[:, None] - weight[:, None] * p
    shift = r * (eta - (r * eta).sum(axis=1, keepdims=True))
    shift *= (votes - weight * (r * p).sum(axis=1))[:, None]
    own = np.moveaxis(laid.score(apart), 1, 2)[laid.person]
    pull = (r * apart)[:, :, None] * laid.X[:, None] + shift[:, :, None] * own
    return np.concatenate([pull.reshape(-1, C * K), shift[:, 1:]], axis=1)


def of_prototypes(blend: Blend, laid: Panel, prompt: Codes) -> Fitted:
    """Return prototypes, the largest mean share first, with the sandwich over both clusters."""
    K = blend.b.shape[1]
    order = np.argsort(-blend.share.mean(axis=0), kind="stable")
    share, P = blend.share[:, order], laid.P
    columns = (order[:, None] * K + np.arange(K)).ravel()
    influence = blend.influence[:, columns]
    influence = influence - influence.mean(axis=0)
    V = influence.T @ influence * P / (P - 1)
    V = V + more_over_prompts(blend.by_cell[:, columns], laid.person, prompt)
    error = share.std(axis=0, ddof=1) / np.sqrt(P)
    method = (
        "prototypes and shares by turns, Dirichlet(1.1) prior; sandwich over people and "
        "prompts of the profile scores, t"
    )
    return Fitted(blend.b[order], share.mean(axis=0), error, V, share, _effective(share),
                  len(np.unique(prompt)), method, "")  # fmt: skip


def _effective(member: Array) -> Array:
    return np.asarray(member.sum(axis=0) ** 2 / np.maximum((member**2).sum(axis=0), 1e-300))


def _inverse(information: Array) -> tuple[Array, bool]:
    size = np.sqrt(np.maximum(np.diag(information), 1e-12))
    even = information / np.outer(size, size)
    value = np.linalg.eigvalsh(even)
    known = bool(value[0] > 1e-9)
    return np.linalg.pinv(even, hermitian=True) / np.outer(size, size), known


def entropy_r2(member: Array) -> float:
    """Return 1 - entropy of membership over its most, or NaN for one group.

    Examples
    --------
    >>> entropy_r2(np.eye(2)), entropy_r2(np.full((3, 2), 0.5))
    (1.0, 0.0)
    """
    P, C = member.shape
    if C < 2:
        return float("nan")
    entropy = -(member * np.log(np.maximum(member, 1e-300))).sum()
    return float(1.0 - entropy / (P * np.log(C)))
