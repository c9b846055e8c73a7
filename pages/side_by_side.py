"""Side by side: two data sets, slices or runs, by what one annotator of each rewards."""

from __future__ import annotations

import streamlit as st
from parts.calls.listing import named
from parts.calls.sides import chosen, compared
from parts.calls.sources import KINDS
from parts.choices import one
from parts.entry import enter
from parts.state import whole
from parts.ui import failure, figure, note, result, table, text

import workbench as wb
from workbench.compare.side_by_side import SHARPNESS

enter("Side by side")
data = whole()
st.caption(
    "Two files, slices or runs: what an annotator of each rewards, fitted on the factors that both "
    "have, and where the two differ."
)
kind = one("What to compare", list(KINDS), "sides")
try:
    pair = chosen(KINDS[kind](), data)
    if pair is None:
        st.stop()
    found = compared(*pair)
    names = found.settings["names"]
    note(f"first: {names[0]}, labels of {pair[0].annotator}\n"
         f"second: {names[1]}, labels of {pair[1].annotator}")  # fmt: skip
    text(found.headline())
    if len(found.to_frame()):
        st.caption(SHARPNESS)
        for place, (name, plot) in zip(st.columns(2), found.figures().items(), strict=True):
            with place:
                st.caption(f"{name}, the clearest difference first")
                figure(plot, f"Figure of {name}", f"sides-{name}")
    for name, frame in found.tables().items():
        if name in ("counts", "verdicts"):
            table(named(frame, *names), f"sides-{name}", name.capitalize())
    with st.expander("All numbers: differences, weights, agreement, what is not compared"):
        text(found.summary())
        for name, frame in found.tables().items():
            if name not in ("counts", "verdicts") and len(frame):
                table(frame, f"sides-{name}", name.capitalize())
    if found.contrast is not None:
        with st.expander("Beyond the sharpness: differences of taste"):
            text(found.contrast.summary())
            result(found.contrast, "sides-contrast")
except wb.WorkbenchError as error:
    failure(error)
