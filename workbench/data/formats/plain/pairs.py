"""The pairs that a table's rows hold: texts, models, media, ids and metadata."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from workbench.data.formats.plain.columns import turn_column
from workbench.data.formats.plain.counted import withdrawn
from workbench.data.formats.plain.identity import identity
from workbench.data.formats.plain.mapping import Layout
from workbench.data.formats.plain.texts import (
    Texts,
    joined,
    media_of,
    pair_texts,
    read_texts,
    with_system,
)
from workbench.data.formats.records import RESERVED, metadata, names
from workbench.errors import DataError


class Pairs:
    """The responses of a table's rows, of which each two make a pair.

    Parameters
    ----------
    table : pyarrow.Table
    layout : Layout
    notes : list of str
        Notes on metadata are added.

    Raises
    ------
    DataError
        Nothing tells one pair from another.

    Examples
    --------
    >>> from workbench.data.formats.plain.mapping import resolve
    >>> table = pa.table({"text_a": ["x"], "text_b": ["y"], "label": ["a"]})
    >>> pairs = Pairs(table, resolve(table.column_names, {}), [])
    >>> pairs.between(0, 1)["response_b"].tolist()
    ['y']
    """

    def __init__(self, table: pa.Table, layout: Layout, notes: list[str]) -> None:
        self._table, self._roles, self._letters = table, layout.roles, layout.letters
        self._prompt = _prompt(table, layout)
        self._texts = [read_texts(table, layout.roles.get(f"response_{x}")) for x in layout.letters]
        self._common = _common(table, layout, notes)
        prompt = self._prompt.text if layout.prompt else None
        self._ids = identity(table, layout.roles, self.texts, prompt)
        self._ids.update(self._told_apart(table, layout))
        if len(layout.letters) > 2 and "cluster" not in self._ids and prompt is None:
            # the pairs of one choice were drawn together
            rows = [f"row {row}" for row in range(1, len(table) + 1)]
            self._ids["cluster"] = pd.Series(rows, dtype="str")
        told = any(role.startswith(("response", "model", "media")) for role in layout.roles)
        if not (told or layout.prompt or self._ids or len(self._common.columns)):
            raise _nothing_told(table.column_names)

    def _told_apart(self, table: pa.Table, layout: Layout) -> dict[str, pd.Series]:
        """Return the item with what tells pairs of one text apart: B's own prompt, the turn."""
        result = {}
        turn = turn_column([name for name in table.column_names if name not in layout.used])
        parts = {}
        if "prompt_b" in layout.roles:
            own = read_texts(table, layout.roles["prompt_b"]).text
            other = own.where(own.fillna("") != self._prompt.text.fillna(""))
            if other.notna().any():
                result["prompt_b"] = other
        if turn is not None:
            parts[turn.strip()] = names(table, turn)
        if parts:
            ids, prompt = self._ids, self._prompt.text
            known = next((ids[role] for role in ("item", "cluster") if role in ids), prompt)
            known = known.where(known.notna(), prompt)
            said = known.fillna("")
            for name, part in parts.items():
                said = said + (f"\n\n{name}: " + part).fillna("")
            whole = ids.get("item", pd.Series([None] * len(table), dtype="str"))
            more = pd.concat(parts, axis=1).notna().any(axis=1)
            result["item"] = said.str.strip().where(more, whole).astype("str")
        return result

    @property
    def texts(self) -> list[pd.Series]:
        """Return the texts of the responses in order; none where the table has no text."""
        return [text.text for text in self._texts] if "response_a" in self._roles else []

    @property
    def models(self) -> list[pd.Series]:
        """Return the models of the responses in order; none where the table names none."""
        columns = [self._roles.get(f"model_{letter}") for letter in self._letters]
        return [names(self._table, column) for column in columns if column is not None]

    @property
    def shown(self) -> NDArray[np.bool_]:
        """Return which responses each row has; a third or further one can be missing."""
        result = np.ones((len(self._table), len(self._letters)), dtype=bool)
        stems = ("response", "media") if self.texts or "media_a" in self._roles else ("model",)
        for place in range(2, len(self._letters)):
            roles = [f"{stem}_{self._letters[place]}" for stem in stems]
            given = [self._has(role, place) for role in roles if role in self._roles]
            if given:
                result[:, place] = np.any(given, axis=0)
        return result

    def _has(self, role: str, place: int) -> NDArray[np.bool_]:
        """Tell where a side's cell holds something, be it unreadable."""
        if role.startswith("response"):
            text = self._texts[place]
            has = np.array(text.text.fillna("").str.strip() != "", dtype=bool)
            has[[*text.bad, *text.chats]] = True
            return has
        values = media_of if role.startswith("media") else names
        found = values(self._table, self._roles[role]).fillna("").str.strip() != ""
        return np.asarray(found, dtype=bool)

    def between(self, first: int, second: int) -> pd.DataFrame:
        """Return what describes the pair of two responses, a row for each of the table's."""
        frame = pair_texts(self._prompt, [self._texts[first], self._texts[second]])
        if "media" in self._roles:
            # a column of pictures goes before what messages show
            frame = frame.drop(columns="media", errors="ignore")
        if not self.texts:
            frame = frame.drop(columns=["response_a", "response_b"])
        withdrawn(self._table, self._roles, frame)
        for side, place in (("a", first), ("b", second)):
            letter = self._letters[place]
            if f"model_{letter}" in self._roles:
                frame[f"model_{side}"] = names(self._table, self._roles[f"model_{letter}"])
            if f"media_{letter}" in self._roles:
                frame[f"media_{side}"] = media_of(self._table, self._roles[f"media_{letter}"])
        frame = frame.assign(**self._ids)
        extra = self._common.drop(columns=[name for name in frame if name in self._common])
        return pd.concat([extra, frame], axis=1)


