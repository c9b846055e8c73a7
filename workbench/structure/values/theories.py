"""Theories: which value is of which kind, by the user's own table or the columns of a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.data.formats.printed import nested
from workbench.data.reading.containers import open_container
from workbench.errors import DataError
from workbench.factors.listed import list_columns, normal_name

BEFORE = "theory_"
"""How the columns of a file begin that say of what kind each of its values is."""

Table: TypeAlias = str | Path | pd.DataFrame | Mapping[str, Mapping[str, str]]
_KEY = "value"


@dataclass(frozen=True)
class Theories:
    """Kinds of values by theory.

    Attributes
    ----------
    kinds : dict of str to dict of str to str
        By theory and value, its kind. A value without one is not there.
    source : str
        What said so.
    """

    kinds: dict[str, dict[str, str]]
    source: str

    def groups(self, theory: str, known: set[str]) -> dict[str, list[str]]:
        """Return the values of each kind of a theory, of those that the data have."""
        found: dict[str, list[str]] = {}
        for value, kind in sorted(self.kinds[theory].items()):
            if value in known:
                found.setdefault(kind, []).append(value)
        return dict(sorted(found.items()))


def read_theories(table: Table) -> Theories:
    r"""Read which value is of which kind.

    Parameters
    ----------
    table : str, Path, DataFrame or mapping
        A file or table with a column ``value`` (or else its first column of texts) and a column
        of kinds for each theory; or ``{theory: {value: kind}}``. An empty cell: none.

    Returns
    -------
    Theories

    Raises
    ------
    DataError
        No such columns, or a value that stands twice with two kinds.

    Examples
    --------
    >>> found = read_theories(pd.DataFrame({"value": ["Care"], "MFT": ["Care"], "WVS": [None]}))
    >>> found.kinds
    {'MFT': {'care': 'Care'}}
    """
    if isinstance(table, Mapping):
        kinds = {str(name): {normal_name(v): str(kind) for v, kind in inner.items()}
                 for name, inner in table.items()}  # fmt: skip
        return Theories(_filled(kinds, "mapping"), "mapping")
    frame, where = (table, "table") if isinstance(table, pd.DataFrame) else _of_file(table)
    columns = [c for c in frame if _is_text(frame[c])]
    key = next((c for c in columns if normal_name(c) == _KEY), columns[0] if columns else None)
    if key is None:
        raise _none(where, ", ".join(map(str, frame.columns)))
    rows = frame[frame[key].notna()]
    values = [normal_name(v) for v in rows[key]]
    kinds = {}
    for column in columns:
        if column == key:
            continue
        of: dict[str, str] = {}
        for value, kind in zip(values, rows[column], strict=True):
            if not isinstance(kind, str) or not kind.strip():
                continue
            kind = " ".join(kind.split())
            if of.setdefault(value, kind) != kind:
                raise DataError(
                    "A value is of two kinds.",
                    where=where,
                    found=f"{value!r} is {of[value]!r} and {kind!r} by {column}",
                    expected="one kind of each value in a theory",
                    fix="Correct the table of theories.",
                )
        kinds[str(column)] = of
    return Theories(_filled(kinds, where), where)


def theories_in(data: PreferenceData, column: str) -> Theories | None:
    """Return what the file itself says of the kinds of its values, or None where it does not.

    Parameters
    ----------
    data : PreferenceData
        ``theory_NAME_a`` and ``_b`` hold a kind for each value in ``column_a`` and ``_b``.
    column : str

    Notes
    -----
    A value of which a file says several kinds has the one that it says most often.

    Examples
    --------
    >>> pairs = pd.DataFrame({"values_a": ["['care']"], "values_b": ["['duty', 'luck']"],
    ...                       "theory_x_a": ["['soft']"], "theory_x_b": ["['hard', nan]"]})
    >>> labels = pd.DataFrame({"pair": [0], "annotator": "ann", "preference": [1.0]})
    >>> theories_in(PreferenceData.from_tables(pairs, labels), "values").kinds
    {'x': {'care': 'soft', 'duty': 'hard'}}
    """
    names = [c for c in list_columns(data) if c.startswith(BEFORE)]
    if not names or f"{column}_a" not in data.pairs or f"{column}_b" not in data.pairs:
        return None
    kinds: dict[str, dict[str, str]] = {}
    for name in names:
        said: dict[str, Counter[str]] = {}
        for side in "ab":
            cells = zip(data.pairs[f"{column}_{side}"], data.pairs[f"{name}_{side}"], strict=True)
            for values, of in ((nested(v), nested(k)) for v, k in cells):
                if isinstance(values, list) and isinstance(of, list) and len(values) == len(of):
                    for value, kind in zip(values, of, strict=True):
                        if isinstance(value, str) and isinstance(kind, str):
                            said.setdefault(normal_name(value), Counter())[kind] += 1
        kinds[name.removeprefix(BEFORE)] = {
            value: min(counts, key=lambda kind: (-counts[kind], kind))
            for value, counts in said.items()
        }
    kinds = {name: of for name, of in kinds.items() if of}
    return Theories(kinds, "columns of the file") if kinds else None


def _of_file(source: str | Path) -> tuple[pd.DataFrame, str]:
    container = open_container(Path(source))
    return container.table.to_pandas(), container.name


def _is_text(column: pd.Series) -> bool:
    """Tell whether a column is of texts: numbers of rows are not."""
    known = [
        v for v in column.tolist() if not (v is None or (isinstance(v, float) and np.isnan(v)))
    ]
    texts = [v for v in known if isinstance(v, str) and v.strip()]
    return bool(texts) and pd.to_numeric(pd.Series(texts), errors="coerce").isna().any()


def _filled(kinds: dict[str, dict[str, str]], where: str) -> dict[str, dict[str, str]]:
    found = {name: of for name, of in kinds.items() if of}
    if not found:
        raise _none(where, ", ".join(kinds) or "no column of kinds")
    return found


def _none(where: str, found: str) -> DataError:
    return DataError(
        "The table of theories says of no value what kind it is.",
        where=where,
        found=found,
        expected="a column value, and a column of kinds for each theory",
        fix="Write one row a value: value,THEORY and below it honesty,KIND.",
    )
