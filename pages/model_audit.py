"""Model audit: its verdict first, the details folded, then the form for another one."""

from __future__ import annotations

import streamlit as st
from parts.entry import enter
from parts.models import asked, followed, kept
from parts.places import title_of
from parts.state import announce, current, need_texts
from parts.ui import failure, note

import workbench as wb
from workbench.report.main_job import has_text

enter("Model audit")
data = current()
# what was found stands first, though the form below may find more
top = st.container()
st.caption(
    "Log-likelihoods of both responses under a model, its reference and its checkpoints: whether "
    "it ranks as the preferences say, how far a perfect solution would come, what moved."
)
announce(data)
known = kept()
try:
    if has_text(data):
        with st.expander("New audit", icon=":material/model_training:", expanded=not known):
            made = asked(data)
            if made is not None:
                st.session_state["m-audit"] = title_of(made)
                known = kept()
    with top:
        if known:
            name = st.selectbox("Audit", list(known), key="m-audit")
            followed(known[name], data)
        else:
            note("No model was audited yet: name one below.")
except wb.WorkbenchError as error:
    failure(error)
need_texts(data)
