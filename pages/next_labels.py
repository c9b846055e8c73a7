"""Labels to buy: how many, of which pairs, by people or a judge, and when to stop."""

from __future__ import annotations

from typing import Any

import streamlit as st
from parts.beside.choices import chosen_judges
from parts.beside.labels import LABELS
from parts.choices import one
from parts.entry import enter
from parts.state import announce, current
from parts.structure.tabs import tabs

import workbench as wb

_SIZES = [100, 50, 200, 500, 1000]


def _choices(data: wb.PreferenceData) -> dict[str, Any]:
    """Show the choices in the side bar; the URL keeps them."""
    chosen = chosen_judges(data)
    with st.sidebar:
        return {**chosen, "n": one("Pairs to choose", _SIZES, "next_pairs")}


enter("Labels to buy")
data = current()
announce(data)
tabs(LABELS, "labels_view", data, _choices(data))
