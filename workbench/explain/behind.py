"""The pairs behind a number: what each of them adds to a weight, or to a difference of weights."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.compare.scale import scale
from workbench.compare.sides import sides
from workbench.decompose.decomposition import Decomposition
from workbench.decompose.design import POSITION, Design
from workbench.decompose.kernel import Array, gram, logistic
from workbench.decompose.logit import profile
from workbench.errors import DesignError
from workbench.explain.predicted import are_among
from workbench.threads import on_one_thread

FOR, AGAINST, NEITHER = "for", "against", "neither"
"""What a pair says of a number at first sight."""

_CLEAR = 0.5
"""Difference of two mean labels, half a vote, from which annotators part."""

_WEIGHT = "efficient score of the weight at the fit without the factor, by pair"
_DIFFERENCE = "efficient scores of both weights at a taste that both share, by pair"


@on_one_thread
def behind(
    fit: Decomposition,
    group: str,
    term: str,
    *,
    against: tuple[Decomposition, str] | None = None,
    ratio: float | None = None,
    n: int = 200,
    among: Collection[str] | None = None,
) -> pd.DataFrame:
    r"""Return the pairs behind a weight, or behind a difference of weights.

    Parameters
    ----------
    fit : Decomposition
        That holds ``group``.
    group, term : str
        Whose weight, and of which factor (or of the position).
    against : (Decomposition, str), optional
        A reference and the decomposition that holds it: the number is then the scale-adjusted
        difference of :func:`workbench.contrast`.
    ratio : float, optional
        Of sharpness, as that contrast tells it (NaN where it cannot); estimated when None.
    n : int
        Pairs returned at most.
    among : collection of str, optional
        Only these ``pair_id`` values.

    Returns
    -------
    DataFrame
        One row a pair, those that speak most for the number first: ``pair_id``; ``pull``, what
        the pair's labels add to the number, in log-odds per unit of the factor, positive where
        they push it away from 0 on its own side; ``speaks`` (see Notes); ``value``, the coded
        difference A minus B of the factor; ``label`` (mean preference, 1 all for A) and
        ``n_labels`` of the group; ``other_label`` and ``other_n_labels`` of the reference;
        ``method``.

    Raises
    ------
    DesignError
        An unknown group or term, a number that the fit does not tell (with its reason), or
        ``n`` below 1.

    Notes
    -----
    With :math:`\tilde x` the factor's column less what the other terms tell of it in the fit's
    weights, and all but the factor's weight fitted anew where that is held at 0, a pair pulls

    .. math:: u_i = \tilde x_i (w_i y_i - w_i p_i) / I, \quad
              I = \sum_i w_i p_i (1 - p_i) \tilde x_i^2

    on a weight: its part of the efficient score, of which the sum has the sign of the estimate
    (the log-likelihood is concave) and is the first step of Newton's method towards it.

    On the difference :math:`\delta = b_1 - \rho b_2` it pulls :math:`u_{1i} - \rho u_{2i}`. Up
    to a factor that is the efficient score of :math:`\delta` beside a taste :math:`\beta` that
    both share, :math:`b_1 = \rho \beta + \delta` and :math:`b_2 = \beta`; each side's scores
    are taken where its weight is what they would share,

    .. math:: \beta = \frac{\rho J_1 b_1 + J_2 b_2}{\rho^2 J_1 + J_2}

    with the information :math:`J` of each weight. :math:`\beta` lies between
    :math:`b_1 / \rho` and :math:`b_2`, so that the sum of the pulls has the sign of
    :math:`\delta`. Where there is no ratio it is 1, the raw difference; ``method`` says so.
    Pairs that only one of both labelled are left out, unless both share none.

    The scores alone would also put first what nobody can see in a pair: a column that is large
    only beside the other factors, or two annotators who choose the same side while one of them
    is sharper. So pairs that ``speak`` for the number at first sight come first and those that
    speak against it last, each by their pull. They speak for a weight where the labels take the
    side of the factor that the number rewards, for a difference where the group takes that side
    by half a vote more than the reference does; where the factor's own difference is at least
    half of :math:`\tilde x`, on its side; and where the pull agrees.

    References
    ----------
    Rao (1948) for the score test; Neyman (1959) for the part of a score that is orthogonal to
    other parameters'.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> human = wb.decompose(data, annotator="human", factors=["words"], folds=0)
    >>> pairs = behind(human, "human", "words", n=5)
    >>> len(pairs), bool(pairs["pull"].is_monotonic_decreasing), set(pairs["speaks"])
    (5, True, {'for'})
    """
    if n < 1:
        raise DesignError(
            "Option n is out of range.",
            found=repr(n),
            expected="at least 1",
            fix="Pass the number of pairs wanted.",
        )
    if against is None:
        table, how = _of_weight(fit, group, term), _WEIGHT
    else:
        table, how = _of_difference(fit, group, term, *against, ratio)
    if among is not None:
        table = table[are_among(table["pair_id"], among)]
    first = _first(table, n)
    speaks = first["speaks"].map({1: FOR, 0: NEITHER, -1: AGAINST}).astype("str")
    return first.assign(speaks=speaks, method=how).reset_index(drop=True)


def _first(table: pd.DataFrame, n: int) -> pd.DataFrame:
    """Return the first pairs of a table; names order those that pull alike."""
    speaks, pull = table["speaks"].to_numpy(), table["pull"].to_numpy()
    # what differs by rounding alone is alike
    pull = np.round(pull / max(np.abs(pull).max(initial=0.0), 1e-300), 9)
    order = np.lexsort((-pull, -speaks))
    if not len(order):
        return table
    last = order[min(n, len(order)) - 1]
    kept = (speaks > speaks[last]) | ((speaks == speaks[last]) & (pull >= pull[last]))
    at = np.flatnonzero(kept)
    names = table["pair_id"].to_numpy()[at]
    return table.iloc[at[np.lexsort((names, -pull[at], -speaks[at]))][:n]]


@dataclass(frozen=True, eq=False)
class _Part:
    """One group's labels by pair, and what they pull on its weight of a term."""

    pair_ids: pd.Index
    pull: Array
    value: Array
    label: Array
    goes: Array
    """By how much the mean label takes the factor's side, in [-1/2, 1/2]; 0 where none is seen."""
    n_labels: NDArray[np.int64]

    def at(self, rows: NDArray[np.int64]) -> _Part:
        return replace(
            self,
            pair_ids=self.pair_ids[rows],
            pull=self.pull[rows],
            value=self.value[rows],
            label=self.label[rows],
            goes=self.goes[rows],
            n_labels=self.n_labels[rows],
        )


