"""Which weights the labels can tell: constant, collinear and separated factors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.decompose.design import POSITION
from workbench.decompose.kernel import Array, Cells, gram

_DEPENDENT = 1e-9
"""Share of a column's sum of squares below which the other columns explain all of it."""

_BLOCK = 4096

HIGH_VIF = 10.0
HIGH_CONDITION = 30.0
STEEP = 15.0
"""|x'b| of a labelled row from which separation is looked for: P within 3e-7 of 0 or 1."""


@dataclass(frozen=True, eq=False)
class Identification:
    """What one group's labels allow.

    Attributes
    ----------
    active : ndarray of bool, shape (K,)
        Terms that can be estimated.
    reasons : dict of int to str
        Why a term is left out.
    vif : ndarray, shape (K,)
        Variance inflation factor (without centring, as the model has no intercept).
    condition_number : float
        Of the active columns, scaled to unit length (Belsley, Kuh and Welsch 1980).
    collinear : tuple of str
        Terms that share the near-dependency, where the condition number is high.
    """

    active: NDArray[np.bool_]
    reasons: dict[int, str]
    vif: Array
    condition_number: float
    collinear: tuple[str, ...] = field(default=())


@dataclass(frozen=True, eq=False)
class Columns:
    """What is to be known of the columns on the rows of each group.

    Attributes
    ----------
    gram : ndarray, shape (J, K, K)
        Sums of products.
    low, high : ndarray, shape (J, K)
        Least and largest value.
    """

    gram: Array
    low: Array
    high: Array

    def examined(self, group: int, terms: list[str], constant: bool = False) -> Identification:
        """Return what the labels of a group allow, were there enough of them."""
        return _examine(self.gram[group], self.low[group], self.high[group], terms, constant)


def identify(
    X: Array, cells: Cells, terms: list[str], n_labels: NDArray[np.int64], *,
    constant: bool = False,
) -> list[Identification]:  # fmt: skip
    """Examine the columns of each group.

    Parameters
    ----------
    X : ndarray, shape (rows, K)
    cells : Cells
    terms : list of str
    n_labels : ndarray of int, shape (J,)
        A group with no more labels than terms gets no weights at all.
    constant : bool
        Whether a column may be the same on every row, but not 0: the rating of a model that is
        always A can be told, the weight of a factor not from what is shown first.

    Returns
    -------
    list of Identification, one a group
    """
    used = cells.weight > 0
    patterns: dict[bytes, int] = {}
    which = [patterns.setdefault(used[:, j].tobytes(), j) for j in range(used.shape[1])]
    # groups that labelled the same rows share one Gram matrix
    distinct = sorted(set(which))
    columns = columns_of(X, used[:, distinct])
    found = {j: columns.examined(i, terms, constant) for i, j in enumerate(distinct)}
    return [enough(found[j], int(n), terms) for j, n in zip(which, n_labels, strict=True)]


def columns_of(X: Array, used: NDArray[np.bool_]) -> Columns:
    """Return what is to be known of the columns on some sets of rows, ``used`` (rows, J).

    Examples
    --------
    >>> columns_of(np.array([[1.0], [2.0]]), np.ones((2, 1), bool)).gram.tolist()
    [[[5.0]]]
    """
    shape = (used.shape[1], X.shape[1])
    ends = [_ends(X, own) for own in used.T]
    low, high = (np.array([end[side] for end in ends]).reshape(shape) for side in range(2))
    return Columns(gram(X, used.astype("float64")), low, high)


