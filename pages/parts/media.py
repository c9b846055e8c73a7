"""Media that a pair names: their names as text, and images of the served data's own folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import streamlit as st
from parts.state import is_sample, uploads
from parts.ui import note, text
from PIL import Image

import workbench as wb
from workbench.data.reading.images import local_image

_COLUMNS = {"media": "Prompt", "media_a": "Response A", "media_b": "Response B"}
_SHOWN = 4
"""Images of one column that are shown."""


def show_media(pair: Any, data: wb.PreferenceData) -> None:
    """Name the media of a pair, and show the images among them that lie beside the data."""
    named = {name: str(pair[name]).splitlines() for name in _COLUMNS if _has(pair, name)}
    if not named:
        return
    for place, (column, names) in zip(st.columns(len(named)), named.items(), strict=True):
        with place:
            st.caption(f"Media of {_COLUMNS[column]}")
            text("\n".join(names))
            for image in _images(names[:_SHOWN], data):
                _show(image)


def _show(image: bytes) -> None:
    try:
        st.image(image, width=320)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        note("This image cannot be shown: it is damaged or too large.")


def _has(pair: Any, column: str) -> bool:
    return isinstance(pair.get(column), str)


def _images(names: list[str], data: wb.PreferenceData) -> list[bytes]:
    """Return the images that lie in the folder of the file that the server opened itself."""
    source = os.environ.get("WORKBENCH_DATA")
    # an upload must not read the server's files by naming them
    if not source or data.digest in uploads() or is_sample(data):
        return []
    path = Path(source)
    folder = path if path.is_dir() and not (path / "manifest.json").is_file() else path.parent
    found = (local_image(name, folder) for name in names)
    return [image for image in found if image is not None]
