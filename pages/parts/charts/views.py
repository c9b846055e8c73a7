"""The further views of a comparison: how well it predicts, who is alike, where scenarios differ."""

from __future__ import annotations

from typing import cast

import pandas as pd
import streamlit as st
from parts.charts.comparison import Comparison, pairs_behind
from parts.charts.selection import CLICK
from parts.choices import one
from parts.further import ceiling_of
from parts.linking import to_pairs
from parts.pairs.order import APART, WRONG
from parts.ui import figure, note, result, table, tables

from workbench.ceiling.result import beside
from workbench.compare.scenarios import ScenarioPool
from workbench.decompose.missing import missing_verdicts
from workbench.plots.held_out import held_out_dots


def held_out(shown: Comparison) -> None:
    """Show how well the factors predict labels of prompts they have not seen."""
    held = pd.concat([fit.held_out for fit in shown.fits], ignore_index=True)
    asked = "Beside black boxes: how much can be predicted at all (takes a minute)"
    if held.empty:
        st.info("Choose a number of held-out folds to see how well the factors predict labels.")
        return
    if st.toggle(asked, key="ceiling", bind="query-params"):
        found = ceiling_of(shown.data, shown.choices)
        held = beside(held, [found])
        note(found.sentence())
    names = ["accuracy", "auc", "log_loss", "brier"]
    measure = st.radio("Measure", names, horizontal=True, key="measure", bind="query-params")
    how = f"{shown.choices['folds']} folds that never split a prompt; baselines beside."
    st.caption(f"{how} Click a point or a row: the pairs that this fit predicts worst.")
    figure(held_out_dots(held, measure), f"Held-out {measure} beside baselines", "held",
           select=_worst, frame=held, how=how)  # fmt: skip
    title = "Held-out scores with n and intervals; gain of the factors, paired"
    table(held, "held_out", title, select=_worst)


def fit(shown: Comparison) -> None:
    """Show whether the model describes the labels."""
    result(shown.further("fit"), "fit")


def similarity(shown: Comparison) -> None:
    """Show who rewards the same."""
    st.caption("Click a cell or a row: the pairs on which these two annotators disagree.")
    result(shown.further("similarity"), "similarity", select=_apart)


def concordance(shown: Comparison) -> None:
    """Show where a factor by itself and in the joint fit disagree."""
    st.caption(CLICK)
    result(shown.further("concordance"), "concordance", select=pairs_behind,
           meanings=shown.meanings)  # fmt: skip


def scenarios(shown: Comparison) -> None:
    """Show the weights that vary most between scenarios, then all in one scenario."""
    found = cast(ScenarioPool, shown.further("scenarios"))
    st.caption(f"{found.about} {CLICK}")
    for name, plot in found.figures().items():
        st.caption(name)
        figure(plot, name, f"scenarios-{name}", select=pairs_behind, how=found.about,
               meanings=shown.meanings)  # fmt: skip
    names = list(dict.fromkeys(found.to_frame()["scenario"]))
    chosen = one("All weights in one scenario", names, "in_scenario")
    figure(found.in_scenario(chosen), "Pooled weights in one scenario", "in-scenario",
           select=pairs_behind, how=found.about, meanings=shown.meanings)  # fmt: skip
    tables(found, "scenarios", select=pairs_behind)


def _worst(of: dict[str, str]) -> None:
    to_pairs(group=of.get("group"), order=WRONG)


def _apart(of: dict[str, str]) -> None:
    if "against" in of:
        to_pairs(group=of["group"], against=of["against"], order=APART)


def checks(shown: Comparison) -> None:
    """Show what a reader should know before trusting a weight."""
    note("\n".join(shown.warnings) or "No warnings.")
    diagnostics = pd.concat([one.diagnostics for one in shown.fits], ignore_index=True)
    table(diagnostics, "diagnostics", "Size and conditioning of each fit")
    left_out = pd.concat([one.exclusions for one in shown.fits], ignore_index=True)
    if len(left_out):
        table(left_out, "exclusions", "Labels left out of the fits, by reason")
    missing = missing_verdicts(shown.job.data, factors=shown.choices["factors"])
    if len(missing.to_frame()):
        st.caption(missing.about)
        note("\n".join(one.message for one in missing.findings()) or "No dependence was found.")
        table(missing.to_frame(), "missing", "Failing by factor and side: change of its share")
