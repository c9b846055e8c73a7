"""What is to be weighed, what is labelled already, and what may be chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.audit.judges.verdicts.preferences import asked_mask, pair_sums
from workbench.curate.margins import fit_ridge
from workbench.data.dataset import PreferenceData
from workbench.decompose.kernel import Array, Codes, logistic
from workbench.decompose.labelled import NO_VALUE
from workbench.errors import DesignError
from workbench.standardised import difference_sd
from workbench.structure.named import named_once, refuse_dependent

FACTORS, RATINGS = "factors", "ratings"

_LEAST, _A_TERM = 100, 5
_SINGULAR = 1e-9
"""Smallest eigenvalue of an information matrix, as a part of the largest, that tells anything."""


@dataclass(frozen=True, eq=False)
class Layout:
    """Pairs in the order of their names, as differences of what is weighed.

    Attributes
    ----------
    X : ndarray, shape (pairs, K)
        Differences A minus B: of factors in standard deviations, or +1 and -1 of two models.
    terms : list of str
    told : ndarray, shape (K, K)
        Turns fitted weights into those that are told: per unit of a factor, or of a model
        against the mean of all.
    free : ndarray, shape (K, q)
        Directions that no pair can tell: what all models have in common.
    row : ndarray of int, shape (pairs,)
        Position of each pair in the data.
    weight, votes : ndarray, shape (pairs,)
        Sums of ``w`` and ``w y`` over the reference's labels of a pair.
    exclusions : DataFrame
        Pairs that can be neither fitted nor chosen: ``reason, n``.
    """

    X: Array
    terms: list[str]
    told: Array
    free: Array
    row: Codes
    weight: Array
    votes: Array
    exclusions: pd.DataFrame

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Which pairs have a label of the reference."""
        return self.weight > 0

    @property
    def pilot(self) -> int:
        """Labelled pairs below which a fit says too little of where labels tell most."""
        return max(_LEAST, _A_TERM * len(self.terms))

    def fit(self) -> Array:
        """Return weights by the labels that are there, shrunken a little: shape (K,)."""
        at = self.labelled
        return np.asarray(fit_ridge(self.X[at], self.weight[at, None], self.votes[at, None])[0])

    def probability(self, weights: Array) -> Array:
        """Return P(A preferred) of every pair."""
        return logistic(self.X @ weights)

    def information(self, weights: Array) -> tuple[Array, Array]:
        """Return what the labels tell, and what the shrinkage adds: two matrices (K, K)."""
        p = self.probability(weights)
        at = self.labelled
        heavy = self.weight[at] * p[at] * (1 - p[at])
        prior = logistic(weights.copy())
        return (self.X[at] * heavy[:, None]).T @ self.X[at], np.diag(prior * (1 - prior))

    def errors(self, information: Array) -> Array:
        """Return the standard error of each told weight; NaN where labels do not tell it.

        Parameters
        ----------
        information : ndarray, shape (K, K)
        """
        scale = float(np.abs(information).max(initial=0.0))
        if scale == 0:
            return np.full(len(self.terms), np.nan)
        values, vectors = np.linalg.eigh(information + scale * self.free @ self.free.T)
        known = values > _SINGULAR * values[-1]
        inverse = (vectors[:, known] / values[known]) @ vectors[:, known].T
        # a weight that leans on a direction without information is not told
        lost = np.abs(vectors[:, ~known].T @ self.told).max(axis=0, initial=0.0)
        variance = np.einsum("ki,kl,li->i", self.told, inverse, self.told)
        return np.where(lost < np.sqrt(_SINGULAR), np.sqrt(np.maximum(variance, 0)), np.nan)


