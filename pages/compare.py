"""Annotators side by side: what each rewards, and where it differs from a reference."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from parts.choices import choose
from parts.entry import enter
from parts.further import estimate_of, further_of
from parts.state import announce, current, job_of, need_factors, truth
from parts.ui import failure, figure, note, result, table

import workbench as wb
from workbench.decompose.checks.result import fit_warnings
from workbench.decompose.missing import missing_verdicts
from workbench.plots.forest import forest, in_units
from workbench.plots.held_out import held_out_dots

enter("Compare annotators")
data = current()
announce(data)
need_factors(data)
choices = choose(data)
try:
    job = job_of(data, choices)
except wb.WorkbenchError as error:
    failure(error)
    st.stop()

fits = [fit for fit in (job.people, job.judges) if fit is not None]
warnings = [line for fit in fits for line in fit.warnings]
if warnings:
    st.info(f"{len(warnings)} warnings about these fits stand under Checks.")
VIEWS = ("Weights", "Differences", "Held-out", "Fit", "Similarity", "Concordance", "Scenarios",
         "Checks")  # fmt: skip
# only the open view is computed, and a link opens it again
places = dict(zip(VIEWS, st.tabs(VIEWS, key="view", bind="query-params"), strict=True))


def weights() -> None:
    """Show each annotator's weights, as the chosen estimate gives them."""
    name, options = estimate_of()
    if name:
        result(further_of(data, choices, name, **options), name)
    else:
        estimates = pd.concat([fit.to_frame() for fit in fits], ignore_index=True)
        st.caption(
            "Log-odds per standard deviation of the coded difference A minus B, fitted jointly, "
            f"with intervals at {job.people.settings['level']:.0%}. A cross marks a weight that "
            "the labels cannot tell."
        )
        drawn = forest(in_units(estimates, "per_sd"), x_title="weight (log-odds per SD)")
        figure(drawn, "Forest plot of factor weights of each annotator", "weights")
        title = "Every weight with n, interval, method; reason where undefined"
        table(estimates, "weights", title)
        st.caption("What speaks against these models (under Fit: every test)")
        note("\n".join(fit_warnings(further_of(data, choices, "fit"))) or "Nothing was found.")
    if truth(data) is not None:
        table(truth(data), "truth", "Planted weights of the simulated sample (ties dropped)")


def differences() -> None:
    """Show where weights differ from the reference's."""
    if job.gap is None:
        st.info("Choose at least one annotator to compare with the reference.")
        return
    st.caption(job.gap.about)
    table(job.gap.scale, "scale", "Sharpness beside the reference, and the test of the same taste")
    for name, drawn in job.gap.figures().items():
        figure(drawn, f"{name}, beside the reference", f"gap-{name}")
    table(job.gap.to_frame(), "differences", "Differences of taste, sharpness apart")
    table(job.gap.raw, "raw", "Raw differences of weights and of marginal effects")
    table(job.gap.wald, "wald", "Joint test that all factors weigh the same, sharpness included")
    table(job.gap.agreement, "agreement", "Agreement on the same pairs, ties apart")


def held_out() -> None:
    """Show how well the factors predict labels of prompts they have not seen."""
    held = pd.concat([fit.held_out for fit in fits], ignore_index=True)
    if held.empty:
        st.info("Choose a number of held-out folds to see how well the factors predict labels.")
        return
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
    table(held, "held_out", "Held-out scores with n and intervals; gain of the factors, paired")


def checks() -> None:
    """Show what a reader should know before trusting a weight."""
    note("\n".join(warnings) or "No warnings.")
    diagnostics = pd.concat([fit.diagnostics for fit in fits], ignore_index=True)
    table(diagnostics, "diagnostics", "Size and conditioning of each fit")
    left_out = pd.concat([fit.exclusions for fit in fits], ignore_index=True)
    table(left_out, "exclusions", "Labels left out of the fits, by reason")
    missing = missing_verdicts(job.data, factors=choices["factors"])
    if len(missing.to_frame()):
        st.caption(missing.about)
        note("\n".join(one.message for one in missing.findings()) or "No dependence was found.")
        table(missing.to_frame(), "missing", "Failing by factor and side: change of its share")


OWN = {"Weights": weights, "Differences": differences, "Held-out": held_out, "Checks": checks}
for name, place in places.items():
    if place.open:
        with place:
            try:
                if name in OWN:
                    OWN[name]()
                else:
                    result(further_of(data, choices, name.lower()), name.lower())
            except wb.WorkbenchError as error:
                failure(error)
