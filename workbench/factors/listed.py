"""Factors of lists: what each response holds, such as the values that an action stands for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.dataset import PreferenceData
from workbench.data.formats.printed import OPENING, structure
from workbench.errors import DesignError
from workbench.factors.catalog import FactorSpec
from workbench.factors.coding import Coding
from workbench.factors.score import with_coded

Array = NDArray[np.float64]
Names = frozenset[str]

_SEPARATORS = (";", "|", "\n", ",")
_PLAIN = Coding("difference", standardise=False)


@dataclass(frozen=True, eq=False)
class Listed:
    """What both responses of each pair hold.

    Attributes
    ----------
    column : str
        Of the pairs, without its ``_a`` and ``_b``.
    sides : tuple of two lists of frozenset of str
        Names that A and that B hold, by pair; None where a list is missing.
    separator : str or None
        What parts the names of a cell; None where cells are lists.
    """

    column: str
    sides: tuple[list[Names | None], list[Names | None]]
    separator: str | None

    @property
    def names(self) -> list[str]:
        """Every name that some response holds, in order."""
        return sorted(set().union(*(held for side in self.sides for held in side if held)))

    def counts(self) -> Counter[str]:
        """Return in how many pairs exactly one response holds each name."""
        found: Counter[str] = Counter()
        for a, b in zip(*self.sides, strict=True):
            if a is not None and b is not None:
                found.update(a ^ b)
        return found

    def held(self, groups: Mapping[str, Iterable[str]]) -> tuple[Array, Array]:
        """Return how many names of each group A and B hold, each of shape (pairs, groups).

        Parameters
        ----------
        groups : mapping of str to iterable of str
            The names of each column.
        """
        columns: dict[str, list[int]] = {}
        for k, names in enumerate(groups.values()):
            for name in names:
                columns.setdefault(name, []).append(k)
        a, b = (self._side(side, columns, len(groups)) for side in self.sides)
        return a, b

    def _side(self, side: list[Names | None], columns: dict[str, list[int]], K: int) -> Array:
        values = np.zeros((len(side), K))
        for i, names in enumerate(side):
            if names is None:
                values[i] = np.nan
                continue
            for name in names:
                for k in columns.get(name, ()):
                    values[i, k] += 1.0
        return values


def normal_name(name: object) -> str:
    """Return a name of a list as names are compared: case and spaces say nothing.

    Examples
    --------
    >>> normal_name("  Respect for  Rules ")
    'respect for rules'
    """
    return " ".join(str(name).split()).casefold()


def list_columns(data: PreferenceData) -> list[str]:
    """Return the names of column pairs whose cells may be lists: text in ``x_a`` and ``x_b``.

    Parameters
    ----------
    data : PreferenceData

    Examples
    --------
    >>> pairs = pd.DataFrame({"values_a": ["['care']"], "values_b": ["[]"]})
    >>> labels = pd.DataFrame({"pair": [0], "annotator": "ann", "preference": [1.0]})
    >>> list_columns(PreferenceData.from_tables(pairs, labels))
    ['values']
    """
    own = {"response", "model", "prompt"}
    columns = data.pairs.columns
    return [
        c[:-2]
        for c in columns
        if c.endswith("_a") and f"{c[:-2]}_b" in columns and c[:-2] not in own
        and not pd.api.types.is_numeric_dtype(data.pairs[c].dtype)
    ]  # fmt: skip


def held_lists(data: PreferenceData, usual: str = "values") -> dict[str, Listed]:
    """Return the lists that the data have, by column: names that recur from pair to pair.

    Parameters
    ----------
    data : PreferenceData
    usual : str
        The column that is a list by its name, whatever it holds; it comes first.

    Returns
    -------
    dict of str to Listed
        Text whose parts hardly ever recur is prose, and columns ``theory_NAME`` are kinds of
        others; both are left out.

    Examples
    --------
    >>> pairs = pd.DataFrame({"values_a": ["['care']"], "values_b": ["[]"], "why_a": "so, it is",
    ...                       "why_b": "but, not"})
    >>> labels = pd.DataFrame({"pair": [0], "annotator": "ann", "preference": [1.0]})
    >>> list(held_lists(PreferenceData.from_tables(pairs, labels)))
    ['values']
    """
    found = {}
    names = [name for name in list_columns(data) if not name.startswith("theory_")]
    for name in sorted(names, key=lambda one: one != usual):
        try:
            listed = read_lists(data, name)
        except DesignError:
            continue
        if name == usual or _recurs(listed):
            found[name] = listed
    return found


def _recurs(listed: Listed) -> bool:
    """Tell whether most of what cells hold is held by others too."""
    held = Counter(name for side in listed.sides for names in side for name in names or ())
    return 2 * sum(n for n in held.values() if n > 1) > sum(held.values())


def read_lists(data: PreferenceData, column: str, *, separator: str | None = None) -> Listed:
    """Read columns of lists: JSON, what Python prints of a list, or text with separators.

    Parameters
    ----------
    data : PreferenceData
        Pairs with ``column_a`` and ``column_b``.
    column : str
    separator : str, optional
        What parts the names of a cell that is no list; the first of ``;``, ``|``, a line end and
        ``,`` that stands in any of these cells when None.

    Returns
    -------
    Listed
        An empty text or list holds nothing; a missing cell is not known. A name counts once.

    Raises
    ------
    DesignError
        No such columns, or no name in them.

    Examples
    --------
    >>> pairs = pd.DataFrame({"values_a": ["['Care', 'Duty']"], "values_b": ["duty; self"]})
    >>> labels = pd.DataFrame({"pair": [0], "annotator": "ann", "preference": [1.0]})
    >>> read_lists(PreferenceData.from_tables(pairs, labels), "values").names
    ['care', 'duty', 'self']
    """
    sides = [f"{column}_{side}" for side in "ab"]
    lacking = [name for name in sides if name not in data.pairs]
    if lacking:
        raise DesignError(
            f"There are no lists {column!r}.",
            found=f"no column {lacking[0]}; column pairs of text: "
            f"{', '.join(list_columns(data)) or 'none'}",
            expected=f"columns {' and '.join(sides)}, each cell a list or text with separators",
            fix="Name the column without its _a and _b: column= (--column).",
        )
    cells = [data.pairs[name].tolist() for name in sides]
    parsed = [[_structured(cell) for cell in side] for side in cells]
    texts = [one for side in parsed for one in side if isinstance(one, str)]
    used = separator or next((s for s in _SEPARATORS if any(s in t for t in texts)), None)
    first, second = ([_names(one, used) for one in side] for side in parsed)
    found = Listed(column, (first, second), used if texts else None)
    if not found.names:
        raise DesignError(
            f"The lists {column!r} hold nothing.",
            found=f"{len(data):,} pairs, every list empty or missing",
            expected="names in some of the cells",
            fix="Name another column, or write the names with ; between them.",
        )
    return found


def from_lists(
    data: PreferenceData,
    column: str,
    groups: Mapping[str, Iterable[str]] | Sequence[str] | None = None,
    *,
    separator: str | None = None,
) -> PreferenceData:
    r"""Make factors of lists: what A holds less what B holds.

    .. math:: x_k = 1[k \in A] - 1[k \in B]

    Parameters
    ----------
    data : PreferenceData
        Pairs with ``column_a`` and ``column_b``, see :func:`read_lists`.
    column : str
    groups : mapping of str to iterable of str, or sequence of str, optional
        Names that count, or by factor the names whose number it is; every name when None.
    separator : str, optional

    Returns
    -------
    PreferenceData
        With a factor ``column: name`` each. Where a list is missing, factors are NaN: a fit
        leaves such pairs out and counts them.

    Raises
    ------
    DesignError
        No such lists.

    Examples
    --------
    >>> pairs = pd.DataFrame({"values_a": ["care; duty"], "values_b": ["duty; self"]})
    >>> labels = pd.DataFrame({"pair": [0], "annotator": "ann", "preference": [1.0]})
    >>> data = from_lists(PreferenceData.from_tables(pairs, labels), "values")
    >>> data.factor_names, data.factors["values: self"].tolist()
    (['values: care', 'values: duty', 'values: self'], [-1.0])
    """
    listed = read_lists(data, column, separator=separator)
    wanted: Mapping[str, Iterable[str]]
    if groups is None or not isinstance(groups, Mapping):
        wanted = {name: (name,) for name in (listed.names if groups is None else groups)}
    else:
        wanted = groups
    return with_lists(data, listed, wanted)


def with_lists(
    data: PreferenceData, listed: Listed, groups: Mapping[str, Iterable[str]], prefix: str = ""
) -> PreferenceData:
    """Return the data with a factor of each group of names: ``prefix: group``.

    Parameters
    ----------
    data : PreferenceData
    listed : Listed
    groups : mapping of str to iterable of str
        The names that each factor counts.
    prefix : str
        The column's name when empty.
    """
    names = {group: [normal_name(one) for one in inner] for group, inner in groups.items()}
    a, b = listed.held(names)
    before = prefix or listed.column
    specs = [_spec(f"{before}: {group}", listed.column, inner) for group, inner in names.items()]
    return with_coded(data, specs, a, b)


def _spec(name: str, column: str, names: Sequence[str]) -> FactorSpec:
    shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
    what = f"How many of {shown} the list {column} holds."
    return FactorSpec(name, what, "user", "score", _PLAIN, "column")


def _structured(cell: Any) -> Any:
    """Return the list that a cell is, its text, or None where it is missing."""
    if isinstance(cell, str):
        text = cell.strip()
        found = structure(text) if text.startswith(OPENING) else None
        return found if isinstance(found, list) else text
    if cell is None or (isinstance(cell, float) and np.isnan(cell)):
        return None
    if isinstance(cell, list | tuple | set | frozenset | np.ndarray):
        return list(cell)
    return None if pd.isna(cell) else str(cell)


def _names(cell: Any, separator: str | None) -> Names | None:
    if cell is None:
        return None
    parts = cell.split(separator) if isinstance(cell, str) else cell
    # what is missing within a list says nothing; a number is a name as any other
    named = (normal_name(part) for part in parts
             if isinstance(part, str | int | float) and part == part)  # fmt: skip
    return frozenset(name for name in named if name)
