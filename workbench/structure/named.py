"""Names that a caller gives: the column of people, and factors that labels can tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.data.rows import Coded
from workbench.decompose.kernel import Array
from workbench.errors import DesignError, listed

NOBODY = "no person is named"
"""Why a label is left out whose column of people is empty."""


def person_column(data: PreferenceData, by: str) -> pd.Series:
    """Return the name of each label's person, one a label; missing where nobody is named.

    Raises
    ------
    DesignError
        No such column of labels or pairs.

    Examples
    --------
    >>> import workbench as wb
    >>> person_column(wb.load("sample"), "scenario").notna().all()
    np.True_
    """
    if table_of(data, by) == "labels":
        return data.labels[by].reset_index(drop=True)
    return data.pairs[by].take(data.pair_rows).reset_index(drop=True)


def people_coded(data: PreferenceData, by: str) -> Coded:
    """Return what :func:`person_column` does as numbers, which labels by the million need.

    Examples
    --------
    >>> import workbench as wb
    >>> people_coded(wb.load("sample"), "annotator").names[0]
    'sim-judge-format'
    """
    found = data.coded(table_of(data, by), by)
    return found if by in data.labels else Coded(found.codes[data.pair_rows], found.names)


def table_of(data: PreferenceData, by: str) -> Literal["labels", "pairs"]:
    """Return which table names people in a column, or refuse a column that neither has.

    Examples
    --------
    >>> import workbench as wb
    >>> table_of(wb.load("sample"), "scenario")
    'pairs'
    """
    if isinstance(by, str) and by in data.labels:
        return "labels"
    if isinstance(by, str) and by in data.pairs:
        return "pairs"
    raise DesignError(
        f"There is no column {by!r} that names people.",
        found=", ".join(dict.fromkeys([*map(str, data.labels), *map(str, data.pairs)])),
        expected="one column of the labels or of the pairs",
        fix="Name one of these: by=COLUMN (--people COLUMN).",
    )


def named_once(factors: Sequence[str] | None) -> list[str] | None:
    """Return the names of factors, or refuse one that is named twice.

    Examples
    --------
    >>> named_once(("words", "bold")), named_once(None)
    (['words', 'bold'], None)
    """
    names = None if factors is None else listed("factors", factors)
    if names is not None and len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise DesignError(
            "A factor is named twice.",
            found=", ".join(twice),
            expected="each factor once: of two equal terms neither has a weight of its own",
            fix="Name it once in factors=.",
        )
    return names


def refuse_dependent(X: Array, terms: Sequence[str]) -> None:
    """Refuse factors that are combinations of others: no label tells their weights apart.

    Items that meet no other are told by the verbs, each in its own words.

    Examples
    --------
    >>> refuse_dependent(np.eye(2), ["words", "bold"])
    """
    used = (X != 0).any(axis=0)
    if not used.any() or len(terms) != X.shape[1]:
        return
    X = X[:, used] / np.sqrt((X[:, used] ** 2).mean(axis=0))
    rank = int(np.linalg.matrix_rank(X.T @ X, hermitian=True))
    if rank == used.sum():
        return
    names = [t for t, u in zip(terms, used, strict=True) if u]
    whole = [
        name
        for k, name in enumerate(names)
        if np.linalg.matrix_rank(np.delete(X, k, 1).T @ np.delete(X, k, 1), hermitian=True) == rank
    ]
    raise DesignError(
        "The weights cannot be told apart.",
        found=f"{rank} independent of {len(names)} terms; combinations of others: "
        f"{', '.join(whole)}",
        expected="factors that are no combinations of others",
        fix="Leave one of these out (factors=...).",
    )
