"""What is read of files before they are loaded, and is not read again at every click."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import streamlit as st
from parts.opening.once import once
from parts.opening.uploading import TOGETHER, Source

import workbench as wb
from workbench.data.explain import Explanation
from workbench.data.load import Preview
from workbench.data.reading.bounds.limits import bounded
from workbench.data.reading.heads import head_of

_WHOLE = 2 << 20
"""Bytes that are read at once for a look; of more, the first records."""
_SHOWN = 8
"""Records and judgements that are shown."""
_LOOK, _READ = "opening-look", "opening-read"


class Look(NamedTuple):
    """What is looked at before anything is loaded.

    Attributes
    ----------
    source : Path or list of Path
        The files, or files with their first records.
    whole : bool
        Whether it is all there is.
    quick : bool
        Whether reading it takes no time.
    """

    source: Source
    whole: bool
    quick: bool


def look_into(source: Source, size: int, heads: Path) -> Look:
    """Return what to look at: small files as they are, of large ones the first records.

    Parameters
    ----------
    source : Path or list of Path
    size : int
        Bytes of all files.
    heads : Path
        An empty folder for the first records.
    """
    if size <= _WHOLE:
        return Look(source, whole=True, quick=True)
    paths = source if isinstance(source, list) else [source]
    if any(path.is_dir() for path in paths):
        # its files belong together record by record: parts of them do not fit
        return Look(source, whole=True, quick=False)
    found = [head_of(path, _sub(heads, k)) for k, path in enumerate(paths)]
    cut = [one for one in found if one is not None]
    if len(cut) < len(paths):
        return Look(source, whole=True, quick=False)
    return Look(cut if isinstance(source, list) else cut[0], whole=False, quick=True)


def _sub(folder: Path, number: int) -> Path:
    # files of the same name may come from several folders
    place = folder / str(number)
    place.mkdir()
    return place


def heads_folder() -> TemporaryDirectory[str]:
    """Return a folder for first records, gone when it is left."""
    return TemporaryDirectory(prefix="workbench-heads-")


def first_look(source: Source, key: object, limits: dict[str, str]) -> Preview:
    """Return columns, first records and format of files."""

    def made() -> Preview:
        with bounded(limits):
            return wb.preview(source, _SHOWN)

    return once(_LOOK, key, made)


def read_as(source: Source, form: str | None, how: dict[str, Any], key: object) -> Explanation:
    """Return how files are read."""
    return once(_READ, key, lambda: wb.explain(source, form, rows=_SHOWN, **how))


def was_read(key: object) -> bool:
    """Tell whether files were read for a look in this way."""
    kept = st.session_state.get(_READ)
    return kept is not None and kept[0] == key


def forget() -> None:
    """Keep nothing of files that are loaded or gone."""
    for slot in (_LOOK, _READ, TOGETHER):
        st.session_state.pop(slot, None)