def _ends(X: Array, used: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Return the least and the largest value of each column on the rows in use."""
    low, high = np.full(X.shape[1], np.inf), np.full(X.shape[1], -np.inf)
    # blocks that stay in the processor's cache
    for start in range(0, len(X), _BLOCK):
        x, own = X[start : start + _BLOCK], used[start : start + _BLOCK]
        x = x if own.all() else x[own]
        low = np.minimum(low, x.min(axis=0, initial=np.inf))
        high = np.maximum(high, x.max(axis=0, initial=-np.inf))
    return low, high


def separation(
    X: Array, weight: Array, votes: Array, active: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Find the terms that predict some labels perfectly, so that their weights are infinite.

    Parameters
    ----------
    X : ndarray, shape (rows, K)
        Rows with labels.
    weight, votes : ndarray, shape (rows,)
    active : ndarray of bool, shape (K,)

    Returns
    -------
    terms : ndarray of bool, shape (K,)
        Terms in a direction of separation.
    rows : ndarray of bool, shape (rows,)
        Rows that such a direction decides; the other weights come from the rest.

    Notes
    -----
    A direction d separates when ``s x'd >= 0`` for all labels (s = +1 for A, -1 for B, both
    for a tie), with one above 0: a linear program (Konis 2007), solved again on the rows
    left until none is found.
    """
    columns = np.flatnonzero(active)
    share = votes / weight
    rows_left = np.ones(len(X), dtype=bool)
    terms = np.zeros(len(active), dtype=bool)
    for _ in range(len(columns)):
        direction = recession(X[rows_left][:, columns], share[rows_left])
        if direction is None:
            break
        terms[columns[np.abs(direction) > 1e-6]] = True
        rows_left &= np.abs(X[:, columns] @ direction) <= 1e-9
    return terms, ~rows_left


def _contradicted(
    sign: NDArray[Any], won: NDArray[np.bool_], lost: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell of each term whether some label is against its sign, and whether some is along it."""
    against = np.where(sign > 0, ~won, np.where(sign < 0, ~lost, False)).any(axis=0)
    along = np.where(sign < 0, ~won, np.where(sign > 0, ~lost, False)).any(axis=0)
    return np.asarray(against), np.asarray(along)


def separation_by_sign(
    X: Array, weight: Array, votes: Array, active: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Find the terms that predict by themselves every label on which they differ.

    A cheap part of :func:`separation`, and all of it where a fit of the other terms to the
    other rows exists.

    Parameters
    ----------
    X, weight, votes, active
        As in :func:`separation`.

    Returns
    -------
    terms : ndarray of bool, shape (K,)
    rows : ndarray of bool, shape (rows,)
        As there.

    Examples
    --------
    >>> X, votes = np.array([[1.0, 0.0], [1.0, 0.0], [0.5, 1.0]]), np.array([1.0, 0.0, 1.0])
    >>> terms, rows = separation_by_sign(X, np.ones(3), votes, np.ones(2, dtype=bool))
    >>> terms.tolist(), rows.tolist()
    ([False, True], [False, False, True])
    """
    # +1: all for A, -1: all for B; a divided row agrees with neither
    won, lost = votes >= weight, votes <= 0.0
    against, along = np.zeros((2, len(active)), dtype=bool)
    for start in range(0, len(X), _BLOCK):
        # most often the first rows tell that no term predicts by itself
        at = slice(start, start + _BLOCK)
        one, other = _contradicted(np.sign(X[at]), won[at, None], lost[at, None])
        against, along = against | one, along | other
        if (against & along | ~active).all():
            return np.zeros(len(active), dtype=bool), np.zeros(len(X), dtype=bool)
    sign = np.sign(X).astype(np.int8)
    terms, left = np.zeros(len(active), dtype=bool), np.ones(len(X), dtype=bool)
    while True:
        part, up, down = sign[left], won[left, None], lost[left, None]
        against, along = _contradicted(part, up, down)
        found = active & ~terms & (part != 0).any(axis=0) & ~(against & along)
        if not found.any():
            return terms, ~left
        terms |= found
        left &= ~(sign[:, found] != 0).any(axis=1)


def recession(
    X: Array, share: Array, pull: Array | None = None, size: Array | None = None
) -> Array | None:
    """Return a direction, shape (K,), that separates labels, or None where there is none.

    Parameters
    ----------
    X : ndarray, shape (rows, K)
    share : ndarray, shape (rows,)
        Share of votes for A.
    pull, size : ndarray, shape (K,), optional
        Sum of the scaled rows towards their side, and largest value of each column, where
        ``X`` has only some of the rows.

    Examples
    --------
    >>> recession(np.array([[1.0], [2.0]]), np.ones(2)).tolist()
    [0.5]
    """
    if len(X) == 0:
        return None
    size = np.maximum(np.abs(X).max(axis=0), 1e-300) if size is None else size
    scaled = X / size
    sign = np.where(share >= 1.0, 1.0, np.where(share <= 0.0, -1.0, 0.0))
    decided = sign != 0
    signed = scaled[decided] * sign[decided, None]
    # it loads what a fit without separation never needs
    from scipy.optimize import linprog

    solution = linprog(
        -(signed.sum(axis=0) if pull is None else pull),
        A_ub=-signed if decided.any() else None,
        b_ub=np.zeros(int(decided.sum())) if decided.any() else None,
        A_eq=scaled[~decided] if (~decided).any() else None,
        b_eq=np.zeros(int((~decided).sum())) if (~decided).any() else None,
        bounds=(-1.0, 1.0),
    )
    if solution.status != 0 or -solution.fun <= 1e-6:
        return None
    direction = np.where(np.abs(solution.x) > 1e-9, solution.x, 0.0)
    return np.asarray(direction / size)


def _examine(
    matrix: Array, low: Array, high: Array, terms: list[str], constant: bool
) -> Identification:
    K = len(terms)
    reasons: dict[int, str] = {}
    for k in np.flatnonzero(low >= high).tolist():
        told = constant and low[k] == high[k] != 0
        reason = None if told else _constant(terms[k], float(low[k]))
        if reason is not None:
            reasons[k] = reason
    size = np.sqrt(np.maximum(np.diag(matrix), 0.0))
    scaled = matrix / np.outer(np.where(size > 0, size, 1.0), np.where(size > 0, size, 1.0))
    varied = [k for k in range(K) if k not in reasons]
    kept: list[int] = []
    if _far_from_dependent(scaled[np.ix_(varied, varied)]):
        kept, varied = varied, []
    for k in varied:
        others = _dependence(scaled, kept, k)
        if others is None:
            kept.append(k)
        else:
            names = ", ".join(terms[i] for i in others)
            reasons[k] = f"a linear combination of {names}"
    active = np.zeros(K, dtype=bool)
    active[kept] = True
    vif = np.full(K, np.nan)
    if not kept:
        return Identification(active, reasons, vif, np.nan)
    corner = scaled[np.ix_(kept, kept)]
    vif[kept] = np.diag(np.linalg.inv(corner))
    values, vectors = np.linalg.eigh(corner)
    condition = float(np.sqrt(values[-1] / values[0]))
    weak = np.abs(vectors[:, 0]) > 0.3
    collinear = tuple(terms[k] for k, w in zip(kept, weak, strict=True) if w)
    high_condition = condition > HIGH_CONDITION
    return Identification(active, reasons, vif, condition, collinear if high_condition else ())


def _far_from_dependent(corner: Array) -> bool:
    # what the others leave of a column is at least the smallest eigenvalue
    return len(corner) > 0 and float(np.linalg.eigvalsh(corner)[0]) > 10 * _DEPENDENT


def _constant(term: str, value: float) -> str | None:
    if term == POSITION:
        # A always shown first: the constant is the slot's own weight, and can be told
        return "the shown order is unknown" if value == 0 else None
    if value == 0:
        return "the difference is 0 on every labelled pair"
    return f"constant: {value:.6g} on every labelled pair"


def _dependence(scaled: Array, kept: list[int], k: int) -> list[int] | None:
    """Return the kept columns that make up column ``k``, or None if it is independent."""
    if not kept:
        return None
    corner = scaled[np.ix_(kept, kept)]
    weights = np.linalg.solve(corner, scaled[kept, k])
    if scaled[k, k] - scaled[kept, k] @ weights > _DEPENDENT:
        return None
    return [kept[i] for i in np.flatnonzero(np.abs(weights) > 1e-4)]


def enough(found: Identification, n: int, terms: list[str]) -> Identification:
    """Return the same, of which nothing is left where there are no more labels than terms."""
    k = int(found.active.sum())
    if n > k:
        return found
    reason = f"{n} labels are too few for {k} terms"
    reasons = {i: found.reasons.get(i, reason) for i in range(len(terms))}
    nothing = np.zeros(len(terms), dtype=bool)
    return Identification(nothing, reasons, np.full(len(terms), np.nan), found.condition_number)
