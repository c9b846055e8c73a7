"""What matters in these data: findings, each one click from its pairs, and a verdict a judge."""

from __future__ import annotations

import streamlit as st
from parts.charts.figure import CLICK
from parts.choices import choose
from parts.entry import enter
from parts.linking import to_pairs
from parts.overview.made import overview_of
from parts.overview.shown import finding, rows
from parts.state import current, is_sample
from parts.ui import figure, note, table, warn

from workbench.overview.verdicts import WORDS, in_words

enter("Overview")
data = current()
choices = choose(data)
found, chart, figures = overview_of(data, choices)

note(found.line)
if is_sample(data):
    warn("All texts, annotators and labels are simulated; their true weights are known.")
verdicts = st.container()
left, right = st.columns([5, 4])
with right:
    # drawn before what stands above it: a page is looked at from its chart
    alt = "What differs most, or is rewarded most, with intervals"
    figure(chart, alt, "overview", select=lambda of: to_pairs(**of), how=CLICK)
with verdicts:
    if len(found.verdicts):
        rows(in_words(found.verdicts))
with left:
    if found.empty is not None:
        note(found.empty)
    for k, (point, drawn) in enumerate(zip(found.points, figures, strict=True)):
        finding(point, drawn, k)
    note("\n".join(found.also))

with st.expander("How to read this page"):
    st.caption(found.about)
    note("\n".join(f"{word}: {meaning}" for word, meaning in WORDS.items()))
    st.caption("Sharpness is how large all weights are, as a multiple of the reference's.")
every = st.expander("Every number of the verdicts and findings", on_change="rerun", key="every")
if every.open:
    with every:
        table(found.verdicts, "judges", "Verdicts on judges, with intervals and reasons")
        table(found.to_frame(), "found", "Findings: estimates with intervals, n and what to do")
lost = "" if data.load_report is None else data.load_report.line()
note(f"{len(data):,} pairs, {len(data.labels):,} labels; digest {data.digest}\n{lost}")
