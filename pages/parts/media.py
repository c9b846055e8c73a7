"""Media that a pair names: their names as text, and images of the served data's own folder."""

from __future__ import annotations

import io
import os
from itertools import islice
from pathlib import Path

import pandas as pd
import streamlit as st
from parts.state import is_own, is_sample
from parts.ui import note, text
from PIL import Image

import workbench as wb
from workbench.data.reading.images import local_image
from workbench.data.store import is_saved
from workbench.report.pair_view import MediaColumn, media_of

_SHOWN = 4
"""Images of a prompt or of a response that are shown."""
_PIXELS = 50_000_000
"""Pixels of the largest image that is unpacked: a small file can hold a very large one."""
_UNSHOWN = (
    OSError,
    ValueError,
    SyntaxError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
"""What Pillow raises for damaged and for very large images."""


def media_of_prompt(pair: pd.Series, data: wb.PreferenceData) -> None:
    """Name the media of a pair's prompt, and show the images that lie beside the data."""
    _show(pair, data, "media", "Media of the prompt")


def media_of_responses(pair: pd.Series, data: wb.PreferenceData) -> None:
    """Name the media of both responses, each below its own, and show their images."""
    sides: tuple[tuple[MediaColumn, str], ...] = (
        ("media_a", "Media of response A"),
        ("media_b", "Media of response B"),
    )
    if not any(media_of(pair, column) for column, _ in sides):
        return
    for place, (column, title) in zip(st.columns(2), sides, strict=True):
        with place:
            _show(pair, data, column, title)


def _show(pair: pd.Series, data: wb.PreferenceData, column: MediaColumn, title: str) -> None:
    names = media_of(pair, column)
    if not names:
        return
    st.caption(title)
    text("\n".join(names))
    folders = _folders(data)
    found = ((name, image) for name in names if (image := local_image(name, *folders)))
    for name, image in islice(found, _SHOWN):
        try:
            _draw(image, name)
        except _UNSHOWN:
            note("This image cannot be shown: it is damaged or too large.")
    if next(found, None):
        note(f"More images are named; the first {_SHOWN} are shown.")


def _draw(image: bytes, name: str) -> None:
    # the size stands in the head of the file: nothing is unpacked yet
    with Image.open(io.BytesIO(image)) as opened:
        if opened.width * opened.height > _PIXELS:
            raise Image.DecompressionBombError(f"{opened.width} x {opened.height} pixels")
    st.image(image, width=320, alt=name)


def _folders(data: wb.PreferenceData) -> list[Path]:
    """Return the folders of the data that the server opened itself."""
    source = os.environ.get("WORKBENCH_DATA")
    # an upload must not read the server's files by naming them
    if not source or source.startswith("hub:") or is_own(data) or is_sample(data):
        return []
    path = Path(source)
    if not path.is_dir():
        return [path.parent]
    # a saved data set may lie in a folder of its own beside the images
    return [path, path.parent] if is_saved(path) else [path]
