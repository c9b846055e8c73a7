"""Labels of people on factor differences, as arrays: who said what of which prompt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.compare.subsets import Subset
from workbench.data.columns import complete_labels
from workbench.data.dataset import PreferenceData
from workbench.data.split import folds as fold_numbers
from workbench.decompose.design import Design, build_design
from workbench.decompose.kernel import Array, Codes
from workbench.decompose.labelled import Ties
from workbench.errors import DesignError
from workbench.structure.named import NOBODY, named_once, person_column, refuse_dependent

_PERSON = "human"
LEAST_EACH, FEW_EACH = 2, 10
"""Labels a person without which nothing is told of people, and from which they are of use."""

CONSTANT = "the term never differs in these labels"
"""Why a term has no weight."""


@dataclass(frozen=True, eq=False)
class PersonLabels:
    """The labels of P people in N cells; a cell is one person's labels of a pair in one order.

    Attributes
    ----------
    X : ndarray, shape (N, K)
        Coded differences A minus B, in fitted coordinates.
    weight, votes : ndarray, shape (N,)
        Sums of ``w`` and of ``w y`` over the labels of the cell, ``y = P(A preferred)``.
    count : ndarray of int, shape (N,)
        Labels of the cell.
    person, prompt : ndarray of int, shape (N,)
        Codes of the person and of the cluster (the prompt, or what the file names).
    pair : ndarray of int, shape (N,)
        Position of the pair in ``data.pairs``.
    people, prompts : Index
        Name of each code.
    terms : list of str
        Names of the T terms that are told.
    told : ndarray, shape (T, K)
        Turns fitted weights into those of the terms; the identity for factors.
    block : ndarray of int, shape (K,)
        Columns of one block share their spread between people: indicators of items do, so
        that no item is the reference.
    n_labels : ndarray of int, shape (P,)
    exclusions : DataFrame
        Labels left out: ``annotator, reason, n``.
    """

    X: Array
    weight: Array
    votes: Array
    count: NDArray[np.int64]
    person: Codes
    prompt: Codes
    pair: NDArray[np.int64]
    people: pd.Index
    prompts: pd.Index
    terms: list[str]
    told: Array
    block: NDArray[np.int64]
    n_labels: NDArray[np.int64]
    exclusions: pd.DataFrame

    def __len__(self) -> int:
        return len(self.X)

    def take(self, cells: NDArray[np.bool_] | NDArray[np.int64]) -> PersonLabels:
        """Return some of the cells; people and prompts keep their codes."""
        names = ("X", "weight", "votes", "count", "person", "prompt", "pair")
        return replace(self, **{name: getattr(self, name)[cells] for name in names})

    def in_order(self, data: PreferenceData) -> PersonLabels:
        """Return the cells in an order that the order of rows does not decide.

        Parameters
        ----------
        data : PreferenceData
            Whose labels these are.
        """
        ids = pd.factorize(data.pairs["pair_id"], sort=True)[0]
        shown = self.X[:, -1] if "position" in self.terms else np.zeros(len(self))
        return self.take(np.lexsort((np.abs(shown), ids[self.pair], self.person, self.prompt)))

    def with_people(self, person: Codes) -> PersonLabels:
        """Return the same cells under other people, as a permutation needs."""
        return replace(self, person=person)

    def differing(self) -> tuple[PersonLabels, list[str]]:
        """Return the labels without the factors that never differ in them, and their names."""
        used = (self.X != 0).any(axis=0)
        kept = (self.told[:, used] != 0).any(axis=1)
        labels = replace(
            self,
            X=self.X[:, used],
            terms=[t for t, keep in zip(self.terms, kept, strict=True) if keep],
            told=self.told[np.ix_(kept, used)],
            block=self.block[used],
        )
        return labels, [t for t, keep in zip(self.terms, kept, strict=True) if not keep]

    def subsets(self) -> list[Subset]:
        """Return each person's cells, for :func:`workbench.compare.pooling.pool`."""
        order = np.argsort(self.person, kind="stable")
        bounds = np.cumsum(np.bincount(self.person, minlength=len(self.people)))[:-1]
        return [
            Subset(self.X[at], self.weight[at], self.votes[at]) for at in np.split(order, bounds)
        ]

    def prompts_of_people(self) -> list[NDArray[np.int64]]:
        """Return the prompt of each of the cells of :meth:`subsets`."""
        order = np.argsort(self.person, kind="stable")
        bounds = np.cumsum(np.bincount(self.person, minlength=len(self.people)))[:-1]
        return np.split(self.prompt[order], bounds)

    def folds(self, k: int, seed: int) -> NDArray[np.int64]:
        """Return the fold of each cell, 0 to k - 1; all cells of a prompt share theirs."""
        return np.asarray(fold_numbers(self.prompts.astype(str)[self.prompt], k, seed))


