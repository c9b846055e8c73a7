"""Annotators side by side: what each rewards, and where it differs from a reference."""

from __future__ import annotations

import streamlit as st
from parts.charts.comparison import Comparison, differences, weights
from parts.charts.glossary import explain_factors
from parts.charts.views import checks, concordance, fit, held_out, scenarios, similarity
from parts.choices import choose
from parts.entry import enter
from parts.state import announce, current, job_of, need_factors
from parts.ui import failure

import workbench as wb

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

shown = Comparison(data, choices, job)
if shown.warnings:
    count = len(shown.warnings)
    told = "1 warning about these fits stands" if count == 1 else f"{count} warnings stand"
    st.info(f"{told} under Checks.")
VIEWS = {
    "Weights": weights,
    "Differences": differences,
    "Held-out": held_out,
    "Fit": fit,
    "Similarity": similarity,
    "Concordance": concordance,
    "Scenarios": scenarios,
    "Checks": checks,
}
# only the open view is computed, and a link opens it again
for view, place in zip(VIEWS.values(), st.tabs(list(VIEWS), key="view", bind="query-params"),
                       strict=True):  # fmt: skip
    if place.open:
        with place:
            explain_factors(job.data)
            try:
                view(shown)
            except wb.WorkbenchError as error:
                failure(error)