def _of_weight(fit: Decomposition, group: str, term: str) -> pd.DataFrame:
    k = _known(fit, group, term)
    part = _pulls(fit, group, k, 0.0)
    return _table(part, part.pull, part.goes, float(fit.fits[group].told[k]))


def _of_difference(
    fit: Decomposition,
    group: str,
    term: str,
    base: Decomposition,
    reference: str,
    ratio: float | None,
) -> tuple[pd.DataFrame, str]:
    k, j = _known(fit, group, term), _known(base, reference, term)
    ratio = _ratio(fit, group, base, reference) if ratio is None else ratio
    how = f"{_DIFFERENCE}; weight minus {ratio:.3g} x that of {reference}"
    if not np.isfinite(ratio):
        ratio, how = 1.0, f"{_DIFFERENCE}; raw difference, as there is no ratio of sharpness"
    one, two = fit.fits[group], base.fits[reference]
    b1, b2 = float(one.told[k]), float(two.told[j])
    j1, j2 = 1 / one.bread[k, k], 1 / two.bread[j, j]
    shared = (ratio * j1 * b1 + j2 * b2) / (ratio**2 * j1 + j2)
    mine, theirs = _pulls(fit, group, k, ratio * shared), _pulls(base, reference, j, shared)
    at = theirs.pair_ids.get_indexer(mine.pair_ids)
    if not (at >= 0).any():
        table = _table(mine, mine.pull, mine.goes, b1 - ratio * b2)
        why = f"no pair was labelled by both: those of {group} alone"
        return table.assign(other_label=np.nan, other_n_labels=0), f"{how}; {why}"
    mine, theirs = mine.at(np.flatnonzero(at >= 0)), theirs.at(at[at >= 0])
    apart = mine.goes - theirs.goes
    apart = np.where(np.abs(apart) >= _CLEAR, apart, 0.0)
    table = _table(mine, mine.pull - ratio * theirs.pull, apart, b1 - ratio * b2)
    return table.assign(other_label=theirs.label, other_n_labels=theirs.n_labels), how