def person_labels(
    data: PreferenceData,
    *,
    annotators: str | Iterable[str] | None = None,
    by: str = "annotator",
    factors: Sequence[str] | None = None,
    items: str | None = None,
    ties: Ties = "half",
) -> PersonLabels:
    """Lay out the labels of people for the fits of this room.

    Parameters
    ----------
    data : PreferenceData
        With factors, unless ``items`` is given.
    annotators : str or iterable of str, optional
        Names or one kind; people (``human``) where the data have some, else everybody.
    by : str
        Column of labels or pairs that names the person.
    factors : sequence of str, optional
        Factor columns; all when None.
    items : str, optional
        ``"model"``: which model answered, in place of factors. The strengths sum to 0 and share
        one spread between people, so that no model is the reference.
    ties : {"half", "drop"}

    Returns
    -------
    PersonLabels
        The shown order is a term of its own (``position``) where files state it.

    Raises
    ------
    DesignError
        No factors, no label that can be used, only ties, or fewer than two people or items.

    Examples
    --------
    >>> from workbench.structure.planted import planted_people
    >>> data, _ = planted_people(people=5, labels=20)
    >>> found = person_labels(data, factors=["first", "second"])
    >>> found.terms, len(found.people), len(found)
    (['first', 'second'], 5, 100)
    """
    chosen = chosen_labels(data, annotators)
    named = person_column(chosen, by).notna().to_numpy()
    unnamed = int((~named).sum())
    if unnamed:
        chosen = replace(chosen, labels=complete_labels(chosen.labels[named]))
    told = None
    if items is not None:
        chosen, factors, told = _by_items(chosen, items)
    design = build_design(chosen, by=[by], factors=named_once(factors), ties=ties)
    if len(design.groups) < 2:
        raise DesignError(
            "There is only one person.",
            found=f"{by}: {', '.join(design.groups)}",
            expected="labels of at least two people",
            fix="Name the column of people: by=COLUMN (--people COLUMN), or --map annotator=COLUMN "
            "when loading.",
        )
    labels = _laid_out(design, told, unnamed)
    refuse_dependent(labels.X, labels.terms)
    if (labels.votes == labels.weight / 2.0).all():
        raise DesignError(
            "Every label is a tie.",
            found=f"{int(labels.n_labels.sum()):,} labels, all of them ties",
            expected="labels that prefer one side",
            fix="Check how verdicts were read: workbench load --explain.",
        )
    return labels


def with_constant(frame: pd.DataFrame, terms: Sequence[str], keys: Sequence[str]) -> pd.DataFrame:
    """Return a table of weights with a row, without a number, of each term that never differs.

    Parameters
    ----------
    frame : DataFrame
        With ``term`` and ``reason``.
    terms : sequence of str
    keys : sequence of str
        Columns that say whose weights a row holds and what stands in each of their rows.

    Examples
    --------
    >>> table = pd.DataFrame({"who": ["x"], "term": ["a"], "estimate": [1.0], "reason": [""]})
    >>> with_constant(table, ["b"], ["who"])[["who", "term", "estimate"]].values.tolist()
    [['x', 'a', 1.0], ['x', 'b', nan]]
    """
    if not terms:
        return frame
    whose = frame[list(keys)].drop_duplicates()
    rows = [whose.assign(term=term, reason=CONSTANT) for term in terms]
    return pd.concat([frame, *rows], ignore_index=True)[frame.columns]


def _laid_out(design: Design, told: tuple[list[str], Array] | None, unnamed: int) -> PersonLabels:
    row, X = design.cell_row, design.X
    used = (X != 0).any(axis=0)
    used[:-1] = True  # a factor that never differs is told as such; an unknown order is no term
    K = int(used.sum())
    terms, matrix, block = (
        [t for t, u in zip(design.terms, used, strict=True) if u],
        np.eye(K),
        np.arange(K),
    )
    if told is not None:
        names, basis = told
        k = basis.shape[1]
        terms = [*names, *terms[k:]]
        matrix = np.zeros((len(terms), K))
        matrix[: len(names), :k], matrix[len(names) :, k:] = basis, np.eye(K - k)
        block = np.r_[np.zeros(k, dtype=np.int64), np.arange(1, K - k + 1)]
    gone = design.exclusions.rename(columns={"group": "annotator"})
    if unnamed:
        more = pd.DataFrame([{"annotator": "", "reason": NOBODY, "n": unnamed}])
        gone = pd.concat([gone, more], ignore_index=True)
    return PersonLabels(
        X=X[row][:, used],
        weight=design.sums[0],
        votes=design.sums[1],
        count=np.bincount(design.label_cell, minlength=len(row)),
        person=design.cell_group,
        prompt=design.cluster[row],
        pair=design.pair[row],
        people=pd.Index(design.groups),
        prompts=design.cluster_names,
        terms=terms,
        told=matrix,
        block=block,
        n_labels=design.n_labels,
        exclusions=gone,
    )