def layout(
    data: PreferenceData, reference: str, factors: Sequence[str] | None, design: str
) -> Layout:
    """Lay out the pairs of data for a choice.

    Parameters
    ----------
    data : PreferenceData
        Of one criterion.
    reference : str
        Annotator or kind whose labels are to be bought.
    factors : sequence of str, optional
    design : {"factors", "ratings"}

    Raises
    ------
    DataError
        The reference is neither an annotator nor a kind.
    DesignError
        Nothing to weigh: no factors, one that is unknown or a combination of others; no models.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> layout(data, "human", ["words"], "factors").X.shape
    (2000, 1)
    """
    mine = asked_mask(data, reference)
    if design == FACTORS:
        X, terms, told, reason = _factors(data, factors)
        free = np.zeros((len(terms), 0))
    else:
        X, terms, reason = model_differences(data)
        told = np.eye(len(terms)) - 1 / len(terms)
        free = np.full((len(terms), 1), 1 / np.sqrt(len(terms)))
    ids = data.pairs["pair_id"].to_numpy(dtype=object)
    kept = np.flatnonzero(reason.isna().to_numpy())
    row = kept[np.argsort(ids[kept].astype(str), kind="stable")]
    weight, votes = pair_sums(data, mine)
    counts = reason.value_counts().sort_index()
    gone = pd.DataFrame({"reason": counts.index, "n": counts.to_numpy("int64")})
    if design == FACTORS:
        refuse_dependent(X[row], terms)
    return Layout(X[row], terms, told, free, row, weight[row], votes[row], gone)


def _factors(
    data: PreferenceData, factors: Sequence[str] | None
) -> tuple[Array, list[str], Array, pd.Series]:
    known = data.factor_names
    names = named_once(factors) or known
    lacking = [name for name in names if name not in known]
    if lacking or not names:
        raise DesignError(
            f"The data have no factor {lacking[0]!r}." if lacking else "The data have no factors.",
            found=", ".join(known) or "no factor columns",
            expected="names of scored factors",
            fix="Score them first: data = workbench.score_factors(data).",
        )
    X = data.factors[names].to_numpy("float64")
    whole = np.isfinite(X).all(axis=1)
    # sorted: the order of rows does not move the last bit of a sum
    sd = difference_sd(np.sort(np.abs(X[whole]), axis=0))
    if not (sd > 0).any():
        raise DesignError(
            "No factor differs between the responses of a pair.",
            found=f"{int(whole.sum()):,} pairs with a value of every factor",
            expected="a factor that differs in some of them",
            fix="Choose other factors=.",
        )
    used = sd > 0
    names = [name for name, differs in zip(names, used, strict=True) if differs]
    told = np.diag(1 / sd[used])
    reason = pd.Series(NO_VALUE, index=range(len(X)), dtype="str").mask(whole, None)
    return np.nan_to_num(X[:, used]) / sd[used], names, told, reason


def model_differences(data: PreferenceData) -> tuple[Array, list[str], pd.Series]:
    """Return +1 and -1 of the two models of each pair, their names, and why a pair has none.

    Raises
    ------
    DesignError
        Fewer than two models have a name.

    Examples
    --------
    >>> import workbench as wb
    >>> X, names, _ = model_differences(wb.load("sample"))
    >>> X.shape == (2000, len(names))
    True
    """
    sides = data.pairs[["model_a", "model_b"]].astype("object")
    lacking = sides.isna().any(axis=1).to_numpy()
    same = sides["model_a"].eq(sides["model_b"]).to_numpy(dtype=bool) & ~lacking
    kept = sides[~lacking & ~same]
    names = sorted({str(name) for name in kept.to_numpy().ravel()})
    if len(names) < 2:
        raise DesignError(
            "There are no models to rate.",
            found=f"{len(kept):,} pairs with two named models",
            expected="model_a and model_b on the pairs",
            fix="Name the columns of the models when loading, or weigh factors.",
        )
    place = {name: k for k, name in enumerate(names)}
    X = np.zeros((len(sides), len(names)))
    rows = kept.index.to_numpy()
    for side, sign in (("model_a", 1.0), ("model_b", -1.0)):
        X[rows, kept[side].map(lambda name: place[str(name)]).to_numpy()] = sign
    reason = pd.Series(None, index=sides.index, dtype="str").mask(lacking, "a model has no name")
    return X, names, reason.mask(same, "both responses are of one model")
