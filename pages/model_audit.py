"""Model audit: whether a trained model ranks as its preferences say, and what moved."""

from __future__ import annotations

import streamlit as st
from parts.entry import enter
from parts.models import asked, followed, kept
from parts.places import title_of
from parts.state import announce, current, need_texts
from parts.ui import failure

import workbench as wb
from workbench.audit.models.scored import score_models

enter("Model audit")
data = current()
announce(data)
need_texts(data)
st.caption(
    "Log-likelihoods of both responses under a model, its reference and its checkpoints: whether "
    "it ranks as the preferences say, how far a perfect solution would come, what moved."
)
known = kept()
try:
    with st.expander("New audit", icon=":material/model_training:", expanded=not known):
        options = asked(data)
        if options is not None:
            few, place, arguments = options
            scores = score_models(few, folder=place, progress=st.spinner, **arguments)
            scores.save(place)
            st.session_state["m-audit"] = title_of(place)
            known = kept()
    if known:
        name = st.selectbox("Audit", list(known), key="m-audit")
        followed(known[name], data)
except wb.WorkbenchError as error:
    failure(error)
