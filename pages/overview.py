"""What matters in these data: findings, each one click from its pairs, and a verdict a judge."""

from __future__ import annotations

import streamlit as st
from parts.choices import choose
from parts.entry import enter
from parts.overview.made import overview_of
from parts.overview.shown import finding
from parts.state import current, is_sample
from parts.ui import figure, note, table, warn

from workbench.overview.verdicts import WORDS, in_words

enter("Overview")
data = current()
choices = choose(data)
found = overview_of(data, choices)

report = data.load_report
note("\n".join(filter(None, (found.line, report and report.line()))))
if is_sample(data):
    warn("All texts, annotators and labels are simulated; their true weights are known.")
verdicts = st.container()
left, right = st.columns([5, 4])
with right:
    # drawn before what stands above it: a page is looked at from its chart
    figure(found.plot(), "What differs most, or is rewarded most, with intervals", "overview")
with verdicts:
    if len(found.verdicts):
        st.dataframe(in_words(found.verdicts), key="verdicts", hide_index=True)
with left:
    if found.empty is not None:
        note(found.empty)
    for k, point in enumerate(found.points):
        finding(found, point, k)
    note("\n".join(found.also))

with st.expander("How to read this page"):
    st.caption(found.about)
    note("\n".join(f"{word}: {meaning}" for word, meaning in WORDS.items()))
    st.caption("Sharpness is how large all weights are, as a multiple of the reference's.")
if len(found.verdicts):
    table(found.verdicts, "judges", "Verdicts on judges: every number with its interval")
note(f"digest {data.digest}")