def _prompt(table: pa.Table, layout: Layout) -> Texts:
    parts = [read_texts(table, name) for name in layout.prompt] or [read_texts(table, None)]
    # an input stands on the line after its instruction, a passage is a paragraph
    own_line = layout.roles.get("input")
    gaps = ["\n" if name == own_line else "\n\n" for name in layout.prompt[1:]]
    prompt = joined(parts, gaps)
    return with_system(read_texts(table, layout.system), prompt) if layout.system else prompt


def _common(table: pa.Table, layout: Layout, notes: list[str]) -> pd.DataFrame:
    """Return scenario, media of the prompt and metadata, with notes on the latter."""
    own = layout.roles.get("cluster")
    # sessions may differ between judgements of one pair: they are kept under their own name too
    extra, lost = metadata(table, [c for c in layout.used if c != own or c in RESERVED])
    extra = extra.rename(columns={"": "unnamed"}).apply(_as_numbers)
    if len(extra.columns):
        notes.append("columns kept as metadata: " + ", ".join(map(str, extra.columns)))
    if lost:
        notes.append("columns not kept, lists of nested values: " + ", ".join(lost))
    if "scenario" in layout.roles:
        extra["scenario"] = names(table, layout.roles["scenario"])
    if "media" in layout.roles:
        extra["media"] = media_of(table, layout.roles["media"])
    return extra


def _as_numbers(column: pd.Series) -> pd.Series:
    """Read text as numbers where all of it is; codes such as 007 stay as they are."""
    if not pd.api.types.is_string_dtype(column.dtype) or not column.notna().any():
        return column
    numbers = pd.to_numeric(column, errors="coerce")
    same = bool(np.all(numbers.notna() == column.notna()))
    return numbers if same and not column.str.match(r"\s*[+-]?0\d").any() else column


def _nothing_told(columns: list[str]) -> DataError:
    return DataError(
        "Nothing tells one pair from another.",
        found="columns " + ", ".join(columns),
        expected="responses, an id, or columns that describe the pair",
        fix='Name them: mapping={"response_a": ..., "response_b": ...} or {"id": ...}.',
    )
