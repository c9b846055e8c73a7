"""Media of a pair: their names as text, images in the data or beside the served data drawn."""

from __future__ import annotations

import io
import os
from collections import Counter
from itertools import islice
from pathlib import Path

import pandas as pd
import streamlit as st
from parts.state import is_own, is_sample
from parts.ui import note, text
from PIL import Image

import workbench as wb
from workbench.data.formats.message_parts import media_name
from workbench.data.on_view.pictures import DAMAGED, MediaColumn, Shown, pictures_of
from workbench.data.store import is_saved
from workbench.report.pair_view import media_of

_SHOWN = 4
"""Images of a prompt or of a response that are shown."""
_READ = 24
"""Images of a prompt or of a response that are looked at."""
_WIDEST = 960
"""Pixels of the longer side of what is drawn."""


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
    # an image that stands in the data is no name to read
    text("\n".join(media_name(one) or one for one in names))
    drawn = more = 0
    lost: Counter[str] = Counter()
    for one in islice(pictures_of(pair, column, *_folders(data)), _READ):
        if one.reason is None and drawn == _SHOWN:
            more += 1
        elif one.reason is None and _drawn(one):
            drawn += 1
        else:
            lost[one.reason or DAMAGED] += 1
    for reason, n in lost.items():
        note(f"{n} of these cannot be shown as an image: {reason}.")
    if more or len(names) > _READ:
        note(f"More images are named; the first {_SHOWN} are shown.")


def _drawn(one: Shown) -> bool:
    """Draw an image anew, smaller: the browser gets no byte of the file itself."""
    try:
        with Image.open(io.BytesIO(one.content or b"")) as opened:
            opened.thumbnail((_WIDEST, _WIDEST))
            made = opened.convert("RGBA" if opened.has_transparency_data else "RGB")
    except Exception:
        # a damaged file makes Pillow raise nearly anything
        return False
    st.image(made, width=320, alt=one.name)
    return True


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
