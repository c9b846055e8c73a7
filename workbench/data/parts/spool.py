"""The first pass over files: judgements in buckets, and what only the whole stream tells."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.data.assemble import any_text
from workbench.data.columns import UNNAMED
from workbench.data.formats import Format
from workbench.data.formats.tabular import MEANT
from workbench.data.identity import OTHER_PROMPT
from workbench.data.load import chosen_format, needed_columns
from workbench.data.parts.buckets import Buckets, move
from workbench.data.parts.columns_seen import ColumnsSeen
from workbench.data.parts.pieces import Columns, NotStreamed, pieces
from workbench.data.parts.prompts import by_cluster
from workbench.data.reading.container import Container
from workbench.data.reading.several import folders_told
from workbench.data.reading.translation import judgements_of
from workbench.errors import DataError
from workbench.whole_file import write_text

_DONE = "spooled.json"

_MISSING = re.compile(r"(.*: missing in )([\d,]+)( rows.*)")

_WHOLE = 2 << 30
"""Bytes of files that may be read as a whole where a piece of them cannot be read by itself."""


@dataclass
class Spooled:
    """What the first pass found.

    Attributes
    ----------
    format : str
    settings : dict
    notes : list of str
    groups : list of list of str, or None
        Prompts that share a cluster; None where there are too many to look for them.
    clusters : dict of str to str
        By the ids of those prompts.
    unnamed : list of str
        Kinds of the judgements whose file names nobody.
    has_texts : bool
        Whether any response has a text.
    """

    format: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    groups: list[list[str]] | None = field(default_factory=list)
    clusters: dict[str, str] = field(default_factory=dict)
    unnamed: list[str] = field(default_factory=list)
    has_texts: bool = True

    @classmethod
    def read(cls, folder: Path) -> Spooled | None:
        """Return what a finished first pass left in its folder, None where there is none."""
        path = folder / _DONE
        return cls(**json.loads(path.read_text("utf-8"))) if path.is_file() else None


def spool(
    paths: Sequence[Path], folder: Path, n: int, format: str | None, options: Mapping[str, Any]
) -> Spooled:
    """Write the judgements of files into a folder, in ``n`` files by cluster.

    Raises
    ------
    NotStreamed
        The format makes judgements of several records, or what the records say cannot be
        told apart by cluster without the whole.
    DataError
        A piece by itself cannot be read, and the files are too large to be read as a whole.
    """
    first = _First(format, options)
    buckets = Buckets(folder, n)
    kinds: set[str] = set()
    has_texts = False
    try:
        for piece in _all_pieces(paths, folder, first.columns):
            judgements = first.judgements(piece, len(paths) > 1)
            kinds |= _unnamed(judgements)
            has_texts |= any_text(judgements)
            buckets.add(judgements)
    except DataError as error:
        if sum(one.stat().st_size for one in paths) > _WHOLE:
            raise
        # what one piece leaves open, such as the meaning of a label, all may tell
        raise NotStreamed(f"a piece by itself cannot be read: {error.what}") from error
    if buckets.torn:
        raise NotStreamed("judgements of one pair name several clusters")
    if first.columns_seen.ids_repeat:
        raise NotStreamed("what an id names is told by all records alone")
    if first.found is None:
        raise NotStreamed("no line of it is a record")
    groups, clusters = by_cluster(buckets.prompts.near_equal())
    # what the prompts took is of use to the parts that are made next
    pa.default_memory_pool().release_unused()
    spooled = Spooled(
        first.found.name,
        first.settings,
        [*first.notes, *(f"{a}{n:,}{z}" for (a, z), n in first.missing.items())],
        groups,
        clusters,
        sorted(kinds),
        has_texts,
    )
    move(folder, n, groups or [])
    write_text(folder / _DONE, json.dumps(asdict(spooled), ensure_ascii=False))
    return spooled


def _all_pieces(paths: Sequence[Path], folder: Path, columns: Columns) -> Iterator[Container]:
    """Yield the pieces of all files, each with the name that tells its file from the others."""
    for before, path in zip(folders_told(paths), paths, strict=True):
        for piece in pieces(path, folder, columns):
            yield replace(piece, name=before + piece.name) if before else piece


class _First:
    """The format and the decisions of the first piece, which hold for all."""

    def __init__(self, format: str | None, options: Mapping[str, Any]) -> None:
        self.name, self.options = format, options
        self.found: Format | None = None
        self.settings: dict[str, Any] = {}
        self.notes: dict[str, None] = {}
        self.missing: dict[tuple[str, str], int] = {}
        self.meaning: dict[tuple[str, str], str] = {}
        self.columns_seen = ColumnsSeen()

    def columns(self, head: Container) -> list[str] | None:
        """Return the columns that the format needs of a Parquet file."""
        return needed_columns(head, self.name, self.options)

    def judgements(self, piece: Container, several: bool) -> pd.DataFrame:
        """Return the judgements of a piece."""
        _, found = chosen_format(
            piece, self.name if self.found is None else self.found.name, self.options
        )
        self.found = self.found or found
        if found.whole and found.name != "tabular":
            raise NotStreamed(f"the format {found.name} makes judgements of several records")
        if found.finish is not None:
            raise NotStreamed(f"the format {found.name} brings factors of its own")
        if several:
            piece.files, piece.file_of = [piece.name], np.zeros(len(piece.table), dtype=np.int64)
            piece.bad = [row._replace(file=piece.name) for row in piece.bad]
        meant: list[pd.DataFrame] = []
        asked = {MEANT: meant} if found.name == "tabular" else {}
        judgements = judgements_of(piece, found, {**self.options, **asked})
        if OTHER_PROMPT in judgements:
            raise NotStreamed("the two responses of a pair answer different prompts")
        self._agree(meant, judgements.attrs["settings"])
        self.columns_seen.add(judgements, piece.notes)
        self._note(judgements.attrs["notes"])
        judgements.attrs = {}
        return judgements

    def _note(self, notes: Sequence[str]) -> None:
        """Take in what is noted of a piece; rows that miss something are added up."""
        for note in notes:
            found = _MISSING.fullmatch(note)
            if found is None:
                self.notes[note] = None
                continue
            form = found[1], found[3]
            self.missing[form] = self.missing.get(form, 0) + int(found[2].replace(",", ""))

    def _agree(self, meant: Sequence[pd.DataFrame], settings: Mapping[str, Any]) -> None:
        """Check that a piece reads labels as those before it did."""
        differs = [
            name for name in settings if self.settings.get(name, settings[name]) != settings[name]
        ]
        self.settings.update(settings)
        for one in meant:
            for row in one.itertuples():
                key = (str(row.column), str(row.value))
                if self.meaning.setdefault(key, row.meaning) != row.meaning:
                    differs.append(f"{key[1]!r} in {key[0]!r}")
        if differs:
            names = ", ".join(differs[:4])
            raise NotStreamed(f"pieces of the files read their labels differently: {names}")


def _unnamed(judgements: pd.DataFrame) -> set[str]:
    """Return the kinds of judgements whose annotator nobody names."""
    n = len(judgements)
    if not n:
        return set()
    who = judgements["annotator"] if "annotator" in judgements else pd.Series([None] * n)
    nobody = (who.isna() | (who == UNNAMED)).to_numpy()
    if not nobody.any():
        return set()
    if "kind" not in judgements:
        return {"unknown"}
    return set(judgements["kind"][nobody].fillna("unknown").unique())
