"""Annotators side by side: what each rewards, and where it differs from a reference."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from _choices import choose
from _state import announce, current, job_of, truth
from _ui import failure, figure, note, table

import workbench as wb
from workbench.plots.forest import forest
from workbench.plots.held_out import held_out_dots

st.title("Compare annotators")
data = current()
announce(data)
choices = choose(data)
try:
    job = job_of(data, choices)
except wb.WorkbenchError as error:
    failure(error)
    st.stop()

fits = [fit for fit in (job.people, job.judges) if fit is not None]
estimates = pd.concat([fit.to_frame() for fit in fits], ignore_index=True)
warnings = [line for fit in fits for line in fit.warnings]
if warnings:
    st.info(f"{len(warnings)} warnings about these fits stand under Checks.")
weights, gap, scores, checks = st.tabs(["Weights", "Differences", "Held-out", "Checks"])

with weights:
    st.caption(
        "Log-odds per unit of the coded difference A minus B, fitted jointly, with intervals at "
        f"{job.people.settings['level']:.0%}. A cross marks a weight that the labels cannot tell."
    )
    figure(forest(estimates), "Forest plot of factor weights of each annotator", "weights")
    table(estimates, "weights", "Every weight with n, interval, method; reason where undefined")
    if truth(data) is not None:
        table(truth(data), "truth", "Planted weights of the simulated sample (ties dropped)")

with gap:
    if job.gap is None:
        st.info("Choose at least one annotator to compare with the reference.")
    else:
        st.caption("Weight minus that of the reference; errors know that both saw the same pairs.")
        figure(job.gap.plot(), "Forest plot of weight differences to the reference", "gap")
        table(job.gap.to_frame(), "differences", "Differences with q-values")
        table(job.gap.wald, "wald", "Joint Wald test that all factors weigh the same")
        table(job.gap.agreement, "agreement", "Agreement on the same pairs, ties apart")

with scores:
    held = pd.concat([fit.held_out for fit in fits], ignore_index=True)
    if held.empty:
        st.info("Choose a number of held-out folds to see how well the factors predict labels.")
    else:
        measure = st.segmented_control(
            "Measure",
            ["accuracy", "auc", "log_loss", "brier"],
            default="accuracy",
            required=True,
            key="measure",
            bind="query-params",
        )
        st.caption(f"{choices['folds']} folds that never split a prompt; baselines beside.")
        figure(held_out_dots(held, measure), "Held-out scores beside baselines", "held")
        table(held, "held_out", "Held-out scores with n and intervals")

with checks:
    note("\n".join(warnings) or "No warnings.")
    diagnostics = pd.concat([fit.diagnostics for fit in fits], ignore_index=True)
    table(diagnostics, "diagnostics", "Size and conditioning of each fit")
    left_out = pd.concat([fit.exclusions for fit in fits], ignore_index=True)
    table(left_out, "exclusions", "Labels left out of the fits, by reason")
