"""What matters in these data: findings, each one click from its pairs, and a verdict a judge."""

from __future__ import annotations

import streamlit as st
from parts.choices import choose
from parts.entry import enter
from parts.overview.made import overview_of
from parts.overview.shown import chart, early, every_number, finding, rows
from parts.state import current, is_sample
from parts.ui import note, warn

from workbench.overview.verdicts import WORDS, in_words

enter("Overview")
line, verdicts = st.container(), st.container()
left, right = st.columns([5, 4])
place = early(right)
data = current()
found, drawn, figures = overview_of(data, choose(data))

with place.container():
    alt = "What differs most, or is rewarded most, with intervals"
    chart(drawn, alt, "overview")
with line:
    note(found.line)
    if is_sample(data):
        warn("All texts, annotators and labels are simulated; their true weights are known.")
with left:
    if found.empty is not None:
        note(found.empty)
    for k, (point, own) in enumerate(zip(found.points, figures, strict=True)):
        finding(point, own, k)
    if found.also:
        note("\n".join(found.also))
with verdicts:
    if len(found.verdicts):
        rows(in_words(found.verdicts))

with st.expander("How to read this page"):
    st.caption(found.about)
    note("\n".join(f"{word}: {meaning}" for word, meaning in WORDS.items()))
    st.caption("Sharpness is how large all weights are, as a multiple of the reference's.")
every_number(found)
lost = "" if data.load_report is None else data.load_report.line()
note(f"{len(data):,} pairs, {len(data.labels):,} labels; digest {data.digest}\n{lost}")
