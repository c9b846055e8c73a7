"""Files that a visitor uploads: in a folder of their own for as long as they are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import streamlit as st
from parts.opening.names import folder_of, safe_names, title_of
from parts.opening.once import once

import workbench as wb
from workbench.data.reading.arrow_files import saved_files
from workbench.data.reading.files import KNOWN, PACKED, SUFFIXES
from workbench.data.whole_folder import is_whole

MEGABYTES = 50
"""Of one file, at most."""
_ALL, _FILES = 200, 200
"""Megabytes and files of one upload, at most."""
_KINDS = {"Files": "Files", "A folder": "A folder, with the folders in it"}
_ROUND, TOGETHER = "uploaded", "opening-together"

Source = Path | list[Path]


def chosen_files() -> list[Any]:
    """Let files or a folder be uploaded, and return them: none at first."""
    kind = st.radio(
        "What to open", list(_KINDS), horizontal=True, key="upload-kind",
        label_visibility="collapsed", persist_state="session",
    )  # fmt: skip
    st.caption(
        f"{KNOWN}. Several files are read as one set; those that belong together (verdicts beside "
        f"questions and answers, a saved data set) are joined. At most {MEGABYTES} MB a file and "
        f"{_ALL} MB in all. They stay in this session."
    )
    types = [*(suffix.removeprefix(".") for suffix in (*SUFFIXES, *PACKED)), "txt", "zip"]
    folder = kind != "Files"
    # a new key empties the uploader: a file that is loaded need not stay in memory twice
    found = st.file_uploader(
        _KINDS[kind],
        type=types if folder else None,
        accept_multiple_files="directory" if folder else True,
        key=f"upload-{st.session_state.get(_ROUND, 0)}-{'folder' if folder else 'files'}",
        max_upload_size=MEGABYTES,
    )
    return list(found)


def key_of(files: Sequence[Any]) -> str:
    """Return what names uploads in this session."""
    return "-".join(file.file_id for file in files)


def forget_files() -> None:
    """Empty the uploader."""
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1


def check_size(files: Sequence[Any]) -> None:
    """Refuse more than is held in memory.

    Raises
    ------
    DataError
    """
    size = sum(file.size for file in files) / 2**20
    if size > _ALL or len(files) > _FILES:
        raise wb.DataError(
            "These are more files than the app takes at once.",
            found=f"{len(files):,} files of {size:,.0f} MB",
            expected=f"at most {_FILES} files and {_ALL} MB",
            fix="Upload a part of them, or serve them from the command line: workbench app FOLDER",
        )


@contextmanager
def placed(files: Sequence[Any]) -> Iterator[tuple[Path, Source]]:
    """Write uploads into a folder that is gone afterwards.

    Yields
    ------
    tuple of Path and (Path or list of Path)
        The folder; and what to read: the file, the files as one set, or a folder of files that
        belong together.
    """
    with TemporaryDirectory(prefix="workbench-upload-") as place:
        sent = [file.name for file in files]
        names = safe_names(sent)
        root = Path(place) / title_of(sent)
        for name, file in zip(names, files, strict=True):
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.getbuffer())
        if len(names) == 1:
            yield root, root / names[0]
        else:
            # a folder may hold what describes its data; of files, each one was chosen
            folder = folder_of(sent) is not None or saved_files(root) is not None
            together = folder or once(TOGETHER, key_of(files), lambda: is_whole(root))
            yield root, root if together else [root / name for name in names]
