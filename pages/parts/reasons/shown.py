"""What reasons name, and which values weigh: the answer first, every table after it."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from parts.charts.comparison import pairs_behind
from parts.charts.figure import figure
from parts.charts.selection import CLICK
from parts.judges import findings
from parts.ui import note, table, text

import workbench as wb
from workbench.explain.rationales.naming import INERT, SILENT
from workbench.explain.rationales.result import Rationales
from workbench.results import Result
from workbench.structure.values.readings import READINGS
from workbench.structure.values.result import Values

_OF_LIFT = ("named_when_largest", "named_otherwise", "reason")
_OF_CLAIMS = ("beyond", "beyond_low", "beyond_high")
_FIRST = ("group", "term", "estimate", "conf_low", "conf_high", "n")


def reasons_shown(found: Rationales, key: str, data: wb.PreferenceData) -> None:
    """Show what reasons name: how many, where it weighs, what is beside the point, which side."""
    _said(found.summary())
    findings(found.findings(), key)
    st.caption(found.about)
    lifts, coverage, named = found.figures().items()
    _drawn(lifts, f"{key}-lifts", found, lifts=True)
    title = "Lift of each factor: how many times as often it is named where it weighs most"
    # of a long list few factors are ever the largest: what could be compared comes first
    order = ["p_value", "n"]
    lifted = found.lifts.sort_values(
        order, key=lambda one: one.isna() if one.name == "p_value" else -one, kind="stable"
    )
    table(lifted, f"{key}-lifts", title, (*_FIRST, "q_value", *_OF_LIFT), select=pairs_behind)
    _drawn(coverage, f"{key}-coverage", found)
    table(found.coverage, f"{key}-coverage", "Share of the reasons that name any factor", _FIRST)
    st.subheader("Named and weighed apart")
    apart = found.naming[found.naming["kind"].isin([INERT, SILENT])]
    if len(apart):
        first = (*_FIRST[:2], "kind", *_FIRST[2:], "per_sd", "per_sd_low", "per_sd_high")
        table(apart, f"{key}-apart", "Named without a weight; strong and never named", first,
              select=pairs_behind)  # fmt: skip
    else:
        note("No factor is named often without a weight, or strong and never named.")
    _drawn(named, f"{key}-named", found)
    st.subheader("Which response has more")
    title = "How often a claim has the sign of the difference, and how far beyond the verdict"
    table(found.direction[found.direction["n"] > 0], f"{key}-direction", title,
          (*_FIRST, *_OF_CLAIMS))  # fmt: skip
    _rest(found, key, ("naming", "contrasts", "phrases", "readings", "exclusions"))


def values_shown(found: Values, key: str, data: wb.PreferenceData) -> None:
    """Show each value by itself and at given others, theories, and what is too rare."""
    _said(found.summary())
    findings(found.findings(), key)
    st.caption(found.about)
    for one in found.figures().items():
        _drawn(one, f"{key}-{one[0]}", found)
    first = ("group", "term", "reading", *_FIRST[2:], "joint", "joint_low", "joint_high")
    title = "Marginal share (points) beside the joint weight (log-odds)"
    table(found.estimates, f"{key}-values", title, first)
    with st.expander("What the readings mean"):
        note("\n".join(f"{name}: {meaning}" for name, meaning in READINGS.items()))
    if len(found.theories):
        table(found.theories, f"{key}-theories", "The same of kinds, by theory",
              ("theory", *first))  # fmt: skip
    else:
        note("No theories: the file has no columns theory_NAME_a and _b. The command takes a table "
             "of them (workbench values DATA --theories FILE).")  # fmt: skip
    if len(found.rare):
        table(found.rare, f"{key}-rare", "Values without a weight of their own, and why")
    _rest(found, key, ("contrast", "held_out", "theories_held_out", "exclusions"))


def _said(summary: str) -> None:
    """Show what is said of each annotator, without what is below it."""
    below = (" ", "note:", "method:")
    lines = [line for line in summary.splitlines() if not line.startswith(below)]
    text("\n".join(line for line in lines if not line.endswith(":")))


def _drawn(one: tuple[str, object], key: str, found: Result, *, lifts: bool = False) -> None:
    name, plot = one
    st.caption(f"{name}. {CLICK}" if lifts else name)
    figure(plot, name, f"figure-{key}", how=found.about, select=pairs_behind if lifts else None)


def _rest(found: Result, key: str, names: tuple[str, ...]) -> None:
    """Show the other tables, and all of it in words, folded."""
    with st.expander("More tables"):
        for name in names:
            frame = found.tables().get(name, pd.DataFrame())
            if len(frame):
                table(frame, f"{key}-{name}", name.replace("_", " ").capitalize())
    with st.expander("All of it in words"):
        text(found.summary())