def chosen_labels(data: PreferenceData, annotators: str | Iterable[str] | None) -> PreferenceData:
    """Return the labels of the criterion that decides, of these annotators or of people.

    Examples
    --------
    >>> import workbench as wb
    >>> set(chosen_labels(wb.load("sample"), None).labels["kind"])
    {'human'}
    """
    data = data.decided()
    kinds = set(data.annotators["kind"])
    if annotators is None:
        return data.filter(kinds=[_PERSON]) if _PERSON in kinds else data
    names = [annotators] if isinstance(annotators, str) else list(annotators)
    if len(names) == 1 and names[0] in kinds and names[0] not in set(data.annotators["annotator"]):
        return data.filter(kinds=names)
    return data.filter(annotators=names)


def under_other_criteria(data: PreferenceData, chosen: PreferenceData) -> pd.DataFrame:
    """Return how many labels of the chosen annotators answer another question: ``reason, n``.

    Parameters
    ----------
    data : PreferenceData
        Before a criterion was chosen.
    chosen : PreferenceData
        Of one criterion and the annotators that are looked at.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> len(under_other_criteria(data, data.decided()))
    0
    """
    mine, other = (data.coded("labels", column).among(chosen.coded("labels", column).names)
                   for column in ("annotator", "criterion"))  # fmt: skip
    n = int((mine & ~other).sum())
    rows = [{"reason": "another criterion", "n": n}] if n else []
    return pd.DataFrame(rows, columns=["reason", "n"])


def _by_items(
    data: PreferenceData, items: str
) -> tuple[PreferenceData, list[str], tuple[list[str], Array]]:
    """Return data whose factors are an orthonormal basis of the items' strengths."""
    sides = [f"{items}_a", f"{items}_b"]
    lacking = [name for name in sides if name not in data.pairs]
    named = pd.DataFrame() if lacking else data.pairs[sides].astype("object")
    names = sorted({str(v) for v in named.to_numpy().ravel() if pd.notna(v) and str(v)})
    if lacking or len(names) < 2:
        raise DesignError(
            "There are no items to weigh.",
            found=f"{len(names)} names in {' and '.join(sides)}",
            expected="two or more items, named on both sides of the pairs",
            fix="Name the columns when loading: --map model_a=COLUMN --map model_b=COLUMN; or "
            "leave items= out and weigh factors.",
        )
    place = {name: k for k, name in enumerate(names)}
    rows = np.arange(len(named))
    differences = np.zeros((len(named), len(names)))
    for side, sign in zip(sides, (1.0, -1.0), strict=True):
        code = named[side].map(lambda v: place.get(str(v), -1) if pd.notna(v) else -1).to_numpy()
        differences[rows, code] += np.where(code >= 0, sign, np.nan)
    basis = _sum_to_zero(len(names))
    columns = [f"item {k + 1}" for k in range(basis.shape[1])]
    frame = pd.DataFrame(differences @ basis, columns=columns)
    specs = {name: {"coding": {"transform": "difference"}} for name in columns}
    empty = pd.DataFrame(index=frame.index)
    return data.with_factors(frame, empty, specs), columns, (names, basis)


def _sum_to_zero(n: int) -> Array:
    """Return an orthonormal basis of the vectors that sum to 0, shape (n, n - 1).

    Examples
    --------
    >>> basis = _sum_to_zero(3)
    >>> bool(np.allclose(basis.sum(axis=0), 0)), bool(np.allclose(basis.T @ basis, np.eye(2)))
    (True, True)
    """
    basis = np.zeros((n, n - 1))
    for k in range(1, n):
        basis[:k, k - 1], basis[k, k - 1] = 1.0, -float(k)
        basis[:, k - 1] /= np.sqrt(k * (k + 1))
    return basis