def _known(fit: Decomposition, group: str, term: str) -> int:
    """Return the position of a term whose weight is told."""
    own = fit[group].fits[group]
    if term not in fit.terms:
        raise DesignError(
            f"There is no term {term!r}.",
            found=", ".join(fit.terms),
            expected="one of the terms that were fitted",
            fix="Check the spelling, or fit with this factor.",
        )
    k = fit.terms.index(term)
    if not np.isfinite(own.told[k]):
        raise DesignError(
            f"{group} has no weight of {term}, so no pair speaks for or against it.",
            found=own.reasons.get(term, "no estimate"),
            expected="a weight that the labels can tell",
            fix="Choose another factor, or label pairs in which this one varies.",
        )
    return k


def _ratio(fit: Decomposition, group: str, base: Decomposition, reference: str) -> float:
    """Return the ratio of sharpness that the contrast of both uses; NaN where there is none."""
    (first,), second = sides(fit, [group], base[reference])
    told = np.isfinite(first.told) & np.isfinite(second.told)
    factors = told & (np.array(fit.terms) != POSITION)
    return scale(first, second, factors, fit.settings["level"]).ratio


def _pulls(fit: Decomposition, group: str, k: int, held: float) -> _Part:
    """Return what pairs add to a weight, with all others fitted where it is held at a value."""
    own, design = fit.fits[group], fit.design
    row, cells = design.compact(design.groups.index(group))
    if len(own.decided):
        # rows that a separating direction decides have no part in the weights
        keep = ~np.isin(row, own.decided)
        row, cells = row[keep], cells.take(keep)
    X = design.X[row]
    weight, votes = cells.weight[:, 0], cells.votes[:, 0]
    free = own.active & (np.arange(len(own.coef)) != k)
    coef = np.where(own.active, own.coef, 0.0)
    # where the others go, to first order
    start = coef + (held - coef[k]) / own.bread[k, k] * np.nan_to_num(own.bread[k])
    start[k] = held
    p = logistic(X @ profile(X, cells, free[None], start[None])[0])
    information = weight * p * (1.0 - p)
    moments = gram(X, information[:, None])[0]
    beyond = np.zeros(len(coef))
    beyond[k] = 1.0
    beyond[free] = -np.linalg.lstsq(moments[np.ix_(free, free)], moments[free, k], rcond=None)[0]
    rest = X @ beyond
    pull = rest * (votes - weight * p) / (information @ rest**2)
    value = X[:, k]
    # where the column is not the factor's own, but what the others leave of it, none is seen
    side = np.where(value * rest >= rest**2 / 2, np.sign(value), 0.0)
    sums = (pull, weight * value, votes, side * (votes - weight / 2), weight)
    return _by_pair(design, design.groups.index(group), row, sums)


def _by_pair(design: Design, group: int, row: NDArray[np.int64], sums: tuple[Array, ...]) -> _Part:
    """Return sums over the orders in which a pair was shown, and means from those of weights."""
    place, pair = np.unique(design.pair[row], return_inverse=True)
    pull, value, label, goes, weight = (
        np.asarray(np.bincount(pair, part), dtype=np.float64) for part in sums
    )
    labels = design.cell_row[design.label_cell[design.labels_of(group)]]
    counts = np.bincount(design.pair[labels], minlength=len(design.pair_ids))
    own = pd.Index(design.pair_ids[place])
    return _Part(own, pull, value / weight, label / weight, goes / weight, counts[place])


def _table(part: _Part, pull: Array, goes: Array, number: float) -> pd.DataFrame:
    """Return pairs with their pulls and what they say of a number, by its sign."""
    sign = float(np.sign(number))
    pull, seen = sign * pull, sign * goes
    speaks = np.where(pull * seen > 0, np.sign(pull), 0.0).astype(np.int64)
    return pd.DataFrame(
        {
            "pair_id": part.pair_ids,
            "pull": pull,
            "speaks": speaks,
            "value": part.value,
            "label": part.label,
            "n_labels": part.n_labels,
        }
    )
