"""What the columns of pieces hold: a piece by itself may take them for something else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from workbench.data.parts.pieces import NotStreamed
from workbench.data.parts.prompts import Words, words_of
from workbench.data.reading.tables.number_marks import POINTED, WITHOUT_NA

_OF_IDS = ("item", "row_id")


class ColumnsSeen:
    """Notices what would be read otherwise where all pieces are read at once.

    Examples
    --------
    >>> seen = ColumnsSeen()
    >>> seen.add(pd.DataFrame({"note": [1, 2]}), [])
    >>> seen.add(pd.DataFrame({"note": ["x"]}), [])
    Traceback (most recent call last):
    ...
    workbench.data.parts.pieces.NotStreamed: column 'note' holds a number here and a text there
    """

    def __init__(self) -> None:
        self.kinds: dict[str, str] = {}
        self.changed: tuple[str, ...] | None = None
        self.roles: tuple[str, ...] | None = None
        self.ids: list[Words] = []

    def add(self, judgements: pd.DataFrame, notes: Sequence[str]) -> None:
        """Take in the judgements of a piece, with what is told of its columns.

        Raises
        ------
        NotStreamed
            Another piece holds something else in a column of that name.
        """
        own = {name: kind for name in judgements if (kind := _kind(judgements[name]))}
        for name, kind in own.items():
            if self.kinds.get(name, kind) != kind:
                raise NotStreamed(
                    f"column {name!r} holds a {self.kinds[name]} here and a {kind} there"
                )
        for name in {*own, *self.kinds}:
            outer = name.rpartition(".")[0]
            both = {name, outer} <= own.keys() | self.kinds.keys()
            if both and not {name, outer} <= own.keys() and not {name, outer} <= self.kinds.keys():
                raise NotStreamed(f"column {outer!r} holds fields in some records alone")
        self.kinds.update(own)
        changed = tuple(note for note in notes if note.startswith((POINTED, WITHOUT_NA)))
        if self.changed is not None and self.changed != changed:
            raise NotStreamed(
                "what commas and NA are in a column is told by all of its values alone"
            )
        self.changed = changed
        if "source_id" in judgements and len(judgements):
            self._add_ids(judgements)

    def _add_ids(self, judgements: pd.DataFrame) -> None:
        roles = tuple(name for name in _OF_IDS if name in judgements)
        if self.roles is not None and self.roles != roles:
            raise NotStreamed("what an id names is told by all records alone")
        self.roles = roles
        if "row_id" in judgements:
            rows = judgements.drop_duplicates("row")
            self.ids.append(words_of(rows["source_id"].dropna()))

    @property
    def ids_repeat(self) -> bool:
        """Whether ids that are those of judgements in every piece come again in another."""
        if not self.ids:
            return False
        every = np.concatenate(self.ids)
        return len(np.unique(every)) < len(every)


def _kind(column: pd.Series) -> str | None:
    """Return what a column holds: a number, a truth value or a text; None where nothing."""
    given = column.notna().to_numpy()
    if not given.any():
        return None
    first = column.iloc[int(given.argmax())]
    if pd.api.types.is_bool_dtype(column.dtype) or isinstance(first, bool | np.bool_):
        return "truth value"
    return "number" if pd.api.types.is_numeric_dtype(column.dtype) else "text"
