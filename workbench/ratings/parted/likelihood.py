"""Likelihoods, their errors and resamples as sums over parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from workbench.decompose.kernel import Array, Codes
from workbench.decompose.resample.by_name import counts_of
from workbench.engine import Engine
from workbench.ratings.errors import Laid, lay, meats_of
from workbench.ratings.kernel import Likelihood, RatingFit, maximum
from workbench.ratings.parted.layout import Piece
from workbench.ratings.style import sided, told_by

_WIDTH = 64
"""Replicates whose counts of clusters are held at a time."""


class LikelihoodInParts:
    """The likelihood of battles in parts (:class:`workbench.ratings.kernel.Likelihood`).

    Parameters
    ----------
    pieces : sequence of Piece
    engine : Engine
    columns : list of int
        Of the covariates.
    davidson : bool
    ridge : float
    """

    def __init__(
        self, pieces: Sequence[Piece], engine: Engine, columns: list[int], davidson: bool,
        ridge: float,
    ) -> None:  # fmt: skip
        self.pieces, self.engine, self.columns = pieces, engine, columns
        self.davidson, self.ridge = davidson, ridge
        self.M, self.K = len(pieces[0].models), len(columns)
        self.P = self.M + self.K + davidson

    def newton(self, phi: Array, votes: object = None) -> tuple[float, Array, Array]:
        """Return log-likelihood, gradient (P,) and Hessian (P, P), the ridge included."""
        inside = slice(self.M, self.M + self.K)
        value, gradient, hessian = 0.0, np.zeros(self.P), np.zeros((self.P, self.P))
        work = _NewtonAt(phi, self.columns, self.davidson)
        for part in self.engine.map(work, self.pieces):
            value += part[0]
            gradient += part[1]
            hessian += part[2]
        beta = phi[inside]
        gradient[inside] -= self.ridge * beta
        hessian[inside, inside] += self.ridge * np.eye(self.K)
        return value - self.ridge / 2 * float(beta @ beta), gradient, hessian

    def steepest(self, phi: Array) -> float:
        """Return the largest |logit| of any battle."""
        work = _SteepestAt(phi, self.columns, self.davidson)
        return max(self.engine.map(work, self.pieces))


@dataclass(frozen=True, eq=False)
class StyleInParts:
    """A fit with some covariates.

    Attributes
    ----------
    model : LikelihoodInParts
    found : RatingFit
    """

    model: LikelihoodInParts
    found: RatingFit


@dataclass(frozen=True, eq=False)
class StyledParts:
    """Battles in parts as :func:`workbench.ratings.style.with_style` fits them.

    Attributes
    ----------
    pieces : list of Piece
    engine : Engine
    gram : ndarray, shape (M + K, M + K)
        Products of all columns, weighted by the labels.
    plain : ndarray, shape (M,) or (M + 1,)
        Parameters of the fit without covariates, where the others start.
    davidson : bool
    ridge : float
    """

    pieces: list[Piece]
    engine: Engine
    gram: Array
    plain: Array
    davidson: bool
    ridge: float

    def reasons(self, names: list[str]) -> dict[str, str]:
        """Return why some covariates cannot be told."""
        return told_by(self.gram, len(self.pieces[0].models), names)

    def fitted(self, columns: list[int]) -> StyleInParts:
        """Return the fit with some covariates."""
        model = LikelihoodInParts(self.pieces, self.engine, columns, self.davidson, self.ridge)
        start = np.r_[self.plain[: model.M], np.zeros(model.K), self.plain[model.M :]]
        return StyleInParts(model, maximum(model, None, start))

    def sided(self, column: int) -> tuple[int, bool, bool]:
        """Return how many battles differ in a covariate; whether more, or less, won all."""
        parts = list(self.engine.map(_SidedAt(column), self.pieces))
        n, more, less = zip(*parts, strict=True)
        return sum(n), all(more), all(less)


def gram_of(piece: Piece) -> tuple[int, Array]:
    """Return how many clusters a part has, and the weighted products of all its columns."""
    battles = piece.battles()
    M, K = len(piece.models), battles.X.shape[1]
    if not len(battles):
        return 0, np.zeros((M + K, M + K))
    laid = lay(battles, False)
    model = Likelihood(laid.rows, davidson=False, ridge=0.0)
    return battles.n_clusters, model.gram(laid.votes.weight[:, 0])


@dataclass(frozen=True, eq=False)
class _At:
    """Work at parameters, on the battles of one part.

    Attributes
    ----------
    phi : ndarray, shape (P,)
    columns : list of int
    davidson : bool
    """

    phi: Array
    columns: list[int]
    davidson: bool

    def laid(self, piece: Piece) -> tuple[Laid, Likelihood] | None:
        """Return the battles in the order of their models; None where there are none."""
        battles = piece.battles(self.columns)
        if not len(battles):
            return None
        laid = lay(battles, self.davidson)
        return laid, Likelihood(laid.rows, davidson=self.davidson, ridge=0.0)


class _NewtonAt(_At):
    def __call__(self, piece: Piece) -> tuple[float, Array, Array]:
        found = self.laid(piece)
        P = len(self.phi)
        if found is None:
            return 0.0, np.zeros(P), np.zeros((P, P))
        return found[1].newton(self.phi, found[0].votes)


class _SteepestAt(_At):
    def __call__(self, piece: Piece) -> float:
        found = self.laid(piece)
        return 0.0 if found is None else found[1].steepest(self.phi)


@dataclass(frozen=True)
class _SidedAt:
    column: int

    def __call__(self, piece: Piece) -> tuple[int, bool, bool]:
        battles = piece.battles([self.column])
        return sided(lay(battles, False), 0) if len(battles) else (0, True, True)


@dataclass(frozen=True, eq=False)
class MeatsAt:
    """The sums over clusters of the products of each two fits' scores, of one part.

    Attributes
    ----------
    fits : tuple of RatingFit
        Without covariates, and with them.
    columns : list of int
        Covariates of the second.
    davidson : bool
    """

    fits: tuple[RatingFit, ...]
    columns: list[int]
    davidson: bool

    def __call__(self, piece: Piece) -> list[list[Array]]:
        """Return them."""
        sizes = [len(fit.phi) for fit in self.fits]
        battles = piece.battles(self.columns)
        if not len(battles):
            return [[np.zeros((p, q)) for q in sizes] for p in sizes]
        laid = lay(battles, self.davidson)
        rows = [laid.without_covariates(), laid.rows][: len(self.fits)]
        models = [Likelihood(one, davidson=self.davidson, ridge=0.0) for one in rows]
        return meats_of(laid, models, list(self.fits))


@dataclass(frozen=True, eq=False)
class ResampledAt:
    """What some resamples have of the battles of each two models, of one part.

    Attributes
    ----------
    first, second : ndarray of int, shape (C,)
        The models.
    replicates : (int, int)
        The first, and that after the last.
    seed : int
    davidson : bool
    """

    first: Codes
    second: Codes
    replicates: tuple[int, int]
    seed: int
    davidson: bool

    def __call__(self, piece: Piece) -> Array:
        """Return weight, wins of the first model, and ties: shape (2 or 3, C, replicates)."""
        battles = piece.battles([])
        C, (start, stop) = len(self.first), self.replicates
        values = 3 if self.davidson else 2
        if not len(battles):
            return np.zeros((values, C, stop - start))
        laid, M = lay(battles, self.davidson), len(piece.models)
        known = self.first * M + self.second
        cell = np.searchsorted(known, laid.rows.first * M + laid.rows.second)[laid.cell]
        words = piece.words()
        votes = [v for v in (laid.votes.weight, laid.votes.won, laid.votes.tied) if v is not None]
        sums = [sparse.csr_array((v[:, 0], (cell, laid.cluster)), (C, len(words))) for v in votes]
        found = np.empty((values, C, stop - start))
        for at in range(start, stop, _WIDTH):
            end = min(at + _WIDTH, stop)
            times = counts_of(words, at, end, self.seed).astype(np.float64)
            for own, matrix in zip(found, sums, strict=True):
                own[:, at - start : end - start] = matrix @ times
        return found
