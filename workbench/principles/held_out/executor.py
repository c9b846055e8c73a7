"""A constitution that is carried out by arithmetic on votes, with no further call."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import expit

from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError, refuse_out_of_range
from workbench.principles.measure.kernel import Array, merged_for, reference, sides
from workbench.principles.principle import Principle
from workbench.principles.vote.votes import Rule, Votes

Method = Literal["weighted", "logistic", "majority"]

METHODS = {
    "weighted": "vote weighted by log-odds of being right",
    "logistic": "ridge logistic regression on the votes",
    "majority": "every principle one vote",
}
_STEPS = 50


@dataclass(frozen=True, eq=False)
class Executor:
    """Weights on votes that predict a preference.

    Attributes
    ----------
    principles : tuple of Principle
    weights : ndarray, shape (K,)
        Log-odds of A that a vote for A adds.
    method : {"weighted", "logistic", "majority"}
    rule : {"majority", "unanimous"}
        How repeats of a vote are merged.
    """

    principles: tuple[Principle, ...]
    weights: Array
    method: Method
    rule: Rule = "majority"

    def predict(self, votes: Votes) -> Array:
        """Return P(A preferred) of each pair of the votes; 0.5 where no principle decides.

        Raises
        ------
        DesignError
            The votes lack a principle.

        Examples
        --------
        >>> one = Executor((Principle("Be kind"),), np.array([np.log(3)]), "weighted")
        >>> codes = np.array([[[1]], [[-1]], [[4]]], dtype=np.int8)
        >>> one.predict(Votes(np.array(["p", "q", "r"]), one.principles, codes))
        array([0.75, 0.25, 0.5 ])
        """
        at = {principle.text: k for k, principle in enumerate(votes.principles)}
        missing = [one.text for one in self.principles if one.text not in at]
        if missing:
            raise DesignError(
                "The votes lack a principle of the executor.",
                found=f"no votes on {missing[0]!r}",
                expected=f"votes on {len(self.principles)} principles",
                fix="Vote on it first, or fit the executor without it.",
            )
        columns = [at[one.text] for one in self.principles]
        return np.asarray(expit(sides(votes.merged(self.rule)[:, columns]) @ self.weights))


def fit_executor(
    data: PreferenceData,
    votes: Votes,
    annotator: str | Iterable[str] | None = None,
    *,
    method: Method = "weighted",
    rule: Rule = "majority",
    ridge: float = 1.0,
    pair_ids: Iterable[str] | None = None,
) -> Executor:
    r"""Learn how much each principle's vote counts.

    Parameters
    ----------
    data : PreferenceData
    votes : Votes
    annotator : str or iterable of str, optional
    method : {"weighted", "logistic", "majority"}
        ``weighted``: :math:`w_k = c \log\frac{a_k + 1}{d_k + 1}` with the agreements and
        disagreements of each principle. ``logistic``: a joint regression with the penalty
        :math:`\frac{\lambda}{2} \lVert w \rVert^2`, which knows that two principles say
        the same. ``majority``: :math:`w_k = c`. The factor c is fitted, so that the
        prediction is a probability; it is never below 0.
    rule : {"majority", "unanimous"}
        How repeats of a vote are merged.
    ridge : float
        The penalty :math:`\lambda`, of ``logistic`` and of c.
    pair_ids : iterable of str, optional
        Training pairs.

    Returns
    -------
    Executor

    Raises
    ------
    DesignError
        No usable pair, or an option out of range.
    """
    check_fit(method, ridge)
    found = reference(data, votes, annotator, pair_ids)
    weights = fit_weights(sides(merged_for(votes, found, rule)), found.sign, method, ridge)
    return Executor(votes.principles, weights, method, rule)


def check_fit(method: str, ridge: float) -> None:
    """Refuse options of a fit that are out of range."""
    refuse_out_of_range(
        {
            "method": (method in METHODS, method, " or ".join(map(repr, METHODS))),
            "ridge": (ridge > 0, ridge, "above 0"),
        }
    )


def fit_weights(votes: Array, sign: Array, method: Method, ridge: float) -> Array:
    """Return the weights of votes, shape (n, K), on signs of preference, shape (n,)."""
    if method == "logistic":
        return ridge_logit(votes, sign, ridge)
    weights = np.ones(votes.shape[1])
    if method == "weighted":
        product = votes * sign[:, None]
        weights = np.log((product > 0).sum(axis=0) + 1.0) - np.log((product < 0).sum(axis=0) + 1.0)
    factor = ridge_logit((votes @ weights)[:, None], sign, ridge)[0]
    return np.asarray(max(factor, 0.0) * weights)


def ridge_logit(x: Array, sign: Array, ridge: float) -> Array:
    r"""Return the weights of a logistic regression with a ridge penalty.

    They maximise
    :math:`\sum_i \log \sigma(s_i x_i'w) - \frac{\lambda}{2} \lVert w \rVert^2`.

    Parameters
    ----------
    x : ndarray, shape (n, K)
    sign : ndarray, shape (n,)
        +1 or -1.
    ridge : float

    Examples
    --------
    >>> w = ridge_logit(np.ones((4, 1)), np.array([1.0, 1, 1, -1]), 1e-9)
    >>> round(float(w[0]), 4), round(float(np.log(3)), 4)
    (1.0986, 1.0986)
    """
    if x.shape[1] > len(x):
        # a penalty leaves no weight outside the space that the rows span
        basis, small = np.linalg.qr(x.T)
        return np.asarray(basis @ ridge_logit(small.T, sign, ridge))
    signed = x * sign[:, None]
    w = np.zeros(x.shape[1])

    def loss(at: Array) -> float:
        return float(np.logaddexp(0.0, -(signed @ at)).sum() + ridge / 2 * at @ at)

    for _ in range(_STEPS):
        wrong = expit(-(signed @ w))
        gradient = signed.T @ wrong - ridge * w
        slope = wrong * (1 - wrong)
        hessian = (signed * slope[:, None]).T @ signed + ridge * np.eye(len(w))
        step = np.linalg.solve(hessian, gradient)
        size, before = 1.0, loss(w)
        while loss(w + size * step) > before + 1e-12 * abs(before) and size > 1e-8:
            size /= 2
        w = w + size * step
        if float(gradient @ step) < 1e-18 * len(x):
            break
    return w


def hits(p: Array, sign: Array) -> Array:
    """Return 1 where P(A) is on the preferred side, 0 on the other, 0.5 where on neither."""
    lean = p - 0.5
    # sums of equal weights of opposite sign cancel up to rounding only
    return np.where(np.abs(lean) < 1e-12, 0.5, (lean * sign > 0).astype(float))
