"""Whether people differ in taste: then no model of one truth may judge them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from workbench.clustered import cluster_error
from workbench.compare.pooling import pool
from workbench.compare.subsets import Stack, Subset, typical
from workbench.data.dataset import PreferenceData
from workbench.decompose.kernel import Array
from workbench.errors import DesignError
from workbench.structure.labels import PersonLabels, person_labels

FOLDS = 5
BEATS = 2.0
"""Standard errors over prompts by which taste must predict better."""

_FEWEST_PROMPTS = 20
_RIDGE = 1e-2


@dataclass(frozen=True)
class Gate:
    """Taste against reliability on labels of prompts that the fits had not seen.

    Attributes
    ----------
    checked : bool
    taste : bool
        Taste predicts better by more than two standard errors.
    gain, std_error : float
        Log-loss a label of reliability minus that of taste, and its error over prompts.
    n, n_prompts : int
    sentence : str
    """

    checked: bool
    taste: bool
    gain: float
    std_error: float
    n: int
    n_prompts: int
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def taste_gate(
    data: PreferenceData, annotators: str | Iterable[str] | None, by: str, seed: int
) -> Gate:
    r"""Compare a taste of each person's own with a sharpness of each person's own, held out.

    *Taste*: :math:`\Lambda(d'b_p)`, weights pooled partially over people
    (:func:`workbench.compare.pooling.pool`). *Reliability*: :math:`\Lambda(s_p\,d'b)`, one
    set of weights times a sharpness of 0 or more, pooled likewise. Five folds of prompts.

    Examples
    --------
    >>> from workbench.structure.planted import planted_people
    >>> data, _ = planted_people(people=20, labels=40, tastes=[(2, 0), (-2, 0)])
    >>> taste_gate(data, None, "annotator", 0).taste
    True
    """
    if not data.factor_names:
        return _unchecked("the data have no factors")
    # answers count alike there, so they do here; none counts that has no weight
    weight = data.labels["weight"].gt(0).astype("float64")
    data = replace(data, labels=data.labels.assign(weight=weight))
    try:
        labels = person_labels(data, annotators=annotators, by=by)
    except DesignError as refused:
        return _unchecked(refused.what.rstrip(".").lower())
    if len(labels.prompts) < _FEWEST_PROMPTS:
        return _unchecked(f"{len(labels.prompts)} prompts, fewer than {_FEWEST_PROMPTS}")
    names = labels.people.to_numpy().astype(str)
    labels = labels.take(np.lexsort((labels.votes, *labels.X.T, names[labels.person])))
    fold = labels.folds(FOLDS, seed)
    loss = np.zeros((2, len(labels)))
    for k in range(FOLDS):
        out = fold == k
        if out.any() and not out.all():
            loss[:, out] = _held_out(labels.take(~out), labels.take(out))
    n = round(float(labels.weight.sum()))
    pull = loss[0] - loss[1]
    gain = float(pull.sum() / labels.weight.sum())
    influence = (pull - gain * labels.weight) / labels.weight.sum()
    error = cluster_error(influence, labels.prompt)
    taste = bool(gain > BEATS * error)
    way = "lower" if gain >= 0 else "higher"
    told = (
        f"log-loss a label {abs(gain):.4f} {way} with weights of each person's own than with one "
        f"set of weights and each person's sharpness (standard error {error:.4f} over "
        f"{len(labels.prompts):,} prompts, {n:,} labels, held out)"
    )
    start = "people differ in taste" if taste else "taste does not predict better than reliability"
    return Gate(True, taste, gain, error, n, len(labels.prompts), f"{start}: {told}")


def _unchecked(why: str) -> Gate:
    nan = float("nan")
    sentence = f"whether people differ in taste could not be checked: {why}"
    return Gate(False, False, nan, nan, 0, 0, sentence)


def _held_out(train: PersonLabels, test: PersonLabels) -> Array:
    """Return the log-loss of each test cell under reliability and under taste, (2, cells)."""
    subsets = train.subsets()
    b = _one_fit(subsets)
    along = [Subset((one.X @ b)[:, None], one.weight, one.votes) for one in subsets]
    sharp = np.maximum(pool(along).mean[:, 0], 0.0)
    own = pool(subsets).mean
    eta = np.stack([sharp[test.person] * (test.X @ b),
                    np.einsum("nk,nk->n", test.X, own[test.person])])  # fmt: skip
    return np.asarray(test.weight * np.logaddexp(0.0, eta) - test.votes * eta)


def _one_fit(subsets: list[Subset]) -> Array:
    """Return one set of weights for everybody; a slight ridge keeps it finite."""
    whole = Subset(*(np.concatenate(part) for part in zip(
        *((one.X, one.weight, one.votes) for one in subsets), strict=True)))  # fmt: skip
    stack, pull = Stack([whole]), _RIDGE * typical([whole]) ** 2
    b = np.zeros(whole.X.shape[1])
    for _ in range(30):
        gradient, hessian = stack.derivatives(b[None])
        step = np.linalg.solve(hessian[0] + np.diag(pull), gradient[0] - pull * b)
        # a full step from 0 does not overshoot by more than the curvature allows
        b += step / max(1.0, float(np.abs(whole.X @ step).max(initial=0.0)) / 5.0)
        if np.abs(step).max() < 1e-9:
            break
    return b
